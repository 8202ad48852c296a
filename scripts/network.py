"""Drives the `mutirao` binary the way a person does: for the demo and the end-to-end tests."""
import json
import os
import pathlib
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def binary():
    """The program under test: $MUTIRAO_BINARY, else the release build's."""
    return os.environ.get("MUTIRAO_BINARY", str(ROOT / "build/release/bin/mutirao"))


class CommandFailed(Exception):
    """A command that ended with a non-zero exit code; `error` holds its --json error."""

    def __init__(self, arguments, code, error, text):
        super().__init__(f"mutirao {' '.join(map(str, arguments))}: exit {code}: {text.strip()}")
        self.code = code
        self.error = error
        self.text = text


class Network:
    """One network under `home`, started by `mutirao up` and stopped with it."""

    def __init__(self, home, password="uma senha de teste"):
        self.home = pathlib.Path(home)
        self.environment = {
            **os.environ,
            "MUTIRAO_HOME": str(self.home),
            "MUTIRAO_PASSWORD": password,
            # Light scrypt for wallets made here: tests and the demo open them dozens of times.
            "MUTIRAO_WALLET_STRENGTH": "light",
        }
        self.process = None
        self.ready = None

    def up(self, *options, timeout=60):
        self.home.mkdir(parents=True, exist_ok=True)
        with open(self.home / "up.log", "ab") as log:
            self.process = subprocess.Popen([binary(), "up", "--json", *map(str, options)],
                                            env=self.environment, stdout=subprocess.PIPE,
                                            stderr=log, start_new_session=True)
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait(timeout=timeout)
            self.process = None
            raise CommandFailed(["up", *options], code, None,
                                (self.home / "up.log").read_text(errors="replace")[-2000:])
        self.ready = json.loads(line)
        return self.ready

    def down(self, timeout=30):
        """Ctrl-C, as a person would; returns the exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            code = self.process.wait()
        self.process.stdout.close()
        self.process = None
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()

    def run(self, *arguments, check=True, timeout=300, stdin=None, environment=None):
        """Runs one command with --json; returns what it printed, parsed."""
        done = subprocess.run([binary(), *map(str, arguments), "--json"], capture_output=True,
                              env={**self.environment, **(environment or {})}, timeout=timeout,
                              input=stdin, check=False)
        text = done.stdout.decode(errors="replace")
        error_text = done.stderr.decode(errors="replace")
        if done.returncode != 0:
            error = None
            for line in (error_text + "\n" + text).splitlines():
                if line.startswith('{"error"'):
                    error = json.loads(line)["error"]
            if check:
                raise CommandFailed(arguments, done.returncode, error, error_text or text)
            return CommandFailed(arguments, done.returncode, error, error_text or text)
        lines = [line for line in text.splitlines() if line.strip()]
        return json.loads(lines[-1]) if lines else None

    def fails(self, *arguments, **options):
        """Runs a command that must fail; returns the CommandFailed."""
        result = self.run(*arguments, check=False, **options)
        assert isinstance(result, CommandFailed), f"{arguments} succeeded: {result}"
        return result

    def process_of(self, name):
        """The process id of one node, by its name in `mutirao status`."""
        for node in self.run("status")["nodes"]:
            if node["name"] == name:
                return node["pid"]
        raise KeyError(name)

    def kill(self, name):
        pid = self.process_of(name)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), 10)


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(condition, seconds, every=0.05):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(every)
    raise TimeoutError(f"still not true after {seconds} s")

"""Drives the `mutirao` binary the way a person does: for the demo and the end-to-end tests."""
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def binary():
    """The program under test: $MUTIRAO_BINARY, else the release build's."""
    return os.environ.get("MUTIRAO_BINARY", str(ROOT / "build/release/bin/mutirao"))


class CommandFailed(Exception):
    """A command that ended with a non-zero exit code; `error` holds its --json error."""

    def __init__(self, arguments, code, error, text):
        words = " ".join(map(str, arguments[:8])) + (" ..." if len(arguments) > 8 else "")
        super().__init__(f"mutirao {words}: exit {code}: {text.strip()}")
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
        self.restarted = {}  # processes that restart() began, by the node's name

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
        for name in list(self.restarted):
            self.end_restarted(name)
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

    def facts(self, *arguments, timeout=300):
        """Runs one command with --json; yields each line that it prints, parsed, as it comes."""
        process = subprocess.Popen([binary(), *map(str, arguments), "--json"], env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = threading.Timer(timeout, process.kill)
        end.start()
        try:
            for line in process.stdout:
                if line.strip():
                    yield json.loads(line)
            errors = process.stderr.read()
            if process.wait() != 0:
                raise CommandFailed(arguments, process.returncode, None, errors)
        finally:
            end.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()

    def fails(self, *arguments, **options):
        """Runs a command that must fail; returns the CommandFailed."""
        result = self.run(*arguments, check=False, **options)
        assert isinstance(result, CommandFailed), f"{arguments} succeeded: {result}"
        return result

    def node(self, name):
        """What `mutirao status` says about one node."""
        return next(node for node in self.run("status")["nodes"] if node["name"] == name)

    def folder(self, name):
        """A node's data folder."""
        return self.home / "network" / name

    def process_of(self, name):
        """The process id of one node, by its name in `mutirao status`."""
        if name in self.restarted:
            return self.restarted[name].pid
        for node in self.run("status")["nodes"]:
            if node["name"] == name:
                return node["pid"]
        raise KeyError(name)

    def kill(self, name):
        pid = self.process_of(name)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), 10)

    def stop(self, name):
        """The node hangs: it keeps its connections and answers nothing, until cont()."""
        os.kill(self.process_of(name), signal.SIGSTOP)

    def cont(self, name):
        os.kill(self.process_of(name), signal.SIGCONT)

    def restart(self, name, *options, program=None):
        """Starts a killed node again: the same folder, account and addresses."""
        self.end_restarted(name)
        node = self.node(name)
        listen = node["endpoint"].split("@")[-1]
        if node["role"] == "gateway":
            options += ("--http", self.ready["http"].split("//")[1].strip("/"))
        self.start_node(name, node["role"], "--listen", listen, *options, program=program)

    def start_node(self, name, role, *options, timeout=30, program=None):
        """A process beside those of `up`, in the folder of that name; returns when it is ready."""
        folder = self.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "endpoint").unlink(missing_ok=True)
        with open(folder / "log.txt", "ab") as log:
            process = subprocess.Popen(
                [program or binary(), "node", "--role", role, "--data", str(folder), "--join",
                 self.ready["ledger"], *map(str, options)],
                env=self.environment, stdout=log, stderr=log)
        self.restarted[name] = process
        wait_until(lambda: (folder / "endpoint").exists() or process.poll() is not None, timeout)
        if process.poll() is not None:
            raise CommandFailed(["node", name], process.returncode, None,
                                (folder / "log.txt").read_text(errors="replace")[-2000:])

    def end_restarted(self, name):
        process = self.restarted.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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

"""Validators of the engine `cometbft` on this machine: each is a `mutirao node --role ledger` and a
`cometbft`, and can be killed by halves, cut off from the others, and doubled."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from network import binary, wait_until  # noqa: E402


def comet():
    """The CometBFT program: $MUTIRAO_COMETBFT, else what scripts/install-cometbft installed."""
    path = os.environ.get("MUTIRAO_COMETBFT", str(ROOT / "build/deps/bin/cometbft"))
    if not os.access(path, os.X_OK):
        raise unittest.SkipTest("CometBFT is not installed: scripts/install-cometbft, with Go 1.25")
    return path


def comet_version():
    """v0.40 or v0.38: the program itself does not say it truthfully."""
    stamp = ROOT / "build/deps/cometbft.version"
    given = os.environ.get("MUTIRAO_COMETBFT_VERSION")
    return (given or stamp.read_text().strip()).rsplit(".", 1)[0]


def mutirao(*arguments, timeout=60):
    """Runs a command with --json; returns what it printed, parsed."""
    done = subprocess.run([binary(), *map(str, arguments), "--json"], capture_output=True,
                          timeout=timeout, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return json.loads(done.stdout.decode().splitlines()[-1])


def call(url, method, *params):
    """One call of Ethereum's JSON-RPC; an error is raised as RuntimeError."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        out = json.load(answer)
    if "error" in out:
        raise RuntimeError(out["error"]["message"])
    return out["result"]


class Ledger:
    """A ledger role as a process."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process = None
        self.crash_file = self.folder.parent / (self.folder.name + ".crash")
        self.crash_file.write_text("")

    def start(self):
        (self.folder / "eth-rpc").unlink(missing_ok=True)
        with open(self.folder / "log.txt", "ab") as log:
            self.process = subprocess.Popen(
                [binary(), "node", "--role", "ledger", "--data", str(self.folder),
                 "--snapshot-every", "20"],
                env={**os.environ, "MUTIRAO_CRASH_FILE": str(self.crash_file)},
                stdout=log, stderr=log)
        wait_until(lambda: (self.folder / "eth-rpc").exists() or self.process.poll() is not None,
                   20)
        assert self.process.poll() is None, self.log()[-2000:]

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(how)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def log(self):
        return (self.folder / "log.txt").read_text(errors="replace")

    def call(self, method, *params):
        return call((self.folder / "eth-rpc").read_text(), method, *params)

    def height(self):
        return int(self.call("eth_blockNumber"), 16)

    def block(self, height):
        """Hash and state root of a block."""
        block = self.call("eth_getBlockByNumber", hex(height), False)
        return block["hash"], block["stateRoot"]

    def balance(self, address):
        return int(self.call("eth_getBalance", address, "latest"), 16)

    def has(self, transaction):
        return self.call("eth_getTransactionReceipt", transaction) is not None


class Validator:
    """Both halves. `facts` is an element of what `mutirao ledger init` prints."""

    def __init__(self, facts):
        self.name = facts["name"]
        self.address = facts["validator"]
        self.account = facts["account"]
        self.home = pathlib.Path(facts["cometbft"])
        self.p2p = facts["p2p"]
        self.endpoint = facts.get("endpoint")  # of the ledger, for other ledgers
        self.rpc = facts["rpc"]
        self.ledger = Ledger(facts["ledger"])
        self.comet = None

    def configure(self, pattern, text):
        """Replaces what matches in config.toml."""
        path = self.home / "config/config.toml"
        changed, count = re.subn(pattern, text, path.read_text())
        assert count > 0, f"{pattern} is not in {path}"
        path.write_text(changed)

    def start(self):
        self.ledger.start()
        self.start_comet()

    def start_comet(self):
        with open(self.home / "log.txt", "ab") as log:
            self.comet = subprocess.Popen([comet(), "start", "--home", str(self.home)],
                                          stdout=log, stderr=log)

    def stop_comet(self, how=signal.SIGTERM):
        if self.comet is not None:
            self.comet.send_signal(how)
            self.await_comets_end()

    def await_comets_end(self):
        """CometBFT ends by itself when its ledger goes."""
        try:
            self.comet.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.comet.kill()
            self.comet.wait()

    def stop(self):
        self.stop_comet()
        return self.ledger.stop()

    def get(self, path):
        """An answer of CometBFT's own JSON-RPC."""
        with urllib.request.urlopen(f"http://{self.rpc}/{path}", timeout=10) as answer:
            return json.load(answer)["result"]

    def copy(self, folder, name):
        """One more machine with the same configuration, key and state: call it before the first
        start. Others do not call it; it calls them."""
        folder = pathlib.Path(folder)
        shutil.copytree(self.home, folder / "cometbft")
        shutil.copytree(self.ledger.folder, folder / "ledger")
        (folder / "cometbft/config/node_key.json").unlink()  # CometBFT makes another
        (folder / "ledger/address").unlink()  # it listens somewhere else
        copy = Validator({"name": name, "validator": self.address,
                          "account": self.account, "p2p": "", "rpc": "",
                          "ledger": folder / "ledger", "cometbft": folder / "cometbft"})
        copy.configure(re.escape(str(self.ledger.folder)), str(folder / "ledger"))
        copy.configure(r'laddr = "tcp://127\.0\.0\.1:\d+"', 'laddr = "tcp://127.0.0.1:0"')
        copy.configure(r'external_address = "[^"]*"', 'external_address = ""')
        return copy

    def votes(self):
        """Of each validator by its address, as CometBFT says."""
        return {each["address"]: int(each["voting_power"])
                for each in self.get("validators?per_page=100")["validators"]}

    def new_keys(self):
        """It is a machine of its own: CometBFT and the ledger make other keys."""
        self.forget_key()
        (self.ledger.folder / "identity.key").unlink()

    def forget_key(self):
        """It follows, and does not vote."""
        (self.home / "config/priv_validator_key.json").unlink()
        (self.home / "data/priv_validator_state.json").unlink()

    def sync_from(self, validators, height):
        """State sync, trusting what the first of these says of a block."""
        trusted = validators[0].get(f"block?height={height}")["block_id"]["hash"]
        servers = ",".join(each.rpc for each in validators)
        with open(self.home / "config/config.toml", "a", encoding="utf-8") as config:
            config.write(f'\n[statesync]\nenable = true\nrpc_servers = "{servers}"\n'
                         f'trust_height = {height}\ntrust_hash = "{trusted}"\n'
                         'discovery_time = "5s"\n')


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Link:
    """A TCP relay in front of one of a validator's ports, that can be cut."""

    def __init__(self, target, listen=0):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.lock = threading.Lock()
        self.sockets = []
        self.is_cut = False
        self.listener = socket.create_server(("127.0.0.1", listen))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        with self.lock:
            self.is_cut = True
            for each in self.sockets:
                _shut(each)
            self.sockets.clear()

    def heal(self):
        with self.lock:
            self.is_cut = False

    def close(self):
        self.cut()
        _shut(self.listener)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                if self.is_cut:
                    here.close()
                    continue
                try:
                    there = socket.create_connection(self.target, timeout=5)
                except OSError:
                    here.close()
                    continue
                there.settimeout(None)
                self.sockets += [here, there]
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _shut(each):
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _pump(source, sink):
    try:
        while piece := source.recv(1 << 16):
            sink.sendall(piece)
    except OSError:
        pass
    _shut(sink)
    _shut(source)
    source.close()  # the other direction closes the other one

"""Ethereum's wallets and libraries as people have them, against a real network."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = HERE / "wallets"
sys.path.insert(0, str(HERE.parent.parent / "scripts"))
from network import Network  # noqa: E402

# Keys of nobody: they hold only what this test gives them.
KEYS = {name: "0x" + f"{number:064x}" for number, name in
        enumerate(("ethers_owner", "ethers_buyer", "viem_owner", "viem_buyer", "cast"), 0x6d757401)}
ADDRESSES = "import {Wallet} from 'ethers';" \
    "console.log(JSON.stringify(process.argv.slice(1).map((key) => new Wallet(key).address)))"


def install_clients():
    """The packages of wallets/package-lock.json, unless they are there already."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise unittest.SkipTest("npm and node are not installed: no wallets to test with")
    lock = (CLIENTS / "package-lock.json").read_bytes()
    stamp = CLIENTS / "node_modules" / ".installed-package-lock.json"
    if stamp.exists() and stamp.read_bytes() == lock:
        return
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=CLIENTS,
                          capture_output=True, timeout=300, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest("npm could not install the wallets: " + done.stderr.decode()[-300:])
    stamp.write_bytes(lock)


class WalletsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install_clients()
        cls.folder = tempfile.TemporaryDirectory(prefix="mutirao-wallets-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.network = Network(pathlib.Path(cls.folder.name) / "home")
        cls.network.up("--nodes", 1, "--trainers", 0, "--computes", 0)
        cls.addClassCleanup(cls.network.down)
        cls.url = cls.network.ready["eth_rpc"]
        addresses = json.loads(cls.node("--input-type=module", "-e", ADDRESSES, *KEYS.values()))
        for address in addresses:
            cls.network.run("wallet", "send", "--from", "founder", "--to", address, "100")
        cls.addresses = dict(zip(KEYS, addresses))

    @classmethod
    def node(cls, *arguments, timeout=90):
        """Runs node in the clients' folder; returns what it printed."""
        done = subprocess.run(["node", *arguments], cwd=CLIENTS, capture_output=True,
                              timeout=timeout, check=False)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        return done.stdout.decode()

    def call(self, method, *params):
        """One call as bare JSON."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        request = urllib.request.Request(self.url, body.encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


class Libraries(WalletsTest):
    def test_ethers_transfers_registers_a_data_set_and_buys_a_licence(self):
        facts = json.loads(self.node("ethers_client.mjs", self.url, KEYS["ethers_owner"],
                                     KEYS["ethers_buyer"]))
        self.assertEqual(facts["steps"],
                         ["network", "transfers", "defaults", "many", "asset", "licence",
                          "errors", "subscriptions"])

    def test_viem_transfers_registers_a_data_set_and_buys_a_licence(self):
        facts = json.loads(self.node("viem_client.mjs", self.url, KEYS["viem_owner"],
                                     KEYS["viem_buyer"]))
        self.assertEqual(facts["steps"], ["network", "transfers", "asset", "licence", "errors",
                                          "subscriptions"])

    def test_cast_sends_and_reads(self):
        def cast(*arguments):
            done = subprocess.run(["node_modules/.bin/cast", *arguments], cwd=CLIENTS,
                                  env={**os.environ, "ETH_RPC_URL": self.url},
                                  capture_output=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            return done.stdout.decode().strip()

        self.assertEqual(cast("chain-id"), "8021")
        to = "0x000000000000000000000000000000000000beef"
        before = int(cast("balance", to))
        sent = json.loads(cast("send", "--json", "--private-key", KEYS["cast"], "--value",
                               "3ether", to))
        self.assertEqual(sent["status"], "0x1")
        self.assertEqual(int(cast("balance", to)) - before, 3 * 10**18)
        token = "0x00000000000000000000000000000000006d7506"
        self.assertEqual(cast("call", token, "symbol()(string)"), '"MUT"')
        rights = "0x00000000000000000000000000000000006d7503"
        content = "0x" + "ca" * 32
        cast("send", "--private-key", KEYS["cast"], rights,
             "registerAsset(bytes32,uint64,string)", content, "9", "cast")
        logs = json.loads(cast("logs", "--json", "--from-block", "0", "--address", rights,
                               "AssetRegistered(bytes32 indexed,address indexed,address indexed)"))
        self.assertIn(self.addresses["cast"].lower()[2:], "".join(logs[-1]["topics"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)

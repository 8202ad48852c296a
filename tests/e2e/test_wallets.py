"""Ethereum's wallets and libraries as people have them, against a real network."""
import fcntl
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = HERE / "wallets"
sys.path.insert(0, str(HERE.parent.parent / "scripts"))
from network import Network, wait_until  # noqa: E402

# Keys of nobody: they hold only what this test gives them.
KEYS = {name: "0x" + f"{number:064x}" for number, name in
        enumerate(("ethers_owner", "ethers_buyer", "viem_owner", "viem_buyer", "cast", "hardhat",
                   "bad"), 0x6d757401)}
ADDRESSES = "import {Wallet} from 'ethers';" \
    "console.log(JSON.stringify(process.argv.slice(1).map((key) => new Wallet(key).address)))"


def install_clients():
    """The packages of wallets/package-lock.json, unless they are there already."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise unittest.SkipTest("npm and node are not installed: no wallets to test with")
    with (CLIENTS / "package-lock.json").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tests run side by side, and npm begins by deleting all
        lock = file.read()
        stamp = CLIENTS / "node_modules" / ".installed-package-lock.json"
        if stamp.exists() and stamp.read_bytes() == lock:
            return
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                              cwd=CLIENTS, capture_output=True, timeout=300, check=False)
        if done.returncode != 0:
            raise unittest.SkipTest("npm could not install the wallets: " +
                                    done.stderr.decode()[-300:])
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
    def node(cls, *arguments, timeout=90, **environment):
        """Runs node in the clients' folder; returns what it printed."""
        done = subprocess.run(["node", *arguments], cwd=CLIENTS, capture_output=True,
                              env={**os.environ, **environment}, timeout=timeout, check=False)
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
                         ["network", "transfers", "defaults", "many", "asset", "tokens", "licence",
                          "orders", "errors", "subscriptions"])

    def test_viem_transfers_registers_a_data_set_and_buys_a_licence(self):
        facts = json.loads(self.node("viem_client.mjs", self.url, KEYS["viem_owner"],
                                     KEYS["viem_buyer"]))
        self.assertEqual(facts["steps"], ["network", "transfers", "asset", "tokens", "licence",
                                          "orders", "errors", "subscriptions"])

    def test_hardhats_provider_signs_and_sends(self):
        facts = json.loads(self.node("hardhat_client.cjs", MUTIRAO_RPC=self.url,
                                     MUTIRAO_KEY=KEYS["hardhat"],
                                     HARDHAT_CONFIG=str(CLIENTS / "hardhat.config.cjs"),
                                     HARDHAT_DISABLE_TELEMETRY_PROMPT="true"))
        self.assertEqual(facts["type"], "0x2")

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


class Explorer(WalletsTest):
    def test_what_happened_is_told_in_words(self):
        content = "0x" + "ef" * 32
        script = ("import {Contract, JsonRpcProvider, Wallet} from 'ethers';"
                  "import {modules, published} from './abi.mjs';"
                  "const provider = new JsonRpcProvider(process.argv[1]);"
                  "const wallet = new Wallet(process.argv[2], provider);"
                  "const rights = new Contract(modules.rights, published('IRights'), wallet);"
                  "const sent = await rights.registerAsset(process.argv[3], 9, 'Mapa do bairro');"
                  "await sent.wait(); console.log(sent.hash); provider.destroy()")
        sent = self.node("--input-type=module", "-e", script, self.url, KEYS["cast"],
                         content).strip()
        told = self.call("mutirao_transaction", sent)["result"]
        self.assertEqual((told["call"]["module"], told["call"]["method"]),
                         ("rights", "registerAsset"))
        self.assertEqual([argument["value"] for argument in told["call"]["arguments"]],
                         [content, 9, "Mapa do bairro"])
        self.assertEqual([event["kind"] for event in told["events"]],
                         ["paid", "asset_registered", "asset_transferred"])
        assets = self.call("mutirao_records", "assets")["result"]["items"]
        self.assertEqual([asset["title"] for asset in assets], ["Mapa do bairro"])
        self.assertEqual(assets[0]["owner"], self.addresses["cast"].lower())
        self.assertEqual(len(self.call("mutirao_records", "nodes")["result"]["items"]), 2)
        newest = self.call("mutirao_events", None, 3)["result"]["items"]
        self.assertEqual([event["kind"] for event in newest],
                         ["asset_transferred", "asset_registered", "paid"])
        blocks = self.call("mutirao_blocks", told["number"] + 1, 1)["result"]["items"]
        self.assertEqual(blocks[0]["transactions"], 1)


class BadInput(WalletsTest):
    """Each of these must be refused in words, hold little memory, and stall nobody else."""

    def setUp(self):
        self.memory_before = self.memory()

    def tearDown(self):
        # Still there, still quick, and not much larger.
        before = time.monotonic()
        self.assertEqual(self.call("eth_chainId")["result"], "0x1f55")
        self.assertLess(time.monotonic() - before, 2)
        self.assertLess(self.memory() - self.memory_before, 200 << 20)

    def memory(self):
        """Resident bytes of the ledger's process."""
        status = pathlib.Path(f"/proc/{self.network.process_of('ledger')}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) << 10

    def post(self, body):
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def address(self):
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def test_transactions_that_no_ledger_should_take(self):
        wallet = self.addresses["bad"]
        self.node("--input-type=module", "-e",
                  "import {JsonRpcProvider, Wallet} from 'ethers';"
                  "const provider = new JsonRpcProvider(process.argv[1]);"
                  "const wallet = new Wallet(process.argv[2], provider);"
                  "await (await wallet.sendTransaction({to: wallet.address})).wait();"
                  "provider.destroy()", self.url, KEYS["bad"])
        nonce = int(self.call("eth_getTransactionCount", wallet, "latest")["result"], 16)
        given = json.loads(self.node("bad_transactions.mjs", KEYS["bad"], str(nonce)))
        for bad in given["refused"]:
            with self.subTest(bad["name"]):
                error = self.call("eth_sendRawTransaction", bad["raw"]).get("error")
                self.assertIsNotNone(error, "it was taken")
                self.assertEqual(error["code"], -32000)
                self.assertIn(bad["words"], error["message"])
        self.assertEqual(int(self.call("eth_getTransactionCount", wallet, "pending")["result"], 16),
                         nonce)
        # Five after a gap wait, in whatever order they came; the missing one lets them all in.
        for raw in given["gap"]:
            self.assertIn("result", self.call("eth_sendRawTransaction", raw))
        self.assertIn("already known",
                      self.call("eth_sendRawTransaction", given["gap"][0])["error"]["message"])
        self.assertEqual(int(self.call("eth_getTransactionCount", wallet, "pending")["result"], 16),
                         nonce)
        self.assertIsNone(self.call("eth_getTransactionReceipt", given["hash"])["result"])
        # A tenth more replaces what waits; less does not.
        first, cheap, dear = given["offers"]
        self.assertIn("result", self.call("eth_sendRawTransaction", first))
        error = self.call("eth_sendRawTransaction", cheap)["error"]
        self.assertEqual(error["code"], -32000)
        self.assertIn("replacement transaction underpriced", error["message"])
        replaced = self.call("eth_sendRawTransaction", dear)["result"]
        self.assertIn("result", self.call("eth_sendRawTransaction", given["filler"]))
        wait_until(lambda: self.call("eth_getTransactionReceipt", replaced)["result"], 10)
        wait_until(lambda: int(self.call("eth_getTransactionCount", wallet, "latest")["result"], 16)
                   == nonce + 7, 10)
        self.assertEqual(self.call("eth_getTransactionReceipt", given["hash"])["result"]["status"],
                         "0x1")

    def test_json_bombs(self):
        call = b'{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}'
        for name, body, code in (
                ("deep", b"[" * 1_000_000, -32700),
                ("deep parameters",
                 call[:-1] + b',"params":' + b"[" * 100 + b"]" * 100 + b"}", -32700),
                ("a batch of many", b"[" + b",".join([call] * 20_000) + b"]", -32600),
                ("many small values", b"[" + b",".join([b"[]"] * 1_500_000) + b"]", -32600),
                ("cut short", call[:-10], -32700),
                ("not UTF-8", call[:-2] + b'\xff"}', -32700),
                ("nothing", b"", -32700)):
            with self.subTest(name):
                self.assertEqual(self.post(body)["error"]["code"], code)
        with socket.create_connection(self.address(), timeout=10) as large:
            large.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6000000\r\n\r\n ")
            self.assertIn(b" 413 ", large.recv(4096).splitlines()[0])
        answers = self.post(b"[" + b",".join([call] * 1000) + b"]")
        self.assertEqual(len(answers), 1000)
        self.assertTrue(all("result" in answer for answer in answers))

    def test_thousands_of_open_sockets(self):
        sockets = []
        try:
            for _ in range(6000):
                try:
                    sockets.append(socket.create_connection(self.address(), timeout=5))
                except OSError:
                    break
            self.assertGreater(len(sockets), 4500)
            time.sleep(1.2)
            for _ in range(20):
                self.assertEqual(self.call("eth_chainId")["result"], "0x1f55")
        finally:
            for each in sockets:
                each.close()

    def test_who_subscribes_and_vanishes(self):
        upgrade = (b"GET / HTTP/1.1\r\nHost: a\r\n"
                   b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   b"Sec-WebSocket-Version: 13\r\n\r\n")
        message = b'{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'
        frame = bytes([0x81, 0x80 | len(message)]) + b"\0\0\0\0" + message
        deaf = []
        for i in range(1000):
            each = socket.create_connection(self.address(), timeout=10)
            each.sendall(upgrade)
            self.assertIn(b" 101 ", each.recv(4096))
            each.sendall(frame)
            if i % 2 == 0:  # a reset, in the midst of it
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.close()
            else:  # never reads
                deaf.append(each)
        before = time.monotonic()
        for _ in range(5):
            self.network.run("wallet", "send", "--from", "founder", "--to",
                             self.addresses["bad"], "0.1")
        self.assertLess(time.monotonic() - before, 20)
        for each in deaf:
            each.close()


class Restart(WalletsTest):
    def test_blocks_receipts_and_logs_are_there_after_a_restart(self):
        facts = json.loads(self.node("viem_client.mjs", self.url, KEYS["viem_owner"],
                                     KEYS["viem_buyer"]))
        self.assertIn("licence", facts["steps"])

        def seen():
            height = int(self.call("eth_blockNumber")["result"], 16)
            blocks = [self.call("eth_getBlockByNumber", hex(n), True)["result"]
                      for n in range(height + 1)]
            receipts = [self.call("eth_getBlockReceipts", hex(n))["result"]
                        for n in range(height + 1)]
            logs = self.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": hex(height)})["result"]
            return blocks, receipts, logs

        time.sleep(1.5)
        blocks, receipts, logs = seen()
        self.assertGreater(len(logs), 10)
        self.assertEqual(self.network.down(), 0)
        self.network.up("--nodes", 1, "--trainers", 0, "--computes", 0)
        type(self).url = self.network.ready["eth_rpc"]
        again = seen()
        self.assertEqual(again[0][:len(blocks)], blocks)
        self.assertEqual(again[1][:len(blocks)], receipts)
        self.assertEqual(again[2][:len(logs)], logs)
        for number, block in enumerate(blocks[1:], 1):
            self.assertEqual(block["parentHash"], blocks[number - 1]["hash"])
            for tx, receipt in zip(block["transactions"], receipts[number], strict=True):
                self.assertEqual(tx["hash"], receipt["transactionHash"])
                self.assertEqual(tx["from"], receipt["from"])
                self.assertGreater(len(receipt["logs"]), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

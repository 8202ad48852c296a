"""A whole network of real processes, used through the command line and curl as a person would."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import unittest
import urllib.request

from own_network import OwnNetwork  # also finds scripts/network.py
from network import Network, alive, wait_until


class NetworkTest(OwnNetwork):
    """One network of eight storage nodes for all tests of the class."""
    nodes = 8

    @classmethod
    def stop(cls):
        code = cls.network.down()
        assert code in (0, None), f"the network stopped with exit code {code}"

    def run_(self, *arguments, **options):
        return self.network.run(*arguments, **options)

    def fails(self, kind, words, *arguments, **options):
        failure = self.network.fails(*arguments, **options)
        self.assertNotEqual(failure.code, 0)
        self.assertIsNotNone(failure.error, failure.text)
        self.assertEqual(failure.error["kind"], kind, failure.error)
        self.assertIn(words, failure.error["message"])
        return failure

    def file(self, name, content):
        path = self.path / name
        path.write_bytes(content)
        return path

    def round_trip(self, name, content, wallet="ana"):
        put = self.run_("put", self.file(name, content), "--wallet", wallet)
        self.assertEqual(put["size"], len(content))
        back = self.path / "back"
        self.run_("get", name, "--wallet", wallet, "-o", back)
        self.assertEqual(back.read_bytes(), content)
        return put


class Objects(NetworkTest):
    def test_objects_of_no_byte_and_of_one_byte(self):
        self.round_trip("vazio.txt", b"")
        self.round_trip("um.txt", b"x")

    def test_names_with_spaces_and_accents(self):
        name = "anotações de história (2ª série) – revisão.txt"
        self.round_trip(name, "ação e reação".encode())
        self.assertIn(name, [o["name"] for o in self.run_("ls", "--wallet", "ana")["objects"]])

    def test_an_object_of_100_mib_reads_back_exactly(self):
        content = os.urandom(1 << 20) * 100
        put = self.round_trip("cem.bin", content)
        self.assertEqual(put["blocks"], 4)
        self.assertEqual(put["fragments_per_block"], 3072)

    def test_two_clients_at_once(self):
        errors = []

        def work(wallet):
            try:
                content = os.urandom(200_000)
                path = self.path / f"{wallet}.bin"
                path.write_bytes(content)
                for _ in range(2):
                    self.run_("put", path, "--wallet", wallet)
                    back = self.path / f"{wallet}.back"
                    self.run_("get", path.name, "--wallet", wallet, "-o", back)
                    if back.read_bytes() != content:
                        errors.append(f"{wallet}: another content")
            except Exception as failure:  # reported by the assertion below
                errors.append(str(failure))

        threads = [threading.Thread(target=work, args=(w,)) for w in ("ana", "bento")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])

    def test_unknown_object(self):
        self.fails("not_found", "no object is called", "get", "não existe.txt", "--wallet", "ana")

    def test_an_object_of_another_owner_cannot_be_read(self):
        self.run_("put", self.file("segredo.txt", b"segredo"), "--wallet", "ana")
        content = [o for o in self.run_("ls", "--wallet", "ana")["objects"]
                   if o["name"] == "segredo.txt"][0]["content"]
        self.fails("permission_denied", "", "get", content, "--wallet", "bento")

    def test_a_file_that_cannot_be_read(self):
        self.fails("not_found", "nada.txt", "put", self.path / "nada.txt", "--wallet", "ana")
        self.fails("invalid_argument", "--name is for one file", "put", self.path, "--name", "x",
                   "--wallet", "ana")
        empty = self.path / "vazia"
        empty.mkdir()
        self.fails("not_found", "holds no files", "put", empty, "--wallet", "ana")

    def test_a_folder_is_put_whole(self):
        folder = self.path / "aulas"
        (folder / "maio").mkdir(parents=True)
        contents = {"aulas/um.txt": b"um" * 700, "aulas/maio/dois.txt": b"dois" * 9,
                    "aulas/vazio": b"", "aulas/grande.bin": os.urandom(400_000)}
        for name, content in contents.items():
            (self.path / name).write_bytes(content)
        self.network.run("put", folder, "--wallet", "ana")
        for name, content in contents.items():
            back = self.path / "back"
            self.network.run("get", name, "--wallet", "ana", "-o", back)
            self.assertEqual(back.read_bytes(), content, name)

    def test_rm_forgets_the_name_and_the_fragments(self):
        before = self.run_("status")["stored_bytes"]
        self.round_trip("fora.txt", os.urandom(300_000))
        self.assertGreater(self.run_("status")["stored_bytes"], before)
        self.run_("rm", "fora.txt", "--wallet", "ana")
        self.fails("not_found", "no object is called", "get", "fora.txt", "--wallet", "ana")
        self.assertEqual(self.run_("status")["stored_bytes"], before)


class Wallets(NetworkTest):
    nodes = 4

    def test_an_overdrawn_wallet_pays_nothing(self):
        before = self.run_("wallet", "balance", "bento")["wei"]
        self.fails("insufficient_funds", "MUT", "wallet", "send", "--from", "bento", "--to", "ana",
                   "1000000")
        self.assertEqual(self.run_("wallet", "balance", "bento")["wei"], before)

    def test_a_wrong_password_opens_nothing(self):
        self.fails("permission_denied", "wrong password", "wallet", "send", "--from", "bento",
                   "--to", "ana", "1", environment={"MUTIRAO_PASSWORD": "errada"})

    def test_a_transaction_is_executed_once(self):
        sent = self.run_("wallet", "send", "--from", "ana", "--to", "bento", "1")
        self.fails("already_exists", "replayed", "wallet", "resend", sent["raw"])

    def test_unknown_wallets_and_wrong_addresses_are_named(self):
        self.fails("not_found", "there is no wallet", "wallet", "balance", "ninguem")
        self.fails("invalid_argument", "address", "wallet", "send", "--from", "ana", "--to", "0x12",
                   "1")


class Pages(NetworkTest):
    nodes = 4

    def get(self, path):
        return urllib.request.urlopen(self.network.ready["http"].rstrip("/") + path, timeout=10)

    def test_the_status_page_shows_nodes_and_objects_and_escapes_names(self):
        self.run_("put", self.file("<b>nota & cia.txt", b"abc"), "--wallet", "ana")
        page = self.get("/").read().decode()
        self.assertIn("storage", page)
        self.assertIn("&lt;b&gt;nota &amp; cia.txt", page)
        self.assertNotIn("<b>nota", page)
        facts = json.loads(self.get("/api/status").read())
        self.assertEqual(len([n for n in facts["nodes"] if n["role"] == "storage"]), 4)

    def test_what_is_not_built_says_so(self):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.get("/s3/bucket")
        self.assertEqual(refused.exception.code, 501)
        self.assertIn("not built", refused.exception.read().decode())

    def test_garbage_on_every_port_leaves_the_network_working(self):
        endpoints = [n["endpoint"].split("@")[-1] for n in self.run_("status")["nodes"]]
        endpoints.append(self.network.ready["http"].split("//")[1].strip("/"))
        for endpoint in endpoints:
            host, port = endpoint.rsplit(":", 1)
            for garbage in (b"\0" * 64, os.urandom(4096),
                            b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 9000):
                with socket.create_connection((host, int(port)), timeout=5) as connection:
                    try:
                        connection.sendall(garbage)
                    except OSError:
                        pass
        self.round_trip("depois do lixo.txt", b"ainda aqui")

    def test_a_request_without_a_key_is_refused_as_openai_clients_expect(self):
        request = urllib.request.Request(
            self.network.ready["http"].rstrip("/") + "/v1/completions",
            data=b'{"model":"m","prompt":"p"}', headers={"Content-Type": "application/json"})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        self.assertEqual(refused.exception.code, 401)
        self.assertEqual(json.loads(refused.exception.read())["error"]["code"], "invalid_api_key")


class Failures(unittest.TestCase):
    """Each test has a network of its own, because it breaks it."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mutirao-e2e-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.network = Network(self.path / "home")
        self.addCleanup(self.network.down)

    def up(self, *options, nodes=8):
        self.network.up("--nodes", nodes, "--trainers", 0, "--computes", 0, *options)

    def wallet(self, name="ana"):
        self.network.run("wallet", "new", name)
        self.network.run("wallet", "send", "--from", "founder", "--to", name, "50")

    def file(self, name, content):
        path = self.path / name
        path.write_bytes(content)
        return path

    def read_back(self, name):
        back = self.path / "back"
        self.network.run("get", name, "--wallet", "ana", "-o", back)
        return back.read_bytes()

    def test_two_of_eight_nodes_killed_lose_nothing(self):
        self.up()
        self.wallet()
        content = os.urandom(2_000_000)
        self.network.run("put", self.file("a.bin", content), "--wallet", "ana")
        for name in ("storage-1", "storage-6"):
            self.network.kill(name)
        self.assertEqual(self.read_back("a.bin"), content)
        # Six of eight still make a quorum, so writing goes on as well.
        self.network.run("put", self.file("b.bin", content[:5000]), "--wallet", "ana")
        self.assertEqual(self.read_back("b.bin"), content[:5000])

    def test_without_a_quorum_nothing_is_stored_and_nothing_is_lost(self):
        self.up()
        self.wallet()
        self.network.run("put", self.file("a.bin", b"a" * 1000), "--wallet", "ana")
        for name in ("storage-1", "storage-2", "storage-3"):
            self.network.kill(name)
        failure = self.network.fails("put", self.file("b.bin", b"b" * 1000), "--wallet", "ana")
        self.assertEqual(failure.error["kind"], "unavailable")
        # The five may hold enough slots of just this block; enough shares of its key they never do.
        self.assertRegex(failure.error["message"], "no quorum|keep a share of the key")
        self.assertEqual(self.read_back("a.bin"), b"a" * 1000)
        names = [o["name"] for o in self.network.run("ls", "--wallet", "ana")["objects"]]
        self.assertEqual(names, ["a.bin"])

    def test_full_disks_refuse_and_keep_what_they_have(self):
        self.up("--quota", 3_000_000, nodes=4)
        self.wallet()
        content = os.urandom(500_000)
        self.network.run("put", self.file("a.bin", content), "--wallet", "ana")
        failure = self.network.fails("put", self.file("b.bin", os.urandom(12_000_000)), "--wallet",
                                     "ana")
        self.assertIn("full", failure.error["message"])
        self.assertEqual(self.read_back("a.bin"), content)

    def test_everything_is_still_there_after_a_restart(self):
        self.up(nodes=4)
        self.wallet()
        content = os.urandom(300_000)
        self.network.run("put", self.file("a.bin", content), "--wallet", "ana")
        balance = self.network.run("wallet", "balance", "ana")["wei"]
        self.assertEqual(self.network.down(), 0)
        self.up(nodes=4)
        self.assertEqual(self.network.run("wallet", "balance", "ana")["wei"], balance)
        self.assertEqual(self.read_back("a.bin"), content)

    def test_a_tampered_fragment_is_dropped_and_the_object_still_reads(self):
        self.up(nodes=4)
        self.wallet()
        content = os.urandom(400_000)
        self.network.run("put", self.file("a.bin", content), "--wallet", "ana")
        self.network.down()
        segments = sorted(self.path.glob("home/**/storage-1/segments/*"))
        self.assertTrue(segments)
        data = bytearray(segments[0].read_bytes())
        for at in range(len(data) // 3, len(data), len(data) // 7):
            data[at] ^= 0x40
        segments[0].write_bytes(data)
        self.up(nodes=4)
        self.assertEqual(self.read_back("a.bin"), content)

    def test_the_ledger_killed_at_every_persistence_point_comes_back_with_the_same_state(self):
        points = ["block_before_append", "block_after_append", "block_after_sync",
                  "after_finalize", "after_commit"]
        trigger = self.path / "crash"
        self.network.environment["MUTIRAO_CRASH_FILE"] = str(trigger)
        self.up(nodes=1)
        self.network.run("wallet", "new", "ana")
        balance = 0
        for point in points:
            with self.subTest(point=point):
                ledger = self.network.process_of("ledger")
                trigger.write_text(point)
                done = self.network.run("wallet", "send", "--from", "founder", "--to", "ana", "1",
                                        check=False, timeout=60)
                wait_until(lambda: not alive(ledger), 10)
                trigger.unlink()
                self.network.down()
                self.up(nodes=1)
                after = int(self.network.run("wallet", "balance", "ana")["wei"])
                # All or nothing; and never nothing once the sender was told that it is done.
                self.assertIn(after, (balance, balance + 10**18))
                if isinstance(done, dict):
                    self.assertEqual(after, balance + 10**18)
                self.network.run("wallet", "send", "--from", "founder", "--to", "ana", "1")
                balance = after + 10**18
                self.assertEqual(int(self.network.run("wallet", "balance", "ana")["wei"]), balance)

    def test_ctrl_c_stops_every_process(self):
        self.up(nodes=4)
        pids = [n["pid"] for n in self.network.run("status")["nodes"]]
        self.assertGreaterEqual(len(pids), 6)
        self.assertEqual(self.network.down(), 0)
        for pid in pids:
            self.assertFalse(alive(pid), pid)

    def test_children_die_with_their_parent(self):
        self.up(nodes=2)
        pids = [n["pid"] for n in self.network.run("status")["nodes"]]
        os.kill(self.network.process.pid, signal.SIGKILL)
        self.network.process.wait()
        self.network.process.stdout.close()
        self.network.process = None
        wait_until(lambda: not any(alive(pid) for pid in pids), 10)

    def test_commands_without_a_network_say_how_to_start_one(self):
        failure = self.network.fails("status")
        self.assertIn("mutirao up", failure.error["message"])


class CommandLine(unittest.TestCase):
    def test_help_and_wrong_usage(self):
        from network import binary
        for words in ([], ["put"], ["wallet"], ["train"], ["node"]):
            done = subprocess.run([binary(), *words, "--help"], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, words)
            self.assertIn("Usage", done.stdout)
        for words, said in ((["voar"], 'there is no command "mutirao voar"; see mutirao --help'),
                            (["wallet", "sell"], "mutirao wallet --help"),
                            (["up", "--nodes", "0"], "mutirao up --help"),
                            ([], "Usage: mutirao"), (["wallet"], "Usage: mutirao wallet")):
            done = subprocess.run([binary(), *words], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (10, ""), words)
            self.assertIn(said, done.stderr)
        done = subprocess.run([binary(), "voar", "--json"], capture_output=True, text=True,
                              check=False)
        error = json.loads(done.stderr.splitlines()[-1])["error"]
        self.assertEqual((done.returncode, error["kind"]), (10, "invalid_argument"))

    def test_each_command_explains_each_of_its_options(self):
        from network import binary

        def visit(words):
            done = subprocess.run([binary(), *words, "--help"], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, words)
            part, lines = "", done.stdout.splitlines()
            for line, after in zip(lines, [*lines[1:], ""]):
                self.assertLessEqual(len(line), 100, words)
                if line.endswith(":"):
                    part = line
                elif part == "Subcommands:" and (name := re.match(r"  (\w\S*) ", line)):
                    visit([*words, name[1]])
                elif part in ("Options:", "Positionals:") and re.match(r"  \S", line):
                    # What it is stands beside it, or on the next line when the name is long.
                    self.assertTrue(line[30:].strip() or after.startswith(30 * " "), (words, line))
            self.assertIn("Usage: mutirao", done.stdout)

        visit([])


if __name__ == "__main__":
    unittest.main(verbosity=2)

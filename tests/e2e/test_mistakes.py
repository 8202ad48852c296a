"""What people get wrong at the command line: each ends in a sentence, and breaks nothing."""
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))
from network import Network, alive, binary, wait_until  # noqa: E402
from test_network import NetworkTest  # noqa: E402

NOBODY = 65534


class Alone(unittest.TestCase):
    """Commands with a home folder and no network."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mutirao-e2e-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.network = Network(self.path / "home")

    def says(self, words, *arguments, **options):
        """The command fails with a sentence of ours that has these words: no crash, no hang."""
        failure = self.network.fails(*arguments, timeout=60, **options)
        self.assertGreaterEqual(failure.code, 10, failure.text)
        self.assertIsNotNone(failure.error, failure.text)
        self.assertIn(words, failure.error["message"])
        return failure.error


class Commands(Alone):
    def wallet(self, name):
        return self.network.home / "wallets" / f"{name}.json"

    def test_paths_that_are_empty(self):
        state = self.path / "state"
        state.write_bytes(b"no state")
        for words in (("ledger", "init", "--dir", ""), ("ledger", "import", state, "--data", ""),
                      ("model", "images", self.path, "-o", ""), ("node", "--role", "storage",
                                                                "--data", "", "--join", "a:1"),
                      ("ledger", "export", "--data", "", "-o", state), ("train", ""),
                      ("model", "show", ""), ("ledger", "send", "")):
            with self.subTest(" ".join(map(str, words))):
                self.says("", *words)

    def test_a_current_folder_that_is_gone(self):
        gone = self.path / "gone"
        gone.mkdir()
        command = f'cd "{gone}" && rmdir "{gone}" && exec "{binary()}" ledger init --dir new'
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False,
                              env=self.network.environment, timeout=60)
        self.assertGreaterEqual(done.returncode, 10, done.stderr)
        self.assertIn("current folder", done.stderr)

    def test_files_that_are_not_there_are_named_and_make_no_folders(self):
        missing = self.path / "not" / "there"
        for words in (("train", missing), ("model", "show", missing), ("ledger", "send", missing),
                      ("ledger", "import", missing, "--data", self.path / "new"),
                      ("model", "predict", missing, missing), ("model", "ask", missing, "x"),
                      ("ledger", "export", "--data", missing, "-o", self.path / "state")):
            with self.subTest(" ".join(map(str, words))):
                self.says(str(missing), *words)
        self.assertFalse(missing.parent.exists())

    def test_files_of_another_kind(self):
        noise = self.path / "noise"
        noise.write_bytes(bytes(range(256)) * 40)
        for words in (("train", noise), ("model", "show", noise), ("ledger", "send", noise),
                      ("ledger", "import", noise, "--data", self.path / "new"),
                      ("model", "images", noise, noise, "-o", self.path / "set"),
                      ("model", "images", self.path, "-o", self.path / "set")):
            with self.subTest(" ".join(map(str, words))):
                self.says("", *words)

    def test_a_plan_without_an_end(self):
        self.says("1 MiB", "train", "/dev/zero")

    def test_damaged_wallets_are_named(self):
        self.network.run("wallet", "new", "ana")
        whole = self.wallet("ana").read_text()
        for name, text in (("empty", ""), ("no JSON", "{"), ("an array", "[1]"),
                           ("deep", "[" * 10_000), ("no address", "{}"),
                           ("a short address", '{"address":"12"}'),
                           ("a number", '{"address":12}')):
            with self.subTest(name):
                self.wallet("ana").write_text(text)
                self.assertEqual(self.says("wallet \"ana\"", "wallet", "list")["kind"], "corrupt")
        self.wallet("ana").write_bytes(b"x" * 1_000_000)
        self.says("ana.json", "wallet", "list")
        self.wallet("ana").write_text(whole)
        self.network.run("wallet", "list")

    def test_a_damaged_founder_is_not_taken_for_a_new_one(self):
        self.network.run("wallet", "new", "founder")
        self.wallet("founder").write_text("{")
        self.assertEqual(self.says("founder", "up", "--nodes", 1)["kind"], "corrupt")

    def test_names_that_no_wallet_has(self):
        for name in ("", "a/b", "..", "é", "a" * 65, "a\nb"):
            with self.subTest(name):
                self.says("wallet's name", "wallet", "new", name)

    def test_down_ends_nothing_of_others(self):
        """`up` was killed, and its number is another process's by now."""
        other = subprocess.Popen(["sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        self.network.home.mkdir()
        file = self.network.home / "network.json"
        for text in (json.dumps({"pid": other.pid, "processes": []}), '{"pid": -1}', "{}"):
            file.write_text(text)
            self.says("not running", "down")
            self.assertTrue(alive(other.pid))
            self.assertFalse(file.exists())

    def test_a_damaged_network_file(self):
        self.network.home.mkdir()
        (self.network.home / "network.json").write_text('{"pid"')
        for command in ("status", "down", "payments"):
            self.says("network.json is damaged", command)

    def test_standard_output_that_is_full(self):
        self.network.run("wallet", "new", "ana")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([binary(), "wallet", "list"], stdout=full, check=False,
                                  stderr=subprocess.PIPE, env=self.network.environment, timeout=60)
        self.assertGreaterEqual(done.returncode, 10)
        self.assertIn(b"could not be written", done.stderr)


class Unreadable(Alone):
    """As a user who may not: root may read all."""

    def setUp(self):
        super().setUp()
        os.chmod(self.path, 0o755)
        self.network.home.mkdir()
        self.user = {}
        if os.geteuid() == 0:
            self.user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(self.network.home, NOBODY, NOBODY)
        try:
            subprocess.run([binary(), "--version"], check=True, capture_output=True, **self.user)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("another user cannot run the program here")

    def says(self, words, *arguments):
        done = subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True,
                              env=self.network.environment, timeout=60, check=False, **self.user)
        self.assertGreaterEqual(done.returncode, 10, done.stderr + done.stdout)
        self.assertLess(done.returncode, 100)
        self.assertIn(words, done.stderr)

    def shut(self, path, mode=0):
        if self.user:
            os.chown(path, NOBODY, NOBODY)
        os.chmod(path, mode)
        self.addCleanup(os.chmod, path, 0o755)

    def test_a_home_folder_that_cannot_be_read(self):
        self.shut(self.network.home)
        for words in (("wallet", "list"), ("status",), ("down",), ("up", "--nodes", "1")):
            self.says("ermission denied", *words)

    def test_a_network_file_that_cannot_be_read_is_not_taken_for_none(self):
        file = self.network.home / "network.json"
        file.write_text("{}")
        self.shut(file)
        self.says("ermission denied", "status")

    def test_files_and_folders_that_cannot_be_read(self):
        folder = self.path / "given"
        (folder / "cats").mkdir(parents=True)
        (folder / "cats" / "one.png").write_bytes(b"no picture")
        out = self.network.home / "out"
        self.shut(folder / "cats" / "one.png")
        self.says("ermission denied", "model", "images", folder, "-o", out)
        self.says("that can be read", "train", folder / "cats" / "one.png")
        self.shut(folder / "cats")
        self.says("ermission denied", "model", "images", folder, "-o", out)
        self.says("ermission denied", "model", "show", folder / "cats" / "one.png")
        self.shut(folder, 0o444)  # names without what they stand for
        self.says("cats", "model", "images", folder, "-o", out)
        self.assertFalse(out.exists())

    def test_a_place_that_cannot_be_written(self):
        noise = self.path / "noise"
        noise.write_bytes(b"x")
        self.says("ermission denied", "ledger", "init", "--dir", self.path / "new")


class Objects(NetworkTest):
    NODES = 4

    def test_what_is_no_file_is_written_to_and_not_replaced(self):
        content = os.urandom(300_000)
        self.run_("put", self.file("a.bin", content), "--wallet", "ana")
        pipe = self.path / "pipe"
        os.mkfifo(pipe)
        read = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
        reader.start()
        self.run_("get", "a.bin", "--wallet", "ana", "-o", pipe)
        reader.join()
        self.assertEqual(read[0], content)
        self.assertTrue(stat.S_ISFIFO(pipe.stat().st_mode))
        self.assertFalse((self.path / "pipe.part").exists())
        self.fails("invalid_argument", "is a folder", "get", "a.bin", "--wallet", "ana", "-o",
                   self.path)
        self.fails("resource_exhausted", "full", "get", "a.bin", "--wallet", "ana", "-o",
                   "/dev/full")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/full").st_mode))

    def test_a_file_that_is_there_stays_when_reading_fails(self):
        there = self.file("there", b"as it was")
        self.fails("not_found", "no object", "get", "none", "--wallet", "ana", "-o", there)
        self.assertEqual(there.read_bytes(), b"as it was")

    def test_places_that_cannot_be_written(self):
        self.run_("put", self.file("b.bin", b"b" * 1000), "--wallet", "ana")
        self.fails("permission_denied", "cannot write", "get", "b.bin", "--wallet", "ana", "-o",
                   self.path / "no" / "folder")

    def test_numbers_that_are_none(self):
        for amount in ("", "1e9", "NaN", "0x10", "1.0000000000000000001", "1,2,3",
                       "340282366920938463464", "9" * 500):
            with self.subTest(amount):
                failure = self.network.fails("wallet", "send", "--from", "ana", "--to", "bento",
                                             amount)
                self.assertGreaterEqual(failure.code, 10, failure.text)

    def test_down_stops_no_other_network(self):
        self.fails("invalid_argument", "--ledger", "--ledger", self.network.ready["ledger"], "down")
        self.run_("status")


class Full(unittest.TestCase):
    """A home folder on a file system of a few MB."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mutirao-e2e-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self.path],
                              capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest("only root may mount a small file system")
        self.addCleanup(subprocess.run, ["umount", "-l", self.path], check=True)
        self.network = Network(self.path / "home")
        self.addCleanup(self.network.down)

    def fill(self, but=0):
        """Leaves so many bytes."""
        room = shutil.disk_usage(self.path).free - but
        with open(self.path / "filler", "wb") as file:
            try:
                for _ in range(max(room, 0) // 4096):
                    file.write(b"\0" * 4096)
                    file.flush()
            except OSError:
                pass

    def up(self):
        self.network.up("--nodes", 1, "--trainers", 0, "--computes", 0)

    def test_no_network_begins_on_a_full_disk_and_it_does_once_there_is_room(self):
        self.fill()
        failure = self.network.fails("wallet", "new", "ana")
        self.assertIn("No space left", failure.error["message"])
        failure = self.network.fails("up", "--nodes", 1, timeout=60)
        self.assertIn("No space left", failure.error["message"])
        (self.path / "filler").unlink()
        self.up()
        self.assertEqual(self.network.down(), 0)

    def test_a_ledger_whose_disk_fills_says_so_and_goes_on_with_all_it_confirmed(self):
        self.up()
        self.network.run("wallet", "new", "ana")
        self.network.run("wallet", "send", "--from", "founder", "--to", "ana", "1")
        ledger = self.network.process_of("ledger")
        self.fill()
        sent = 1
        for _ in range(200):  # until what is left is used up
            done = self.network.run("wallet", "send", "--from", "founder", "--to", "ana", "1",
                                    check=False, timeout=60)
            if not isinstance(done, dict):
                break
            sent += 1
        self.assertIsNotNone(done.error, done.text)
        self.assertGreaterEqual(done.code, 10)
        log = (self.network.folder("ledger") / "log.txt").read_text(errors="replace")
        wait_until(lambda: not alive(ledger), 10)  # where there is room, it says so
        (self.path / "filler").unlink()
        self.network.down()
        self.up()
        after = int(self.network.run("wallet", "balance", "ana")["wei"])
        self.assertIn(after, (sent * 10**18, (sent + 1) * 10**18), log[-2000:])
        self.network.run("wallet", "send", "--from", "founder", "--to", "ana", "1")

    def test_a_node_whose_disk_fills_refuses_and_serves_what_it_has(self):
        self.up()
        self.network.run("wallet", "new", "ana")
        self.network.run("wallet", "send", "--from", "founder", "--to", "ana", "9")
        kept = self.path / "kept"
        kept.write_bytes(os.urandom(100_000))
        self.network.run("put", kept, "--wallet", "ana")
        (self.path / "large").write_bytes(os.urandom(3_000_000))
        self.fill(but=2_000_000)
        failure = self.network.fails("put", self.path / "large", "--wallet", "ana")
        self.assertIsNotNone(failure.error, failure.text)
        (self.path / "filler").unlink()
        self.network.run("get", "kept", "--wallet", "ana", "-o", self.path / "back")
        self.assertEqual((self.path / "back").read_bytes(), kept.read_bytes())


class Long(unittest.TestCase):
    def test_a_home_folder_with_a_long_name(self):
        with tempfile.TemporaryDirectory(prefix="mutirao-e2e-") as folder:
            network = Network(pathlib.Path(folder) / ("a" * 100) / ("b" * 100))
            network.home.parent.mkdir()
            with network:
                network.up("--nodes", 1, "--trainers", 1, "--computes", 1)
                self.assertTrue(all(node["up"] for node in network.run("status")["nodes"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)

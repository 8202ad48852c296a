"""Faults of real processes: what was certified reads back exactly, the rest is not reported."""
import concurrent.futures
import hashlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "scripts"))
from network import CommandFailed, Network, wait_until  # noqa: E402


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Faults(unittest.TestCase):
    """One network of eight storage nodes; every test leaves all of them running."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="mutirao-faults-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.path = pathlib.Path(cls.folder.name)
        cls.network = Network(cls.path / "home")
        cls.addClassCleanup(cls.network.down)
        cls.fund_a_ninth_node()
        cls.network.up("--nodes", 8, "--trainers", 0, "--computes", 0)
        cls.network.run("wallet", "new", "ana")
        cls.network.run("wallet", "send", "--from", "founder", "--to", "ana", "500")
        cls.certified = {}  # digests of all that any test was told is stored

    @classmethod
    def fund_a_ninth_node(cls):
        """Leaves a genesis that pays for storage-9's transactions, and no chain yet."""
        cls.network.up("--nodes", 9, "--trainers", 0, "--computes", 0)
        cls.network.down()
        for folder in (cls.path / "home" / "network").iterdir():
            for entry in folder.iterdir():
                if entry.is_dir():
                    shutil.rmtree(entry)
                elif entry.name not in ("identity.key", "genesis"):
                    entry.unlink()

    def file(self, name, size):
        path = self.path / name
        path.write_bytes(os.urandom(size))
        return path

    def put(self, path):
        done = self.network.run("put", path, "--wallet", "ana", timeout=120)
        self.certified[path.name] = digest(path)
        return done

    def check(self, name):
        back = self.path / f"{name}.back"
        self.network.run("get", name, "--wallet", "ana", "-o", back, timeout=120)
        self.assertEqual(digest(back), self.certified[name], name)
        back.unlink()

    def check_all(self):
        names = [o["name"] for o in self.network.run("ls", "--wallet", "ana")["objects"]]
        self.assertEqual(sorted(names), sorted(self.certified))
        for name in names:
            self.check(name)

    def stored(self, node):
        return sum(f.stat().st_size for f in (self.network.folder(node) / "segments").iterdir())

    def put_until_under_way(self, pool, path, node="storage-3"):
        """A put in the background, once the node has fragments of it on disk."""
        before = self.stored(node)
        put = pool.submit(self.network.run, "put", path, "--wallet", "ana", check=False,
                          timeout=120)
        wait_until(lambda: put.done() or self.stored(node) > before, 60, every=0.005)
        self.assertFalse(put.done(), "the put ended before the fault")
        return put

    def test_1_two_nodes_killed_in_the_middle_of_a_put(self):
        path = self.file("cem.bin", 100_000_000)
        pids = [self.network.process_of(node) for node in ("storage-1", "storage-6")]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            put = self.put_until_under_way(pool, path)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            self.assertFalse(put.done(), "the put ended before the fault")
            result = put.result()
        self.assertIsInstance(result, dict, result)
        self.certified[path.name] = digest(path)
        self.check_all()
        for node in ("storage-1", "storage-6"):
            self.network.restart(node)
            self.assertTrue(self.network.node(node)["up"])
        self.check_all()

    def test_0_a_node_that_hangs_delays_nobody_and_serves_again(self):
        self.network.stop("storage-2")
        try:
            for i in range(4):
                began = time.monotonic()
                self.put(self.file(f"parado-{i}.bin", 500_000))
                self.check(f"parado-{i}.bin")
                self.assertLess(time.monotonic() - began, 12)
        finally:
            self.network.cont("storage-2")
        wait_until(lambda: self.network.node("storage-2")["up"], 20)
        self.check_all()

    def test_3_a_full_node_refuses_and_the_others_store(self):
        self.network.kill("storage-4")
        used = sum(f.stat().st_size for f in self.network.folder("storage-4").rglob("*")
                   if f.is_file())
        self.network.restart("storage-4", "--quota", used + 200_000)
        before = self.network.node("storage-4")["blocks"]
        self.put(self.file("cheio.bin", 8_000_000))
        self.check_all()
        self.assertEqual(self.network.node("storage-4")["blocks"], before)
        self.network.kill("storage-4")
        self.network.restart("storage-4")

    def flip_bytes(self, node, mask):
        changed = 0
        for segment in (self.network.folder(node) / "segments").iterdir():
            with open(segment, "r+b") as file:
                size = segment.stat().st_size
                for at in range(size // 3, size * 2 // 3, 4096):
                    file.seek(at)
                    byte = file.read(1)[0]
                    file.seek(at)
                    file.write(bytes([byte ^ mask]))
                    changed += 1
        self.assertGreater(changed, 0)

    def test_4_damaged_segments_are_read_around(self):
        self.put(self.file("estrago.bin", 3_000_000))
        self.flip_bytes("storage-5", 0x40)  # while it runs
        self.check_all()
        self.network.kill("storage-5")
        self.flip_bytes("storage-5", 0x01)  # while it is down
        self.flip_bytes("storage-7", 0x01)
        self.network.restart("storage-5")
        self.check_all()

    def test_5_a_node_returns_after_the_membership_grew(self):
        self.network.kill("storage-8")
        self.put(self.file("antes.bin", 400_000))
        self.network.start_node("storage-9", "storage")
        path = self.file("nove.bin", 4_000_000)
        self.put(path)
        self.assertGreater(self.stored("storage-9"), 0)  # a member: placement names it
        self.network.restart("storage-8")
        wait_until(lambda: self.network.node("storage-8")["up"], 20)
        self.check_all()

    def test_6_a_node_that_signed_and_lost_its_store(self):
        self.put(self.file("perdido.bin", 2_000_000))
        self.network.kill("storage-3")
        shutil.rmtree(self.network.folder("storage-3") / "segments")
        self.network.restart("storage-3")
        self.check_all()

    def test_7_a_gateway_killed_in_the_middle_of_a_put_is_paid_once(self):
        def balance():
            return int(self.network.run("wallet", "balance", "ana")["wei"])
        start = balance()
        self.put(self.file("inteiro.bin", 70_000_000))
        price = start - balance()
        path = self.file("cortado.bin", 70_000_000)
        gateway = self.network.process_of("gateway")  # asked now: status takes a while
        start = balance()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            put = self.put_until_under_way(pool, path, "storage-2")
            os.kill(gateway, signal.SIGKILL)
            self.assertIsInstance(put.result(), CommandFailed)
        self.network.restart("gateway")
        self.check_all()
        self.put(path)
        self.check(path.name)
        # Gas differs by a few bytes of signatures; a block paid twice would be a third more.
        self.assertAlmostEqual(start - balance(), price, delta=price // 1000)


if __name__ == "__main__":
    unittest.main(verbosity=2)

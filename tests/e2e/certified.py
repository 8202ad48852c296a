"""A network whose tests remember what they were told is stored, and what it cost."""
import concurrent.futures
import contextlib
import hashlib
import os
import signal

from own_network import OwnNetwork  # also finds scripts/network.py
from network import wait_until


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Certified(OwnNetwork):
    """One network of eight storage nodes for a class; every test leaves all of them running."""
    nodes = 8
    people = ("ana",)
    allowance = 500

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ana = cls.network.run("wallet", "balance", "ana")["address"]
        cls.certified = {}  # digests of all that any test was told is stored

    def file(self, name, size):
        path = self.path / name
        path.write_bytes(os.urandom(size))
        return path

    def put(self, path, **options):
        done = self.network.run("put", path, "--wallet", "ana", timeout=120, **options)
        self.certified[path.name] = digest(path)
        return done

    def check(self, name, **options):
        back = self.path / f"{name}.back"
        self.network.run("get", name, "--wallet", "ana", "-o", back, timeout=120, **options)
        self.assertEqual(digest(back), self.certified[name], name)
        back.unlink()

    def names(self):
        return [o["name"] for o in self.network.run("ls", "--wallet", "ana")["objects"]]

    def check_all(self):
        names = self.names()
        self.assertEqual(sorted(names), sorted(self.certified))
        for name in names:
            self.check(name)

    def segments(self, node):
        """The node's segment files; what else lies there comes and goes."""
        return sorted((self.network.folder(node) / "segments").glob("*.seg"))

    def stored(self, node):
        return sum(segment.stat().st_size for segment in self.segments(node))

    @contextlib.contextmanager
    def put_under_way(self, path, node="storage-3"):
        """A put in the background: inside the block the node has fragments of it on disk, and the
        put cannot end, because half of the nodes hang."""
        held = [self.network.process_of(f"storage-{i}") for i in (4, 5, 7, 8)]
        before = self.stored(node)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for pid in held:
                os.kill(pid, signal.SIGSTOP)
            try:
                put = pool.submit(self.network.run, "put", path, "--wallet", "ana", check=False,
                                  timeout=120)
                wait_until(lambda: put.done() or self.stored(node) > before, 60)
                self.assertFalse(put.done(), "the put ended before the fault")
                yield put
            finally:
                for pid in held:
                    os.kill(pid, signal.SIGCONT)

    def balance(self):
        return int(self.network.run("wallet", "balance", "ana")["wei"])

    def payments(self):
        """What ana paid so far: the wei for storage, transaction by transaction, and all gas."""
        paid = [p for p in self.network.run("payments")["payments"] if p["from"] == self.ana]
        storage = [int(p["wei"]) for p in paid if p["reason"] == "transfer"]
        return storage, sum(int(p["wei"]) for p in paid if p["reason"] == "fee")

"""Wall clocks that jump by hours, with libfaketime: nothing is lost, and certificates go on."""
import pathlib
import unittest

from certified import Certified, digest
from network import CommandFailed, wait_until

HOUR = 3600
LIBRARIES = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@unittest.skipUnless(LIBRARIES, "clocks cannot be turned: Debian's package faketime is missing")
class Clocks(Certified):
    """All processes live by one clock, as on one machine; storage-1 and the gateway leave it."""

    @classmethod
    def before_up(cls):
        cls.environment = dict(cls.network.environment)
        cls.live_by("machine")

    @classmethod
    def live_by(cls, clock):
        """What is started from now on lives by the clock of that name."""
        if not (cls.path / clock).exists():
            cls.turn(clock, 0)
        cls.network.environment = {
            **cls.environment,
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(cls.path / clock),
            "FAKETIME_NO_CACHE": "1",  # a jump counts at once
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    @classmethod
    def turn(cls, clock, seconds):
        """The clock jumps to so many seconds after the true time."""
        new = cls.path / f"{clock}.new"
        new.write_text(f"{seconds:+d}")
        new.rename(cls.path / clock)

    def restart_by(self, clock, node):
        self.live_by(clock)
        try:
            self.network.kill(node)
            self.network.restart(node)
        finally:
            self.live_by("machine")

    def put_while(self, clock, seconds, path):
        """The clock jumps in the middle of a put; what came of the put."""
        with self.put_under_way(path) as put:
            self.turn(clock, seconds)
        return put.result()

    def test_1_the_whole_machine_jumps(self):
        for name, seconds in (("mais", 2 * HOUR), ("menos", -2 * HOUR), ("certo", 0)):
            path = self.file(f"{name}.bin", 50_000_000)
            result = self.put_while("machine", seconds, path)
            self.assertIsInstance(result, dict, result)
            self.certified[path.name] = digest(path)
            self.put(self.file(f"depois-{name}.bin", 400_000))
            self.check_all()

    def test_2_a_storage_node_jumps_and_goes_on_taking_blocks(self):
        self.restart_by("node", "storage-1")
        for name, seconds in (("cedo", 2 * HOUR), ("tarde", -2 * HOUR)):
            self.turn("node", seconds)
            self.takes_blocks(f"{name}.bin")
            # It may begin with the wrong time as well: its certificate is of that time.
            self.restart_by("node", "storage-1")
            self.takes_blocks(f"{name}-de-novo.bin")
            self.check_all()
        self.restart_by("machine", "storage-1")

    def takes_blocks(self, name):
        before = self.network.node("storage-1")["blocks"]

        def put_and_look():
            self.put(self.file(name, 400_000))
            return self.network.node("storage-1")["blocks"] > before
        wait_until(put_and_look, 20)

    def test_3_a_gateway_with_another_time_refuses_names_and_nothing_is_paid_twice(self):
        self.restart_by("gateway", "gateway")
        for name, seconds in (("adiante.bin", 2 * HOUR), ("atrasado.bin", -2 * HOUR)):
            path = self.file(name, 50_000_000)
            paid, _ = self.payments()
            refused = self.put_while("gateway", seconds, path)
            self.assertIsInstance(refused, CommandFailed)
            self.assertEqual(refused.error["kind"], "permission_denied", refused)
            self.assertIn("the owner's request", refused.error["message"])
            certified, _ = self.payments()  # all the same: the ledger has a time of its own
            self.assertEqual(len(certified), len(paid) + 1)
            self.turn("gateway", 0)
            self.put(path)
            self.assertEqual(self.payments()[0], certified)
            self.check_all()
        self.restart_by("machine", "gateway")


if __name__ == "__main__":
    unittest.main(verbosity=2)

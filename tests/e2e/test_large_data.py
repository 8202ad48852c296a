"""A run over more data than its trainers may hold in memory."""
import json
import pathlib
import re
import struct
import subprocess
import sys
import unittest

from own_network import OwnNetwork  # also finds scripts/network.py
from network import binary

MEGABYTES = 200  # of what is trained on as it is
PREPARED_MEGABYTES = 80  # which would be several times as many in memory
PLAN = """
wallet = "bento"
[training]
rounds = 4
local_steps = {steps}
batch = 64
[model]
{model}
[[data]]
object = "{name}"
wallet = "ana"
"""
GPT = "layers = 1\nwidth = 64\nheads = 2\ncontext = 64"
SIDE = 32  # of pictures, whose class is the brightness of their first half
PIECES = GPT + "\nvocabulary = 400"
TABLE = 'kind = "table"\nfeatures = 12\noutputs = 2'
CLASSIFIER = f'kind = "image"\nheight = {SIDE}\nwidth = {SIDE}\nclasses = 2\nfilters = 4'


def memory(pid, what):
    """Megabytes of memory of its own that a process has now (RSS) or has had at most (HWM)."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"Vm{what}:\s+(\d+) kB", status).group(1)) / 1024


def write_text(path, megabytes):
    piece = "".join(f"linha {i}: quem planta colhe, quem partilha tem.\n"
                    for i in range(20_000))[:1_000_000]
    with open(path, "w", encoding="ascii") as text:
        for i in range(megabytes):
            text.write(f"{i:08}" + piece[8:])


def write_table(path):
    rows = "".join(f"{i * 7919 % 1000},\"solo {i % 7}\",{i % 90}.5,{'sim' if i % 3 else 'não'}\n"
                   for i in range(40_000))[:1_000_000].rpartition("\n")[0] + "\n"
    with open(path, "w", encoding="utf-8") as table:
        table.write("chuva,solo,peso,cresce\n")
        for _ in range(PREPARED_MEGABYTES):
            table.write(rows)


def write_pictures(path):
    """As `mutirao model images` does (dataset/images.hpp)."""
    classes = [b"folha", b"praga"]
    head = b"MUTIMG" + struct.pack("<BIIIH", 1, SIDE, SIDE, 1, len(classes))
    head += b"".join(struct.pack("<I", len(name)) + name for name in classes)
    half = SIDE * SIDE // 2
    some = b"".join(bytes([200 * (i % 2)]) * half + bytes([i % 251]) * half + bytes([i % 2])
                    for i in range(1000))
    with open(path, "wb") as pictures:
        pictures.write(head)
        for _ in range(MEGABYTES):
            pictures.write(some)


class LargeData(OwnNetwork):
    trainers = 2
    allowance = 400

    def grows(self, name, **plan):
        """Megabytes that a trainer's memory grew by at most while it trained on that object."""
        self.network.run("put", self.path / name, "--wallet", "ana")
        (self.path / name).unlink()
        trainers = [self.network.process_of(node["name"])
                    for node in self.network.run("status")["nodes"] if node["role"] == "trainer"]
        for pid in trainers:  # from now on
            pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
        before = [memory(pid, "RSS") for pid in trainers]
        path = self.path / "run.toml"
        path.write_text(PLAN.format(name=name, **plan))
        built = subprocess.run([binary(), "train", str(path), "--json"], capture_output=True,
                               env=self.network.environment, timeout=120, check=False)
        self.assertEqual(built.returncode, 0, built.stderr[-2000:])
        run = json.loads(built.stdout.splitlines()[0])["run"]
        states = self.network.run("train", "status", run)["trainers"]
        self.assertEqual(len({t["state_hash"] for t in states}), 1, states)
        grown = [memory(pid, "HWM") - was for pid, was in zip(trainers, before)]
        print(name, "trainers' memory grew by", [round(each) for each in grown], "MB",
              file=sys.stderr)
        return max(grown)

    # The shards that a step draws from are 32 MiB, and so much more are the model, the reads
    # under way and the libraries; where rows of a shard come too late, one block beside them.
    def test_trainers_hold_a_bounded_part_of_a_large_text(self):
        write_text(self.path / "grande.txt", MEGABYTES)
        self.assertLess(self.grows("grande.txt", steps=20, model=GPT), 170)

    # Beside them the sample that the vocabulary is learnt from.
    def test_trainers_hold_a_bounded_part_of_a_text_in_pieces(self):
        write_text(self.path / "obra.txt", PREPARED_MEGABYTES)
        self.assertLess(self.grows("obra.txt", steps=20, model=PIECES), 190)

    def test_trainers_hold_a_bounded_part_of_a_table(self):
        write_table(self.path / "campos.csv")
        self.assertLess(self.grows("campos.csv", steps=20, model=TABLE), 170)

    def test_trainers_hold_a_bounded_part_of_many_pictures(self):
        write_pictures(self.path / "fotos.img")
        self.assertLess(self.grows("fotos.img", steps=5, model=CLASSIFIER), 170)


if __name__ == "__main__":
    unittest.main(verbosity=2)

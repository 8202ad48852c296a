"""A network of four trainers, an object to train on, and a builder whose run is under way."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from network import Network, binary  # noqa: E402

TRAINERS = 4


class TrainerNetwork(unittest.TestCase):
    """Two storage nodes and `count` trainers; ana and bento with `allowance` MUT each."""
    count = TRAINERS
    allowance = 20

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="mutirao-e2e-")
        cls.addClassCleanup(folder.cleanup)
        cls.path = pathlib.Path(folder.name)
        cls.network = Network(cls.path / "home")
        cls.addClassCleanup(cls.network.down)
        cls.network.up("--nodes", 2, "--trainers", cls.count, "--computes", 0)
        for name in ("ana", "bento"):
            cls.network.run("wallet", "new", name)
            cls.network.run("wallet", "send", "--from", "founder", "--to", name,
                            str(cls.allowance))


class Trainers(TrainerNetwork):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        text = cls.path / "texto.txt"
        text.write_text("".join(f"linha {i}: quem planta colhe, quem partilha tem.\n"
                                for i in range(4000)))
        cls.network.run("put", text, "--wallet", "ana")

    def begin_run(self, plan):
        """Until the run is open; what the builder says of it."""
        path = self.path / "run.toml"
        path.write_text(plan)
        self.builder = subprocess.Popen([binary(), "train", str(path), "--json"],
                                        env=self.network.environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.addCleanup(self.builder.stdout.close)
        self.addCleanup(self.builder.stderr.close)
        self.addCleanup(self.builder.wait)
        self.addCleanup(self.builder.kill)
        opened = json.loads(self.builder.stdout.readline())
        self.run_id = opened["run"]
        return opened

    def trainers(self):
        return self.network.run("train", "status", self.run_id)["trainers"]

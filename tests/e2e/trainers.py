"""A network of trainers, an object to train on, and a builder whose run is under way."""
import json
import subprocess

from own_network import OwnNetwork  # also finds scripts/network.py
from network import binary


class Trainers(OwnNetwork):
    trainers = 4

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

    def states(self):
        return self.network.run("train", "status", self.run_id)["trainers"]

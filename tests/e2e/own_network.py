"""A network for the tests of a class, and wallets with money in them."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from network import Network  # noqa: E402


class OwnNetwork(unittest.TestCase):
    nodes, trainers, computes = 2, 0, 0  # storage nodes, and so on
    options = ()  # more for `mutirao up`
    people = ("ana", "bento")  # with `allowance` MUT each
    allowance = 50

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="mutirao-e2e-")
        cls.addClassCleanup(folder.cleanup)
        cls.path = pathlib.Path(folder.name)
        cls.network = Network(cls.path / "home")
        cls.addClassCleanup(cls.stop)
        cls.before_up()
        cls.network.up("--nodes", cls.nodes, "--trainers", cls.trainers, "--computes", cls.computes,
                       *cls.options)
        for name in cls.people:
            cls.network.run("wallet", "new", name)
            cls.network.run("wallet", "send", "--from", "founder", "--to", name,
                            str(cls.allowance))

    @classmethod
    def before_up(cls):
        """For classes that need a network of their own making."""

    @classmethod
    def stop(cls):
        cls.network.down()

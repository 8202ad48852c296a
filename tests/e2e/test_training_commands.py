"""`mutirao train FILE` and `mutirao doctor`, on a network of real processes."""
import re
import unittest
import urllib.request
import xml.etree.ElementTree

from test_network import NetworkTest

SMALL = """
title = "vila"
wallet = "bento"
reward = "2"
curve = "{curve}"
checkpoint_every = 1

[training]
rounds = 2
local_steps = 4
batch = 2
contributions_every = 2

[model]
layers = 1
width = 32
context = 32

[[data]]
object = "notas.txt"
wallet = "ana"
share = 10
"""


class RunFile(NetworkTest):
    nodes = 4
    trainers = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        text = "a vila planta milho e feijão; a chuva vem em março.\n".encode() * 2000
        for name, wallet in (("notas.txt", "ana"), ("livro.txt", "bento")):
            (cls.path / name).write_bytes(text)
            cls.network.run("put", cls.path / name, "--wallet", wallet)

    def plan(self, more="", curve="loss.svg"):
        self.curve = self.path / curve
        return self.file("run.toml", (SMALL.format(curve=self.curve) + more).encode())

    def contributions(self, run):
        """What the ledger says that each object contributed, in millionths."""
        return {each["title"]: each["ppm"]
                for each in self.run_("train", "status", run)["contributions"]}

    def test_a_file_is_opened_offered_its_data_trained_and_registered(self):
        facts = list(self.network.facts("train", self.plan(), timeout=120))
        rounds = [fact for fact in facts if "round" in fact]
        self.assertEqual(rounds[-1]["round"], 2)
        self.assertGreater(rounds[-1]["bytes_sent"], 0)
        self.assertLess(rounds[-1]["held_out_loss"], rounds[0]["first_held_out_loss"])
        self.assertEqual(facts[-1]["title"], "vila")
        self.assertIn("ana 10", facts[-1]["shares"])
        self.assertEqual(self.contributions(facts[0]["run"]), {"notas.txt": 1_000_000})
        # An id may be cut short, as tables show it.
        self.assertEqual(self.contributions(facts[0]["run"][:16]), {"notas.txt": 1_000_000})
        self.fails("not_found", "no run's id begins with", "train", "status", "0123456789ab")
        self.fails("invalid_argument", "64 hexadecimal digits", "train", "status", "vila")
        (licence,) = [each for each in self.run_("license", "list", "--wallet", "ana")["licences"]
                      if each["subject"] == facts[0]["run"]]
        self.assertEqual((licence["object"], licence["share_ppm"], licence["state"]),
                         ("notas.txt", 100_000, "live"))
        self.assertIn('"vila"', licence["subject_text"])
        # Along the way one checkpoint was stored, which is not the finished model, and loads.
        (stored,) = [fact for fact in facts if "checkpoint_round" in fact]
        self.assertEqual((stored["checkpoint_round"], stored["holders"]), (1, 2), stored)
        self.assertNotEqual(stored["content"], facts[-1]["content"])
        file = self.path / "round.safetensors"
        self.run_("get", "vila-round-1.safetensors", "--wallet", "bento", "-o", file)
        self.assertEqual(file.stat().st_size, stored["checkpoint_bytes"])
        self.assertEqual(self.run_("model", "show", file)["round"], 1)
        url = self.network.ready["http"].rstrip("/") + "/metrics"
        with urllib.request.urlopen(url, timeout=10) as page:
            figures = page.read().decode()
        self.assertRegex(figures, r'mutirao_training_round\{run="[0-9a-f]+"\} 2\n')
        self.assertIn('mutirao_node_up{role="trainer"', figures)
        trainer = (self.network.folder("trainer-1") / "http").read_text()
        with urllib.request.urlopen(f"http://{trainer}/metrics", timeout=10) as page:
            figures = page.read().decode()
        self.assertRegex(figures, r'mutirao_worker_round\{run="[0-9a-f]+"\} 2\n')
        self.assertRegex(figures, r'mutirao_worker_running\{run="[0-9a-f]+"\} 0\n')
        lines = xml.etree.ElementTree.parse(self.curve).getroot()
        self.assertTrue(lines.tag.endswith("svg"))

    def test_training_waits_for_the_offers_that_the_file_asks_for(self):
        plan = self.plan("[offers]\nat_least = 2\nwait_seconds = 60\n", curve="loss.png")
        rounds = 0
        for fact in self.network.facts("train", plan, timeout=120):
            if "trainers" in fact:  # the run is open
                run = fact["run"]
                self.fails("permission_denied", "only the builder", "train", "fund", run,
                           "--value", 1, "--wallet", "ana")
                self.fails("invalid_argument", "--value", "train", "fund", run, "--wallet", "bento")
                funded = self.run_("train", "fund", run, "--value", 3, "--income", 12.5,
                                   "--wallet", "bento")
                self.assertEqual((funded["pool_wei"], funded["income_ppm"]),
                                 (str(3 * 10**18), 125_000))
                self.run_("license", "livro.txt", "--run", fact["run"], "--wallet", "bento")
            rounds = fact.get("round", rounds)
        self.assertEqual(rounds, 2)
        contributions = self.contributions(run)
        self.assertEqual(set(contributions), {"notas.txt", "livro.txt"})
        self.assertAlmostEqual(sum(contributions.values()), 1_000_000, delta=2)
        self.assertEqual(fact["title"], "vila")
        self.assertEqual(self.curve.read_bytes()[:4], b"\x89PNG")
        # The pool was paid by what each contributed, and so is a part of the income.
        self.assertEqual(self.run_("train", "status", run)["pool_wei"], "0")
        paid = {each["to_name"]: int(each["wei"]) for each in self.run_("payments")["payments"]
                if each["reason"] == "contribution"}
        self.assertAlmostEqual(sum(paid.values()), 3 * 10**18, delta=10)
        self.assertAlmostEqual(paid["ana"] / 3e18, contributions["notas.txt"] / 1e6, delta=1e-5)
        share = float(re.search(r"ana ([\d.]+) %", fact["shares"])[1])
        self.assertAlmostEqual(share, 10 + 12.5 * contributions["notas.txt"] / 1e6, delta=0.02)

    def test_what_a_wallet_owns_or_got_is_told_alone(self):
        ana = next(each["address"] for each in self.run_("wallet", "list")["wallets"]
                   if each["name"] == "ana")
        payments = self.run_("payments", "--wallet", "ana")["payments"]
        self.assertTrue(payments)
        for each in payments:
            self.assertIn(ana, (each["from"], each["to"]))
        self.assertLess(len(payments), len(self.run_("payments")["payments"]))
        for each in self.run_("license", "list", "--wallet", "ana")["licences"]:
            self.assertEqual(each["owner"], ana)
        self.fails("invalid_argument", "mutirao license OBJECT --run RUN", "license", "notas.txt",
                   "--wallet", "ana")

    def test_offers_that_do_not_come_leave_the_run_open(self):
        self.fails("timeout", "mutirao train start", "train",
                   self.plan("[offers]\nat_least = 3\nwait_seconds = 1\n"))

    def test_a_mistake_is_named_with_its_line_before_anything_is_opened(self):
        path = self.file("wrong.toml", b"wallet = \"bento\"\n[training]\nround = 2\n")
        self.fails("invalid_argument", "wrong.toml:3: there is no key \"round\" in [training]",
                   "train", path)
        self.fails("not_found", "no run's file", "train", self.path / "none.toml")


class Doctor(NetworkTest):
    nodes = 2

    def checks(self, *options):
        return {fact["check"]: fact for fact in self.network.facts("doctor", *options)}

    def test_a_network_on_this_machine_is_sound(self):
        checks = self.checks()
        for check in ("version", "processor", "disk", "peers", "round trip", "upload", "download",
                      "clock", "NAT"):
            self.assertNotEqual(checks[check]["health"], "problem", checks[check])
        self.assertEqual(checks["NAT"]["health"], "ok")
        self.assertGreater(checks["upload"]["value"], 1)
        self.assertLess(abs(checks["clock"]["value"]), 0.5)
        own = [check for check in checks if check.startswith("reachability of ")]
        self.assertEqual(len(own), len(self.run_("status")["nodes"]))
        for check in own:
            self.assertEqual(checks[check]["health"], "ok", checks[check])

    def test_an_endpoint_that_nobody_reaches_is_a_problem(self):
        endpoint = self.run_("status")["nodes"][0]["endpoint"]
        account = endpoint.split("@")[0]
        shut = f"{account}@127.0.0.1:1"
        failure = self.network.fails("doctor", "--endpoint", shut)
        self.assertEqual(failure.error["kind"], "unavailable")
        self.assertIn("1 of ", failure.error["message"])

    def test_without_a_network_it_looks_at_the_machine(self):
        empty = self.path / "empty"
        empty.mkdir(exist_ok=True)
        failure = self.network.fails("--home", empty, "doctor")
        self.assertIn("1 of 5 checks", failure.error["message"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

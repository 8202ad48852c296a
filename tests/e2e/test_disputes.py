"""Answers of a real model: one provider computes them, another makes them up. Whoever pays can ask
again and compute again; what the second one signed convicts it, and nothing convicts the first."""
import os
import shutil
import unittest

from own_network import OwnNetwork  # also finds scripts/network.py
from network import binary, wait_until

MUT = 10**18
RUN = """
title = "vila"
wallet = "bento"
[training]
rounds = 2
local_steps = 4
batch = 2
[model]
layers = 1
width = 32
context = 32
[[data]]
object = "notas.txt"
wallet = "ana"
"""
QUESTION = ("a vila", "--max-tokens", 24, "--temperature", 0.7, "--seed", 7)


class Disputes(OwnNetwork):
    trainers = 2
    computes = 2
    people = ("ana", "bento", "bia")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run = cls.network.run
        cls.start_liar()
        nodes = {node["name"]: node for node in run("status")["nodes"]}
        cls.honest = nodes["compute-1"]["address"]
        cls.liar = nodes["compute-2"]["address"]
        for provider in (cls.honest, cls.liar):
            run("stake", "bond", provider, 10, "--wallet", "founder")
        text = cls.path / "notas.txt"
        text.write_bytes("a vila planta milho e feijão; a chuva vem em março.\n".encode() * 2000)
        run("put", text, "--wallet", "ana")
        plan = cls.path / "run.toml"
        plan.write_text(RUN)
        run("train", plan)
        cls.checkpoint = cls.path / "vila.safetensors"
        run("get", cls.checkpoint.name, "--wallet", "bento", "-o", cls.checkpoint)

    @classmethod
    def start_liar(cls):
        """Compute node 2 is the program beside a plug-in that makes answers up."""
        bin_, lib = cls.path / "liar/bin", cls.path / "liar/lib"
        for each in (bin_, lib):
            each.mkdir(parents=True)
        program = bin_ / "mutirao"
        try:
            os.link(binary(), program)
        except OSError:
            shutil.copy(binary(), program)
        shutil.copy(os.environ["MUTIRAO_LIAR"], lib)
        before = os.environ.get("MUTIRAO_BINARY")
        os.environ["MUTIRAO_BINARY"] = str(program)
        try:
            cls.network.kill("compute-2")
            cls.network.restart("compute-2", "--backend", "libtorch")
        finally:
            if before is None:
                del os.environ["MUTIRAO_BINARY"]
            else:
                os.environ["MUTIRAO_BINARY"] = before

    def ask(self, provider, *question):
        return self.network.run("infer", "vila", *(question or QUESTION), "--wallet", "bia",
                                "--provider", provider)

    def staked(self, provider):
        stakes = self.network.run("stake", "show")["stakes"]
        return next(int(each["bonded_wei"]) for each in stakes
                    if each["node"].lower() == provider.lower())

    def test_1_an_answer_is_computed_again_by_whoever_has_the_model(self):
        again = self.network.run("model", "ask", self.checkpoint, *QUESTION, "--top-k", 0)["text"]
        self.assertEqual(self.ask(self.honest)["text"], again)
        self.assertNotEqual(self.ask(self.liar)["text"], again)

    def test_2_made_up_answers_to_one_question_cost_the_provider_its_stake(self):
        run = self.network.run
        first, second = self.ask(self.liar), self.ask(self.liar)
        self.assertEqual(first["request"], second["request"])
        self.assertNotEqual(first["receipt"], second["receipt"])
        before = int(run("wallet", "balance", "bia")["wei"])
        proven = run("dispute", "twice", first["receipt"], second["receipt"], "--wallet", "bia")
        self.assertEqual(proven["provider"].lower(), self.liar.lower())
        self.assertEqual(self.staked(self.liar), 7 * MUT)
        # A twentieth of what is slashed is the reporter's, who pays some gas.
        earned = int(run("wallet", "balance", "bia")["wei"]) - before
        self.assertAlmostEqual(earned / MUT, 0.15, delta=0.01)
        again = self.network.fails("dispute", "twice", first["receipt"], second["receipt"],
                                   "--wallet", "bia")
        self.assertIsNotNone(again.error)
        self.assertEqual(self.staked(self.liar), 7 * MUT)

    def test_3_who_computes_is_convicted_by_nothing(self):
        run = self.network.run
        first, second = self.ask(self.honest), self.ask(self.honest)
        other = self.ask(self.honest, "a chuva", "--max-tokens", 10, "--seed", 3)
        for receipt in (second["receipt"], other["receipt"]):
            refused = self.network.fails("dispute", "twice", first["receipt"], receipt,
                                         "--wallet", "bia")
            self.assertIsNotNone(refused.error)
        for answer in (first, other):
            refused = self.network.fails("dispute", "prove", answer["receipt"],
                                         answer["request"], "--wallet", "bia")
            self.assertIsNotNone(refused.error)
        # Asked for its receipt, it shows it.
        opened = run("dispute", "open", other["voucher"], "--wallet", "bia")

        def state():
            return next(each["state"] for each in run("dispute", "list")["disputes"]
                        if each["dispute"] == opened["dispute"])

        wait_until(lambda: state() == "answered", 20)
        self.assertEqual(self.staked(self.honest), 10 * MUT)


if __name__ == "__main__":
    unittest.main(verbosity=2)

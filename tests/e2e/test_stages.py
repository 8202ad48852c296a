"""A model that no trainer holds whole: two pipelines of two stages, of which one trainer dies."""
import json
import unittest

from trainers import Trainers  # also finds scripts/network.py
from network import wait_until

STAGES = 2
PLAN = """
wallet = "bento"
title = "{title}"
checkpoint_every = 2
[training]
rounds = {rounds}
local_steps = 25
warmup_steps = 10
stages = 2
{training}
micro_batches = 4
[model]
{model}
[[data]]
object = "texto.txt"
wallet = "ana"
{data}
"""
MODEL = """layers = 2
width = 64
heads = 2
context = 64"""


class Stages(Trainers):
    training = "quorum = 1"
    learns = 1  # nats a byte, at least

    def begin(self, title, rounds, model=MODEL, data=""):
        self.title, self.rounds = title, rounds
        return self.begin_run(PLAN.format(title=title, rounds=rounds, training=self.training,
                                          model=model, data=data))

    def wait_until_of(self, worker, name, least, seconds=60):
        wait_until(lambda: self.states()[worker].get(name, 0) >= least, seconds, 0.2)

    def name_of(self, worker):
        """The process of a run's worker: trainers are in the order of their addresses."""
        endpoints = sorted((node["endpoint"].split("@")[0].lower(), node["name"])
                           for node in self.network.run("status")["nodes"]
                           if node["role"] == "trainer")
        return endpoints[worker][1]

    def model_of(self, missing=None):
        """The stored model's file, once the run has ended with one state for each stage."""
        out, error = self.builder.communicate(timeout=150)
        self.assertEqual(self.builder.returncode, 0, (out[-2000:], error[-2000:]))
        trainers = self.states()
        states = [{t["state_hash"] for i, t in enumerate(trainers)
                   if i % STAGES == stage and i != missing} for stage in range(STAGES)]
        self.assertEqual([len(each) for each in states], [1] * STAGES, trainers)
        self.assertNotEqual(*states)
        told = [json.loads(line) for line in out.splitlines()]
        model = next(line for line in told if "model" in line)
        self.assertLess(model["loss_last"], model["loss_first"] - self.learns, model)
        file = self.path / f"{self.title}.safetensors"
        self.network.run("get", file.name, "--wallet", "bento", "-o", file)
        return file, trainers

    def ends_well(self, missing=None):
        file, trainers = self.model_of(missing)
        self.assertEqual(self.network.run("model", "show", file)["round"], self.rounds)
        asked = self.network.run("model", "ask", file, "linha 1", "--temperature", 0)
        self.assertTrue(asked["text"])
        self.network.run("model", "export", file, "-o", self.path / self.title)
        config = json.loads((self.path / self.title / "config.json").read_text())
        self.assertEqual(config["num_hidden_layers"], STAGES)
        return trainers


class Back(Stages):
    def test_a_killed_trainer_is_stood_in_for_and_takes_its_place_again(self):
        self.begin("vila", rounds=20)
        self.wait_until_of(0, "round", 2)
        name = self.name_of(0)
        self.network.kill(name)
        self.wait_until_of(2, "serves", 2)
        self.network.restart(name)
        wait_until(lambda: self.states()[2]["serves"] == 1, 60, 0.2)
        trainers = self.ends_well()
        self.assertGreaterEqual(trainers[2]["taken_over"], 1, trainers)
        self.assertEqual({t["phase"] for t in trainers}, {"finished"})


class Gone(Stages):
    training = "quorum = 1\ncontributions_every = 25"

    def test_the_run_ends_without_a_killed_trainer(self):
        self.begin("roda", rounds=10)
        self.wait_until_of(3, "round", 1)
        self.network.kill(self.name_of(3))
        trainers = self.ends_well(missing=3)
        self.assertGreaterEqual(trainers[1]["taken_over"], 1, trainers)
        status = self.network.run("train", "status", self.run_id)
        self.assertEqual([each["ppm"] for each in status["contributions"]], [1_000_000], status)


class Hidden(Stages):
    """Three pipelines and a spare, under masks and with noise."""
    trainers = 7
    training = ("quorum = 2\nsecure_sum = true\nprivacy_clip = 1\nprivacy_noise = 0.01\n"
                "privacy_delta = 1e-6")
    learns = 0.3

    def test_a_spare_takes_a_lost_ones_place_and_what_privacy_costs_is_told(self):
        promised = self.begin("oculta", rounds=8)["epsilon_at_the_end"]
        self.wait_until_of(2, "round", 2, seconds=120)
        self.assertEqual(self.states()[6]["serves"], 0)
        self.network.kill(self.name_of(2))
        self.wait_until_of(6, "serves", 1, seconds=120)
        trainers = self.ends_well(missing=2)
        self.assertEqual({round(t["epsilon"] / promised, 9) for i, t in enumerate(trainers)
                          if i != 2}, {1}, trainers)


class Adapted(Stages):
    """Two pipelines fine-tune what they have trained."""
    training = "quorum = 0"

    def test_adapters_of_a_stored_model_are_trained_where_their_layers_are(self):
        self.begin("base", rounds=3)
        base, _ = self.model_of()
        digest = self.network.run("model", "show", base)["digest"]
        self.learns = 0  # less than before is enough
        self.begin("fina", rounds=4, model=f'{MODEL}\nbase = "{digest}"\nlora_rank = 4',
                   data=f'[[data]]\nobject = "{base.name}"\nwallet = "bento"')
        adapter, _ = self.model_of()
        whole = self.path / "whole.safetensors"
        self.network.run("model", "merge", base, adapter, "-o", whole)
        self.assertEqual(self.network.run("model", "show", whole)["round"], 3 + 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Trainers that die, hang, come late, come back, cheat: the run goes on, all end with one model."""
import os
import shutil
import unittest

from trainers import Trainers  # also finds scripts/network.py
from network import binary, wait_until

ROUNDS = 14
PLAN = """
wallet = "bento"
[training]
rounds = {rounds}
local_steps = 25
warmup_steps = 10
{training}
[model]
layers = 1
width = 64
heads = 2
context = 64
[[data]]
object = "texto.txt"
wallet = "ana"
"""


class Training(Trainers):
    """A network with four trainers, of whom two are enough for a round; a run for each test."""
    training = "quorum = 2\ncontributions_every = 25"
    contributions = [1_000_000]

    def begin(self, rounds=ROUNDS):
        self.rounds = rounds
        opened = self.begin_run(PLAN.format(rounds=rounds, training=self.training))
        self.promised = opened.get("epsilon_at_the_end")

    def wait_for_round(self, number, seconds=60):
        wait_until(lambda: max(t.get("round", 0) for t in self.states()) >= number, seconds, 0.2)

    def ends_well(self):
        """The builder has its model; all trainers hold the same bits; the ledger has the rounds."""
        out, error = self.builder.communicate(timeout=120)
        self.assertEqual(self.builder.returncode, 0, (out[-2000:], error[-2000:]))
        wait_until(lambda: {t["phase"] for t in self.states()} == {"finished"}, 120, every=0.5)
        trainers = self.states()
        self.assertEqual(len({t["state_hash"] for t in trainers}), 1, trainers)
        self.assertEqual({t["round"] for t in trainers}, {self.rounds})
        status = self.network.run("train", "status", self.run_id)
        self.assertGreater(status["rounds_agreed"], 0)
        self.assertEqual([each["ppm"] for each in status["contributions"]], self.contributions)
        return trainers

    def name_of(self, worker):
        """The process of a run's worker: trainers are in the order of their addresses."""
        endpoints = sorted((node["endpoint"].split("@")[0].lower(), node["name"])
                           for node in self.network.run("status")["nodes"]
                           if node["role"] == "trainer")
        return endpoints[worker][1]

    def kill_all(self):
        """Also the builder, who would not go on without any; until all trainers have finished."""
        names = [self.name_of(worker) for worker in range(self.trainers)]
        self.builder.kill()
        for name in names:
            self.network.kill(name)
        for name in names:
            self.network.restart(name)
        wait_until(lambda: {t["phase"] for t in self.states()} == {"finished"}, 60, every=0.5)


class Lost(Training):
    def test_one_is_killed_in_the_middle_of_a_round_and_comes_back(self):
        self.begin()
        self.wait_for_round(2)
        name = self.name_of(1)
        self.network.kill(name)
        self.wait_for_round(5)
        self.network.restart(name)
        trainers = self.ends_well()
        # It took the others' state, or computed rounds that had gone on without it.
        self.assertGreaterEqual(trainers[1]["healed"] + trainers[1]["left_out"], 1, trainers)

    def test_all_are_killed_and_go_on_from_their_disks(self):
        self.begin()
        self.wait_for_round(3)
        self.kill_all()
        self.assertEqual(len({t["state_hash"] for t in self.states()}), 1)


class Exact(Training):
    """All four are needed, so that nothing hangs on who is fast."""
    training = "quorum = 4\ncontributions_every = 25"

    def test_all_are_killed_and_end_with_the_bits_of_a_run_that_was_not_disturbed(self):
        self.begin(rounds=8)
        undisturbed = self.ends_well()[0]["state_hash"]
        self.begin(rounds=8)
        self.wait_for_round(3)
        self.kill_all()
        trainers = self.states()
        self.assertEqual({t["state_hash"] for t in trainers}, {undisturbed}, trainers)
        self.assertEqual({t["healed"] for t in trainers}, {0}, trainers)


class Masked(Training):
    """Secure sums, for which three of the four are needed."""
    training = "quorum = 3\nsecure_sum = true"
    contributions = []

    def test_one_is_killed_in_the_middle_of_a_round_and_comes_back(self):
        self.begin()
        self.wait_for_round(2)
        name = self.name_of(1)
        self.network.kill(name)
        self.wait_for_round(6)
        self.network.restart(name)
        trainers = self.ends_well()
        self.assertGreaterEqual(trainers[1]["healed"] + trainers[1]["left_out"], 1, trainers)


class Away(Training):
    def test_one_hangs_and_goes_on_later(self):
        self.begin()
        self.wait_for_round(2)
        name = self.name_of(2)
        self.network.stop(name)
        try:
            self.wait_for_round(6)
        finally:
            self.network.cont(name)
        self.ends_well()

    def test_one_joins_late(self):
        self.network.kill(self.name_of(3))
        self.begin(rounds=30)
        self.wait_for_round(3)
        self.network.restart(self.name_of(3))
        self.ends_well()  # whether it takes the others' state or goes on from its own


class Watched(Training):
    """Every trainer computes a round of another's again in each round."""
    training = "quorum = 3\naudit_every = 1\ncontributions_every = 25"

    def cheating_program(self):
        """A copy of the program, which finds a plug-in that does not train where libtorch's would
        be."""
        for folder in ("bin", "lib"):
            (self.path / "cheat" / folder).mkdir(parents=True, exist_ok=True)
        program = self.path / "cheat/bin/mutirao"
        shutil.copy(binary(), program)
        shutil.copy(os.environ["MUTIRAO_CHEATER"], self.path / "cheat/lib/libmutirao_torch.so")
        return program

    def test_one_that_does_not_train_is_named_and_left_out(self):
        name = self.name_of(2)
        self.network.kill(name)
        self.network.restart(name, "--backend", "libtorch", program=self.cheating_program())
        self.begin()
        trainers = self.ends_well()
        named = [trainers[worker]["cheaters"] for worker in (0, 1, 3)]
        self.assertLessEqual({who for each in named for who in each}, {2}, trainers)
        self.assertGreaterEqual(named.count([2]), 2, trainers)
        # Neither what it sent nor what it said of the owners counts from then on.
        self.assertGreaterEqual(trainers[2]["left_out"], 3, trainers)
        self.assertTrue(all(each["audited"] > 0 for each in trainers), trainers)
        # The ledger has it that the others convicted it, and pays it nothing.
        addresses = sorted(node["endpoint"].split("@")[0].lower()
                           for node in self.network.run("status")["nodes"]
                           if node["role"] == "trainer")
        convictions = self.network.run("train", "status", self.run_id)["convictions"]
        self.assertEqual([each["trainer"].lower() for each in convictions if each["by_trainers"]],
                         [addresses[2]])
        # Alone it accuses the others, whose rounds it finds wrong; that convicts nobody.
        self.assertLessEqual({each["accusers"] for each in convictions if not each["by_trainers"]},
                             {1}, convictions)
        paid = {payment["to"].lower(): int(payment["wei"])
                for payment in self.network.run("payments")["payments"]
                if payment["reason"] == "training_reward" and payment["about"] == self.run_id}
        self.assertEqual([paid.get(address, 0) > 0 for address in addresses],
                         [True, True, False, True], paid)


class Noised(Training):
    """Differences that are cut and noised: nobody can check them, and all see what they cost."""
    training = "quorum = 2\nprivacy_clip = 1\nprivacy_noise = 2\nprivacy_delta = 1e-6"
    contributions = []

    def test_what_privacy_costs_is_told(self):
        self.begin()
        trainers = self.ends_well()
        spent = {each["epsilon"] for each in trainers}
        self.assertEqual(len(spent), 1, trainers)
        self.assertAlmostEqual(spent.pop(), self.promised, places=9)
        self.assertEqual([each["audited"] for each in trainers], [0] * self.trainers)


class Hidden(Noised):
    """The same under masks: of each difference nothing is seen but the sum of all."""
    training = Noised.training.replace("quorum = 2", "quorum = 3\nsecure_sum = true")


if __name__ == "__main__":
    unittest.main(verbosity=2)

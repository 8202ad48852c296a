"""The rows of `bench_train --only churn` that real trainers give: four processes train, one of them
is killed every so many rounds and started again. Prints a JSON row a line (report/script_rows.hpp).

What counts is the time in local steps whose payloads counted in a round, over the time that the
trainers were up (utilisation) and over all time from the first round to the last (goodput). Times
are the trainers' own, wall clock: with more trainers than cores the steps are slower, and the share
is the same.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from network import Network, binary  # noqa: E402

TRAINERS = 4
DOWN = 3  # seconds until a killed one is started again
CASES = [  # rounds between two that are killed, rounds, how many of the trainers in ten rounds
    (25, 75, "10 %"),
    (10, 40, "25 %"),
]
PLAN = """
wallet = "bento"
[training]
rounds = {rounds}
local_steps = 20
batch = 16
quorum = 2
[model]
layers = 2
width = 128
heads = 2
context = 64
[[data]]
object = "texto.txt"
wallet = "ana"
"""


def row(measure, value, unit, goal=None, goal_of=None, note=""):
    print(json.dumps({"measure": measure, "value": value, "unit": unit, "peer": "",
                      "peer_value": None, "goal": goal, "goal_of": goal_of, "note": note}),
          flush=True)


class Worker:
    """What one trainer has done, over all its processes."""

    def __init__(self):
        self.state = {}
        self.before = 0.0   # in local steps, of processes that ended
        self.left_out = 0
        self.up_from, self.up = None, 0.0

    def saw(self, state, now):
        if state["phase"] not in ("training", "finished") or "steps_seconds" not in state:
            return
        if self.up_from is None:
            self.up_from = now
        self.state = state

    def ended(self, now):
        """Its process ended, or the run did."""
        self.before += self.counted()
        self.state = {}
        if self.up_from is not None:
            self.up += now - self.up_from
        self.up_from = None

    def counted(self):
        """Seconds in local steps, without those of payloads that came too late."""
        self.left_out += self.state.get("left_out", 0)
        return self.state.get("counted_seconds", 0.0)


class Run:
    def __init__(self, network, path, between, rounds):
        plan = path / "run.toml"
        plan.write_text(PLAN.format(rounds=rounds))
        self.network, self.between, self.rounds = network, between, rounds
        self.builder = subprocess.Popen([binary(), "train", str(plan), "--json"],
                                        env=network.environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.run = json.loads(self.builder.stdout.readline())["run"]
        self.workers = [Worker() for _ in range(TRAINERS)]
        names = sorted((node["endpoint"].split("@")[0].lower(), node["name"])
                       for node in network.run("status")["nodes"] if node["role"] == "trainer")
        self.names = [name for _, name in names]
        self.lost, self.seconds = 0, 0.0

    def look(self):
        states = self.network.run("train", "status", self.run)["trainers"]
        now = time.monotonic()
        for worker, state in zip(self.workers, states):
            worker.saw(state, now)
        return states

    def lose(self, victim):
        """The one that is killed loses what it did since its last round; so it does here."""
        self.network.kill(self.names[victim])
        self.workers[victim].ended(time.monotonic())
        self.lost += 1
        return time.monotonic() + DOWN

    def follow(self):
        """To the end."""
        began, due, down = None, self.between // 2, None  # down: who, and until when
        while True:
            states = self.look()
            running = [s for s in states if s["phase"] == "training"]
            if began is None and running:
                began = time.monotonic()
            if all(s["phase"] == "finished" for s in states):
                break
            if self.builder.poll() not in (None, 0) or any(s["phase"] == "failed" for s in states):
                raise RuntimeError(f"the run failed: {states}")
            if down is not None and time.monotonic() >= down[1]:
                self.network.restart(self.names[down[0]])
                self.workers[down[0]].up_from = time.monotonic()
                down = None
            number = max(s.get("round", 0) for s in states)
            if down is None and due <= number < self.rounds - 3:
                victim = self.lost % TRAINERS
                down = (victim, self.lose(victim))
                due += self.between
            time.sleep(0.2)
        now = time.monotonic()
        for worker in self.workers:
            worker.ended(now)
        if len({s["state_hash"] for s in states}) != 1:
            raise RuntimeError("the trainers hold other parameters")
        self.builder.communicate(timeout=120)
        self.seconds = now - began

    def rows(self, share):
        counted = sum(worker.before for worker in self.workers)
        up = sum(worker.up for worker in self.workers)
        late = sum(worker.left_out for worker in self.workers)
        each = self.seconds / self.rounds
        note = (f"{self.lost} killed in {self.rounds} rounds of {each:.1f} s, each started again "
                f"{DOWN} s later; {late} payloads came too late to count; the run never stopped")
        row(f"{TRAINERS} trainer processes, one killed every {self.between} rounds ({share} in "
            "ten): share of the time that they are up in steps that count",
            100 * counted / up, "%", 85, "value at least", note)
        row("the same: of all time, also while one is down",
            100 * counted / (TRAINERS * self.seconds), "%")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="mutirao-churn-") as folder:
        path = pathlib.Path(folder)
        with Network(path / "home") as network:
            network.up("--nodes", 2, "--trainers", TRAINERS, "--computes", 0)
            for name in ("ana", "bento"):
                network.run("wallet", "new", name)
                network.run("wallet", "send", "--from", "founder", "--to", name, "50")
            text = path / "texto.txt"
            text.write_text("".join(f"linha {i}: quem planta colhe, quem partilha tem.\n"
                                    for i in range(20000)))
            network.run("put", text, "--wallet", "ana")
            for between, rounds, share in CASES:
                run = Run(network, path, between, rounds // 2 if quick else rounds)
                run.follow()
                run.rows(share)


if __name__ == "__main__":
    main()

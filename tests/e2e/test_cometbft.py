"""The engine `cometbft` with the real CometBFT: four validators on this machine agree whatever half
of whichever of them dies, is cut off, or votes twice; a ledger's state moves to it and back."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from comet_network import (Ledger, Link, Validator, comet, comet_version, free_port, mutirao,
                           wait_until)
from test_wallets import CLIENTS, install_clients

# A key of nobody, and where its money goes.
KEY = "0x" + "6d757401" * 8
ADDRESS = None  # of KEY
TO = "0x000000000000000000000000000000000000c0de"
GWEI = 10**9
MUT = 10**18


def node(*arguments):
    done = subprocess.run(["node", *map(str, arguments)], cwd=CLIENTS, capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode()


def setUpModule():
    comet()
    install_clients()
    global ADDRESS
    ADDRESS = node("--input-type=module", "-e", "import {Wallet} from 'ethers';"
                   "console.log(new Wallet(process.argv[1]).address)", KEY).strip()


class Chain(unittest.TestCase):
    """What both kinds of test need: transfers by nonce, and a folder."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="mut-comet-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        os.environ["MUTIRAO_HOME"] = str(cls.folder / "home")
        cls.transfers = json.loads(node("sign_transfers.mjs", KEY, TO, 0, 400))
        cls.sent = 0

    @classmethod
    def send(cls, *ledgers, count=1):
        """The next transfers, each to another one of the ledgers; returns their hashes."""
        out = []
        if comet_version() == "v0.38":  # only who got them proposes them, and their order matters
            ledgers = ledgers[:1]
        for i in range(count):
            transfer = cls.transfers[cls.sent]
            cls.sent += 1
            ledgers[i % len(ledgers)].call("eth_sendRawTransaction", transfer["raw"])
            out.append(transfer["hash"])
        return out

    def await_all(self, hashes, ledgers, seconds=30):
        for ledger in ledgers:
            wait_until(lambda: all(ledger.has(each) for each in hashes), seconds)


class FourValidators(Chain):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = mutirao("ledger", "init", "--engine", "cometbft", "--validators", 4, "--dir",
                       cls.folder / "n", "--founder", ADDRESS, "--cometbft", comet_version())
        cls.validators = [Validator(facts) for facts in made["validators"]]
        cls.ledgers = [each.ledger for each in cls.validators]
        # All that validator 4 hears and says goes over one link.
        cls.link = Link(cls.validators[3].p2p)
        cls.addClassCleanup(cls.link.close)
        for each in cls.validators[:3]:
            each.configure(cls.validators[3].p2p.replace(".", r"\.") + r"\b(?=[,\"])",
                           f"127.0.0.1:{cls.link.port}")
        cls.validators[3].configure(r'persistent_peers = "[^"]*"', 'persistent_peers = ""')
        cls.twin = cls.validators[0].copy(cls.folder / "t", "twin")
        cls.late = cls.validators[1].copy(cls.folder / "l", "late")
        cls.late.new_keys()
        cls.addClassCleanup(cls.stop_all)
        cls.start_all()

    @classmethod
    def start_all(cls):
        for each in cls.validators:
            each.start()

    @classmethod
    def stop_all(cls):
        for each in (*cls.validators, cls.twin, cls.late):
            each.stop()

    def setUp(self):
        # Whatever the test before left: all are up, in step, and make blocks.
        for each in self.validators:
            for half, log in ((each.ledger.process, each.ledger.log()),
                              (each.comet, (each.home / "log.txt").read_text())):
                self.assertIsNone(half.poll(), f"{each.name} ended: {log[-2000:]}")
        wait_until(lambda: max(self.heights()) - min(self.heights()) < 3, 30)

    def heights(self):
        return [ledger.height() for ledger in self.ledgers]

    def grows(self, ledgers, blocks=2):
        for ledger in ledgers:
            target = ledger.height() + blocks
            wait_until(lambda: ledger.height() >= target, 30)

    def stake(self, ledger):
        """What validator 1 has staked, in wei, and its votes; None when it is none."""
        account = self.validators[0].account.lower()
        stakes = ledger.call("mutirao_records", "stakes")["items"]
        votes = ledger.call("mutirao_records", "validators")["items"]
        return (next(int(each["bonded"]) for each in stakes if each["node"] == account),
                next((each["votes"] for each in votes if each["account"] == account), None))

    def agree(self):
        """All are at one history, now."""
        top = max(self.heights())
        wait_until(lambda: min(self.heights()) >= top, 30)
        for height in (1, top // 2, top):
            self.assertEqual(len({ledger.block(height) for ledger in self.ledgers}), 1, height)
        self.assertEqual(len({ledger.balance(TO) for ledger in self.ledgers}), 1)


class Crashes(FourValidators):
    def test_1_transfers_through_any_validator_reach_all(self):
        hashes = self.send(*self.ledgers, count=40)
        self.await_all(hashes, self.ledgers)
        for ledger in self.ledgers:
            self.assertEqual(ledger.balance(TO), self.sent * GWEI)
            # Our own commands ask any validator, too.
            endpoint = (ledger.folder / "endpoint").read_text()
            self.assertEqual(mutirao("--ledger", endpoint, "wallet", "balance", TO)["wei"],
                             str(self.sent * GWEI))
        self.agree()

    def test_2_a_killed_ledger_or_cometbft_catches_up(self):
        others = self.ledgers[:1] + self.ledgers[2:]
        second = self.validators[1]
        second.ledger.stop(signal.SIGKILL)
        second.await_comets_end()
        self.await_all(self.send(*others, count=6), others)
        second.start()
        self.agree()
        second.stop_comet(signal.SIGKILL)
        self.await_all(self.send(*others, count=6), others)
        second.start_comet()  # the ledger went on waiting for it
        self.agree()
        self.assertEqual(self.ledgers[1].balance(TO), self.sent * GWEI)

    def test_3_a_power_cut_at_any_point_of_a_block(self):
        third = self.validators[2]
        for point in ("after_finalize", "block_after_sync", "after_commit"):
            with self.subTest(point):
                third.ledger.crash_file.write_text(point)
                third.ledger.process.wait(timeout=20)
                third.ledger.crash_file.write_text("")
                third.await_comets_end()
                third.start()
                self.grows([third.ledger])
        self.agree()


class Strangers(FourValidators):
    def test_1_who_is_cut_off_stands_still_and_comes_back(self):
        fourth = self.ledgers[3]
        self.link.cut()
        self.await_all(self.send(*self.ledgers[:3], count=6), self.ledgers[:3])
        before = fourth.height()
        time.sleep(1)
        self.assertLessEqual(fourth.height(), before + 1)
        # Two of four are no quorum: nothing is final, and nothing is lost.
        self.validators[2].stop_comet(signal.SIGKILL)
        waiting = self.send(self.ledgers[0])
        time.sleep(1)
        stands = self.ledgers[0].height()
        time.sleep(2)
        self.assertLessEqual(self.ledgers[0].height(), stands)
        self.assertFalse(self.ledgers[0].has(waiting[0]))
        self.validators[2].start_comet()
        self.grows(self.ledgers[:3])
        self.link.heal()
        self.await_all(waiting, self.ledgers)
        self.agree()

    def test_2_who_comes_late_begins_at_a_snapshot(self):
        self.late.sync_from(self.validators[:2], self.ledgers[0].height() - 1)
        self.late.start()
        ledger = self.late.ledger
        wait_until(lambda: ledger.height() >= self.ledgers[0].height() - 3, 30)
        with self.assertRaisesRegex(RuntimeError, "pruned history unavailable"):
            ledger.block(1)  # it never had it
        door = self.ledgers[0] if comet_version() == "v0.38" else ledger
        self.await_all(self.send(door), [*self.ledgers, ledger])
        self.assertEqual(ledger.balance(TO), self.sent * GWEI)
        self.assertEqual(self.late.stop(), 0)
        self.late.start()
        self.await_all(self.send(door), [*self.ledgers, ledger])
        height = ledger.height()
        self.assertEqual(ledger.block(height), self.ledgers[0].block(height))
        self.late.stop()

    def test_3_who_votes_twice_is_proven_to(self):
        # Only the twin has this one: it proposes another block than the validator whose key it has.
        self.twin.configure(r'type = "\w+"\nrecheck = false', 'type = "nop"\nrecheck = false')
        self.twin.start()
        wait_until(lambda: self.twin.ledger.height() >= self.ledgers[1].height() - 3, 30)
        words = f"validator {self.validators[0].address.lower()} voted for two different blocks"
        honest = self.ledgers[1:]
        self.assertEqual(self.stake(honest[0]), (1000 * MUT, 1000))
        end = time.monotonic() + 40
        while not all(words in ledger.log() for ledger in honest):
            self.assertLess(time.monotonic(), end, "no evidence came")
            self.send(self.twin.ledger)
            time.sleep(0.5)
        self.twin.stop()
        self.agree()
        # Each height at which it did costs 30 % of what is left, and its vote is gone.
        left = {ledger: self.stake(ledger) for ledger in self.ledgers}
        self.assertEqual(len(set(left.values())), 1)
        staked, votes = left[honest[0]]
        self.assertIn(staked, [1000 * MUT * 7**n // 10**n for n in range(1, 6)])
        self.assertEqual(votes, None)
        wait_until(lambda: self.validators[0].address not in self.validators[1].votes(), 20)


class Batches(FourValidators):
    """Transactions that pass beside consensus: what a validator lacks it fetches from others."""

    @classmethod
    def start_all(cls):
        # What validator 4's ledger hears from the others' goes over a second link: they call it at
        # the address that the genesis names, and it listens somewhere else.
        fourth = cls.validators[3].ledger
        listen = "127.0.0.1:" + str(free_port())
        (fourth.folder / "address").write_text(f"{listen}\n{cls.validators[3].endpoint}\n")
        cls.lane = Link(listen, int(cls.validators[3].endpoint.rsplit(":", 1)[1]))
        cls.addClassCleanup(cls.lane.close)
        super().start_all()

    def put(self, ledger, count):
        """The next transfers as batches of this ledger's; returns their hashes."""
        transfers = self.transfers[self.sent:self.sent + count]
        type(self).sent += count
        path = self.folder / "transfers"
        path.write_text("".join(each["raw"] + "\n" for each in transfers))
        endpoint = (ledger.folder / "endpoint").read_text()
        done = mutirao("--ledger", endpoint, "ledger", "send", path, "--together", 10)
        self.assertEqual(done["transactions"], count)
        for batch in done["batches"]:
            self.assertLessEqual(batch["certificate_bytes"], 300)
            self.assertGreaterEqual(batch["signers"], 3)
        return [each["hash"] for each in transfers]

    def test_1_run_at_all_and_blocks_carry_certificates_only(self):
        before = self.ledgers[1].height()
        for ledger in self.ledgers:
            # Those of one account go in the order of its nonces.
            self.await_all(self.put(ledger, 20), [ledger])
        wait_until(lambda: all(ledger.balance(TO) == self.sent * GWEI for ledger in self.ledgers),
                   20)
        for ledger in self.ledgers:
            self.assertEqual(ledger.balance(TO), self.sent * GWEI)
        self.agree()
        carried = [self.validators[1].get(f"block?height={height}")["block"]["data"]["txs"]
                   for height in range(max(before, 1), self.ledgers[1].height() + 1)]
        # 8 batches of 10; base64 of a certificate is longer than it by a third.
        certificates = [each for block in carried for each in block]
        self.assertEqual(len(certificates), 8)
        self.assertLess(max(map(len, certificates)), 300 * 4 / 3 + 4)

    def test_2_who_lacks_a_batch_fetches_it_and_who_was_killed_catches_up(self):
        second, fourth = self.validators[1], self.validators[3]
        # Nobody asks the fourth to keep anything, but consensus tells it of blocks.
        self.lane.cut()
        self.await_all(self.put(self.ledgers[0], 20), self.ledgers)
        self.lane.heal()
        # The second is away for some, and killed while batches come.
        second.ledger.stop(signal.SIGKILL)
        second.await_comets_end()
        others = self.ledgers[:1] + self.ledgers[2:]
        self.await_all(self.put(self.ledgers[2], 20), others)
        # While three of four are needed, those that signed are killed and come back, too.
        second.start()
        self.agree()
        self.validators[2].ledger.stop(signal.SIGKILL)
        self.validators[2].await_comets_end()
        hashes = self.put(self.ledgers[1], 20)
        self.validators[2].start()
        self.await_all(hashes, self.ledgers)
        self.agree()
        self.assertNotIn("a block waits", self.ledgers[0].log())
        self.assertEqual(fourth.ledger.balance(TO), self.sent * GWEI)

    def test_3_who_is_cut_off_stands_still_and_who_comes_late_has_all(self):
        self.lane.cut()
        self.link.cut()
        three = self.ledgers[:3]
        self.await_all(self.put(self.ledgers[0], 20), three)
        before = self.ledgers[3].balance(TO)
        self.assertLess(before, self.sent * GWEI)
        self.lane.heal()
        self.link.heal()
        self.await_all(self.put(self.ledgers[1], 10), self.ledgers)
        self.agree()
        # One that begins at a snapshot, and fetches the batches of blocks after it.
        self.late.sync_from(self.validators[:2], self.ledgers[0].height() - 1)
        self.late.start()
        late = self.late.ledger
        wait_until(lambda: late.height() >= self.ledgers[0].height() - 3, 30)
        self.await_all(self.put(self.ledgers[2], 20), [*self.ledgers, late])
        self.assertEqual(late.balance(TO), self.sent * GWEI)
        height = late.height() - 1
        self.assertEqual(late.block(height), self.ledgers[0].block(height))
        self.assertEqual(self.late.stop(), 0)


class Votes(Chain):
    def test_follow_the_stake_and_a_machine_that_comes_late_gets_some(self):
        os.environ.update(MUTIRAO_PASSWORD="p", MUTIRAO_WALLET_STRENGTH="light")
        made = mutirao("ledger", "init", "--engine", "cometbft", "--validators", 2, "--dir",
                       self.folder / "n", "--cometbft", comet_version())
        first, second = [Validator(facts) for facts in made["validators"]]
        late = second.copy(self.folder / "l", "late")
        late.new_keys()
        for each in (first, second, late):
            self.addCleanup(each.stop)
            each.start()
        wait_until(lambda: first.ledger.height() >= 2, 30)

        def stake(*arguments):
            endpoint = (first.ledger.folder / "endpoint").read_text()
            return mutirao("--ledger", endpoint, "stake", *arguments)

        stake("unbond", second.account, 400, "--wallet", "founder")
        both = {first.address: 1000, second.address: 600}
        wait_until(lambda: first.votes() == both, 20)
        # The late one follows, and votes once something is staked for its account.
        endpoint = (first.ledger.folder / "endpoint").read_text()
        account = (late.ledger.folder / "endpoint").read_text().split("@")[0]
        mutirao("--ledger", endpoint, "wallet", "send", "--from", "founder", "--to", account, 1)
        key = late.home / "config/priv_validator_key.json"
        join = ("join", "--data", late.ledger.folder, "--key", key)
        with self.assertRaisesRegex(AssertionError, "a validator needs a stake of 100 MUT"):
            stake(*join)
        stake("bond", account, 300, "--wallet", "founder")
        stake(*join)
        address = json.loads(key.read_text())["address"]
        wait_until(lambda: first.votes() == {**both, address: 300}, 20)
        shown = stake("show", "--wallet", "founder")["stakes"]
        votes = {each["node"].lower(): (each["votes"], each["own_bonded_wei"]) for each in shown}
        self.assertEqual(votes[account.lower()], (300, str(300 * MUT)))
        height = late.ledger.height()
        wait_until(lambda: late.ledger.height() > height + 3, 20)
        stake("leave", "--data", late.ledger.folder)
        wait_until(lambda: first.votes() == both, 20)


class Move(Chain):
    def test_from_solo_to_cometbft_and_back_with_the_same_state(self):
        solo = self.folder / "solo"
        mutirao("ledger", "init", "--dir", solo, "--founder", ADDRESS)
        first = Ledger(solo)
        first.start()
        self.addCleanup(first.stop)
        self.await_all(self.send(first, count=5), [first])
        self.assertEqual(first.stop(), 0)
        given = mutirao("ledger", "export", "--data", solo, "-o", self.folder / "state")

        made = mutirao("ledger", "init", "--engine", "cometbft", "--validators", 1, "--dir",
                       self.folder / "n", "--from", self.folder / "state", "--cometbft",
                       comet_version())
        self.assertEqual((made["state_hash"], made["height"]),
                         (given["state_hash"], given["height"]))
        validator = Validator(made["validators"][0])
        self.addCleanup(validator.stop)
        validator.ledger.start()
        # Before CometBFT's first block it is where the other one ended.
        self.assertEqual(validator.ledger.height(), given["height"])
        self.assertEqual(validator.ledger.block(given["height"])[1], "0x" + given["state_hash"])
        self.assertEqual(validator.ledger.balance(TO), 5 * GWEI)
        validator.start_comet()
        self.await_all(self.send(validator.ledger, count=5), [validator.ledger])
        self.assertEqual(validator.ledger.balance(TO), 10 * GWEI)
        self.assertEqual(validator.stop(), 0)
        validator.start()
        self.await_all(self.send(validator.ledger), [validator.ledger])
        self.assertEqual(validator.stop(), 0)

        again = mutirao("ledger", "export", "--data", validator.ledger.folder, "-o",
                        self.folder / "state2")
        back = mutirao("ledger", "import", self.folder / "state2", "--data", self.folder / "back")
        self.assertEqual(back["state_hash"], again["state_hash"])
        last = Ledger(self.folder / "back")
        last.start()
        self.addCleanup(last.stop)
        self.await_all(self.send(last), [last])
        self.assertEqual(last.balance(TO), 12 * GWEI)


if __name__ == "__main__":
    unittest.main(verbosity=2)

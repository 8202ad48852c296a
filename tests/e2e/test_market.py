"""What is promised and paid beside objects themselves: deals about them, whose nodes answer audits,
stake, and orders that one signs and another brings."""
import unittest

from own_network import OwnNetwork  # also finds scripts/network.py
from network import wait_until

MUT = 10**18
PRICE = 1000  # MUT for a GiB and day: what is kept here is small, and for a minute


class Market(OwnNetwork):
    options = ("--storage-price", PRICE)
    people = ("ana", "bia")
    allowance = 100

    def balance(self, who):
        return int(self.network.run("wallet", "balance", who)["wei"])

    def test_a_deal_is_earned_by_answered_audits(self):
        run = self.network.run
        path = self.path / "dados.bin"
        path.write_bytes(bytes(i % 251 for i in range(1_500_000)))
        run("put", path, "--wallet", "ana")
        quote = run("deal", "quote", path.name, "--days", 0.001, "--wallet", "ana")
        self.assertEqual((quote["blocks"], quote["slots"], quote["nodes"]), (1, 256, 2))
        poor = self.network.fails("deal", "open", path.name, "--days", 0.001, "--wallet", "ana",
                                  "--most", "0.000001")
        self.assertEqual(poor.error["kind"], "insufficient_funds")
        opened = run("deal", "open", path.name, "--days", 0.001, "--wallet", "ana")
        deal = opened["deals"][0]["deal"]
        locked = int(opened["locked_wei"])
        self.assertLessEqual(locked, int(quote["cost_wei"]))
        # A kibibyte's price, for 86.4 s of a day.
        self.assertAlmostEqual(locked / MUT, PRICE / 2**20 * 1465 * 0.001, delta=0.0003)
        early = self.network.fails("deal", "close", deal, "--wallet", "bia")
        self.assertIn("has not ended", early.error["message"])

        def listed():
            return next(each for each in run("deal", "list", "--wallet", "ana")["deals"]
                        if each["deal"] == deal)

        nodes = [each["node"] for each in listed()["holders"]]
        before = {node: self.balance(node) for node in nodes}
        run("deal", "audit", deal[:16], "storage-1", "--wallet", "bia")
        wait_until(lambda: listed()["open_audits"] == 0, 20)
        paid = {each["node"]: int(each["paid_wei"]) for each in listed()["holders"]}
        audited = run("status")["nodes"]
        first = next(each["address"] for each in audited if each["name"] == "storage-1")
        self.assertGreater(paid[first], 0)
        self.assertEqual({node for node in nodes if paid[node] == 0}, set(nodes) - {first})
        # Its pay and bia's deposit, less what the answer cost.
        self.assertGreater(self.balance(first) - before[first], paid[first])

    def test_stake_is_bonded_shown_and_on_its_way_out(self):
        run = self.network.run
        done = run("stake", "bond", "storage-2", 5, "--wallet", "ana")
        self.assertEqual(done["bonded_wei"], str(5 * MUT))
        run("stake", "bond", "storage-2", 3, "--wallet", "bia")
        done = run("stake", "unbond", "storage-2", 2, "--wallet", "ana")
        self.assertEqual((done["bonded_wei"], done["leaving_wei"]), (str(6 * MUT), str(2 * MUT)))
        early = self.network.fails("stake", "withdraw", "storage-2", "--wallet", "ana")
        self.assertIn("released in", early.error["message"])
        stake = next(each for each in run("stake", "show", "--wallet", "ana")["stakes"]
                     if each["node"] == done["node"])
        self.assertEqual((stake["own_bonded_wei"], stake["own_leaving_wei"]),
                         (str(3 * MUT), str(2 * MUT)))
        done = run("stake", "unbond", "storage-2", "all", "--wallet", "bia")
        self.assertEqual(done["bonded_wei"], str(3 * MUT))
        none = self.network.fails("stake", "unbond", "storage-2", 1, "--wallet", "bia")
        self.assertEqual(none.error["kind"], "insufficient_funds")

    def test_orders_are_signed_by_one_and_brought_by_another(self):
        run = self.network.run
        path = self.path / "order.json"
        before = self.balance("ana")
        signed = run("order", "sign", "--wallet", "ana", "--to", "founder", "--value", 2, "--fee",
                     0.5, "-o", path)
        self.assertEqual(signed["value_wei"], str(2 * MUT))
        done = run("order", "submit", path, "--wallet", "bia")
        self.assertEqual(done["earned_wei"], str(MUT // 2))
        self.assertEqual(self.balance("ana"), before - 2 * MUT - MUT // 2)  # and no gas
        again = self.network.fails("order", "submit", path, "--wallet", "bia")
        self.assertEqual(again.error["kind"], "already_exists")
        path.write_text(path.read_text().replace(str(2 * MUT), str(3 * MUT)))
        forged = self.network.fails("order", "submit", path, "--wallet", "bia")
        self.assertEqual(forged.error["kind"], "permission_denied")  # that is no key of ana's
        path.write_text("{}")
        self.assertEqual(self.network.fails("order", "submit", path, "--wallet",
                                            "bia").error["kind"], "corrupt")
        # A session key acts within its limits, until it is revoked.
        run("wallet", "new", "robot")
        run("order", "authorise", "robot", "--to", "founder", "--limit", 3, "--wallet", "ana")
        sign = ("order", "sign", "--wallet", "robot", "--for", "ana", "--to", "founder", "-o", path,
                "--value")
        run(*sign, 2)
        run("order", "submit", path, "--wallet", "bia")
        run(*sign, 2)
        over = self.network.fails("order", "submit", path, "--wallet", "bia")
        self.assertNotEqual(over.error["kind"], "already_exists")
        keys = {each["signer"]: each for each in run("order", "keys", "--wallet", "ana")["keys"]}
        robot = keys[run("wallet", "balance", "robot")["address"]]
        self.assertEqual((robot["live"], robot["spent_wei"], robot["orders"]),
                         (True, str(2 * MUT), 1))
        run("order", "revoke", "robot", "--wallet", "ana")
        run(*sign, 1)
        revoked = self.network.fails("order", "submit", path, "--wallet", "bia")
        self.assertEqual(revoked.error["kind"], "permission_denied")


if __name__ == "__main__":
    unittest.main(verbosity=2)

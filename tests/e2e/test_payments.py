"""Whoever dies between paying and naming, and however many pay at once: each object once."""
import concurrent.futures
import os
import signal
import subprocess
import time
import unittest

from certified import Certified, digest
from network import alive, binary, wait_until

SIDE_BY_SIDE = 12
TRIES = 5  # to stop the gateway in time


class Payments(Certified):
    def files(self, name):
        return [self.file(f"{name}-{i}.bin", 200_000 + i) for i in range(3)]

    def put_all(self, files):
        done = self.network.run("put", *files, "--wallet", "ana")
        self.certified.update({path.name: digest(path) for path in files})
        return done

    def price(self):
        """What such files cost, in wei for storage and without any fault."""
        if not hasattr(type(self), "known_price"):
            before, _ = self.payments()
            self.put_all(self.files("sem-falha"))
            type(self).known_price = sum(self.payments()[0]) - sum(before)
        return self.known_price

    def put_until_paid(self, files):
        """A put whose gateway stops before it names anything; it returns when all is paid for."""
        paid, _ = self.payments()
        gateway = self.network.process_of("gateway")
        uploads = self.network.home / "uploads"
        known = set(uploads.glob("*.finished"))
        put = subprocess.Popen([binary(), "put", *map(str, files), "--wallet", "ana", "--json"],
                               env=self.network.environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        wait_until(lambda: set(uploads.glob("*.finished")) - known, 30, every=0)  # then it pays
        os.kill(gateway, signal.SIGSTOP)
        try:
            wait_until(lambda: len(self.payments()[0]) > len(paid), 30)
        except TimeoutError:
            os.kill(gateway, signal.SIGCONT)
            put.kill()
            put.wait()
            raise
        return put, gateway

    def die(self, name, who):
        """Puts files while `who` dies after the payment."""
        for i in range(TRIES):
            files = self.files(f"{name}-{i}")
            put, gateway = self.put_until_paid(files)
            if "client" in who:
                put.kill()
            if "gateway" not in who:
                # It may still name them: the request lay in its socket.
                os.kill(gateway, signal.SIGCONT)
                put.wait(timeout=60)
                return files
            os.kill(gateway, signal.SIGKILL)
            wait_until(lambda pid=gateway: not alive(pid), 10)
            self.assertNotEqual(put.wait(timeout=60), 0)
            self.network.restart("gateway")
            named = {path.name for path in files} & set(self.names())
            if not named:
                return files
            self.put_all(files)  # the gateway stopped too late, and had named some
        return self.fail("the gateway never stopped between payment and naming")

    def dies_between_payment_and_naming(self, name, who):
        price = self.price()
        files = self.die(name, who)
        before, gas = self.payments()
        balance = self.balance()
        done = self.put_all(files)
        after, gas_after = self.payments()
        self.assertEqual(len(done["objects"]), len(files))
        self.assertEqual(after, before)  # paid for already
        self.assertEqual(balance - self.balance(), gas_after - gas)
        self.assertEqual(before[-1], price)
        self.check_all()

    def test_a_client_dies_between_payment_and_naming(self):
        self.dies_between_payment_and_naming("cliente", ["client"])

    def test_a_gateway_dies_between_payment_and_naming(self):
        self.dies_between_payment_and_naming("portal", ["gateway"])

    def test_both_die_between_payment_and_naming(self):
        self.dies_between_payment_and_naming("ambos", ["client", "gateway"])

    def test_processes_that_share_a_wallet_pay_once_each(self):
        files = [self.file(f"junto-{i}.bin", 300_000 + i) for i in range(SIDE_BY_SIDE)]
        before, gas = self.payments()
        balance = self.balance()
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            done = list(pool.map(self.put, files))
        took = time.monotonic() - began
        after, gas_after = self.payments()
        self.assertEqual(len(after), len(before) + SIDE_BY_SIDE)
        self.assertEqual(len(set(after[len(before):])), 1)  # of one size, so of one price
        self.assertEqual(balance - self.balance(), sum(int(put["cost_wei"]) for put in done))
        self.assertEqual(balance - self.balance(), sum(after) - sum(before) + gas_after - gas)
        self.assertLess(took, 60)
        self.check_all()

    def test_a_silent_node_delays_put_and_get_by_a_bounded_time(self):
        self.network.stop("storage-4")
        try:
            for i in range(5):
                began = time.monotonic()
                self.put(self.file(f"calado-{i}.bin", 1_000_000))
                self.assertLess(time.monotonic() - began, 4)
                began = time.monotonic()
                self.check(f"calado-{i}.bin")
                self.assertLess(time.monotonic() - began, 4)
        finally:
            self.network.cont("storage-4")
        self.check_all()


if __name__ == "__main__":
    unittest.main(verbosity=2)

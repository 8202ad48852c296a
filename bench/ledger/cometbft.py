"""What four validators of the engine `cometbft` do on this machine, all of them sharing its cores:
blocks, signed transfers a second through their own JSON-RPC, and where the processor time goes.

Usage: cometbft.py [--quick]

Prints a JSON row a line (bench/README.md) and says on standard error what it is doing."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
E2E = ROOT / "tests/e2e"
sys.path.insert(0, str(E2E))
from comet_network import Validator, comet, comet_version, mutirao, wait_until  # noqa: E402
from test_wallets import install_clients  # noqa: E402

VALIDATORS = 4
BATCH = 250
WAITING = 6000  # transactions that may wait: under the ledger's 8192
AHEAD = 60      # nonces of one account: the ledger takes 64 ahead


def row(measure, value, unit, note=""):
    print(json.dumps({"measure": measure, "value": value, "unit": unit, "peer": "",
                      "peer_value": None, "goal": None, "goal_of": None, "note": note}),
          flush=True)


def say(text):
    print(text, file=sys.stderr, flush=True)


def signer(*arguments):
    return subprocess.Popen(["node", str(HERE / "sign_many.mjs"), "bench", *map(str, arguments)],
                            stdout=subprocess.PIPE, env={**os.environ,
                                                         "WALLETS": str(E2E / "wallets")})


def sign(accounts):
    """Funding transfers, and by account all that it sends; on all cores."""
    parts = [signer(accounts, AHEAD, i * accounts // 2, (i + 1) * accounts // 2) for i in (0, 1)]
    funding = json.loads(signer(accounts, "fund").communicate()[0])
    sent = []
    for part in parts:
        sent += [json.loads(line)["raw"] for line in part.communicate()[0].splitlines()]
    return funding, sent


def submit(url, raws):
    """One batch; what was refused because too many wait is sent again."""
    while raws:
        body = json.dumps([{"jsonrpc": "2.0", "id": i, "method": "eth_sendRawTransaction",
                            "params": [raw]} for i, raw in enumerate(raws)])
        request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answers = json.load(answer)
        again = []
        for each in answers:
            if "error" in each and "already" not in each["error"]["message"]:
                again.append(raws[each["id"]])
        if again:
            time.sleep(0.1)
        raws = again


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Meter:
    """Processor time of both halves of all validators, and blocks, since it was made."""

    def __init__(self, validators):
        self.validators = validators
        self.began = self._read()

    def _read(self):
        return (time.monotonic(), sum(cpu_seconds(each.ledger.process) for each in self.validators),
                sum(cpu_seconds(each.comet) for each in self.validators),
                self.validators[0].ledger.height())

    def read(self):
        """Seconds, of the ledgers, of CometBFT; blocks."""
        return tuple(now - then for now, then in zip(self._read(), self.began, strict=True))


def nonce(ledger, address):
    return int(ledger.call("eth_getTransactionCount", address, "latest"), 16)


def fund(validators, funding):
    ledger = validators[0].ledger
    url = (ledger.folder / "eth-rpc").read_text()
    for at in range(0, len(funding["raw"]), AHEAD):
        part = funding["raw"][at:at + AHEAD]
        submit(url, part)
        wait_until(lambda: nonce(ledger, funding["address"]) >= at + len(part), 30, every=0.02)


def measure_idle(validators, seconds):
    meter = Meter(validators)
    time.sleep(seconds)
    wall, ledgers, comets, blocks = meter.read()
    row("4 validators, idle: blocks", blocks / wall, "1/s", "paced by timeout_commit = 200 ms")
    row("4 validators, idle: processor time", (ledgers + comets) / wall, "cores",
        f"ledgers {ledgers / wall:.2f}, CometBFT {comets / wall:.2f}")


def measure_latency(validators, raws):
    took = []
    ledger = validators[1].ledger
    url = (ledger.folder / "eth-rpc").read_text()
    for raw in raws:
        began = time.monotonic()
        before = int(ledger.call("eth_getBalance", "0x" + "0" * 36 + "c0de", "latest"), 16)
        submit(url, [raw])
        wait_until(lambda: int(ledger.call("eth_getBalance", "0x" + "0" * 36 + "c0de", "latest"),
                               16) > before, 30, every=0.005)
        took.append(time.monotonic() - began)
    took.sort()
    row("4 validators, idle: from sending to final, p50", 1000 * took[len(took) // 2], "ms",
        f"largest of {len(took)}: {1000 * took[-1]:.0f} ms")


def in_turns(sent, index, count):
    """One validator's part, by account: first nonces first."""
    mine = sent[index::count]
    return [raws[n] for n in range(len(mine[0])) for raws in mine]


def load(validators, sent, by_lane):
    """All transfers, each account through one validator; returns when all are in blocks."""
    ledger = validators[0].ledger
    to = "0x" + "0" * 36 + "c0de"
    first = int(ledger.call("eth_getBalance", to, "latest"), 16)
    total = sum(map(len, sent))
    handed = [0] * len(validators)

    def done():
        return int(ledger.call("eth_getBalance", to, "latest"), 16) - first

    def feed(index):
        url = (validators[index].ledger.folder / "eth-rpc").read_text()
        queue = in_turns(sent, index, len(validators))
        for at in range(0, len(queue), BATCH):
            while sum(handed) - done() > WAITING:
                time.sleep(0.02)
            submit(url, queue[at:at + BATCH])
            handed[index] += len(queue[at:at + BATCH])

    def feed_lane(index):
        ledger = validators[index].ledger
        path = ledger.folder.parent / "transfers"
        path.write_text("\n".join(in_turns(sent, index, len(validators))))
        endpoint = (ledger.folder / "endpoint").read_text()
        mutirao("--ledger", endpoint, "ledger", "send", path, "--together", 500, timeout=300)

    meter = Meter(validators)
    threads = [threading.Thread(target=feed_lane if by_lane else feed, args=(i,))
               for i in range(len(validators))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    wait_until(lambda: done() >= total, 120, every=0.02)
    return total, meter.read()


def measure_load(validators, sent, by_lane=False):
    total, (wall, ledgers, comets, blocks) = load(validators, sent, by_lane)
    name = "loaded by the data lane" if by_lane else "loaded"
    door = "in batches of the data lane" if by_lane else f"over JSON-RPC in batches of {BATCH}"
    cores = os.cpu_count()
    each = (ledgers + comets) / total / VALIDATORS
    row(f"4 validators, {name}: transfers", total / wall, "1/s",
        f"all on {cores} cores, with the client, {door}; {total} transfers in {wall:.1f} s")
    row(f"4 validators, {name}: blocks", blocks / wall, "1/s",
        f"{total / blocks:.0f} transfers each")
    row(f"4 validators, {name}: processor time of one validator for a transfer", 1e6 * each, "us",
        f"ledger {1e6 * ledgers / total / VALIDATORS:.0f}, CometBFT "
        f"{1e6 * comets / total / VALIDATORS:.0f}; all together "
        f"{(ledgers + comets) / wall:.2f} of {cores} cores")
    row(f"4 validators with 2 cores each, {name}: transfers, projected", 2 / each, "1/s",
        "2 cores / processor time of one validator for a transfer; no network between them")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="seconds instead of a minute")
    quick = parser.parse_args().quick
    try:
        comet()
        install_clients()
    except unittest.SkipTest as why:
        row("4 CometBFT validators", None, "1/s", str(why))
        return
    accounts = 60 if quick else 500
    say(f"signing {accounts * AHEAD} transfers")
    funding, sent = sign(accounts)
    with tempfile.TemporaryDirectory(prefix="mut-comet-") as folder:
        os.environ["MUTIRAO_HOME"] = folder + "/home"
        made = mutirao("ledger", "init", "--engine", "cometbft", "--validators", VALIDATORS,
                       "--dir", folder + "/n", "--founder", funding["address"], "--cometbft",
                       comet_version())
        validators = [Validator(facts) for facts in made["validators"]]
        try:
            for each in validators:
                each.start()
            wait_until(lambda: validators[0].ledger.height() > 2, 60)
            say("funding the accounts")
            fund(validators, funding)
            measure_idle(validators, 3 if quick else 10)
            measure_latency(validators, sent.pop()[:10 if quick else 40])
            half = len(sent) // 2
            say("load")
            measure_load(validators, sent[:half])
            say("load by the data lane")
            measure_load(validators, sent[half:], by_lane=True)
        finally:
            for each in validators:
                each.stop()


if __name__ == "__main__":
    main()

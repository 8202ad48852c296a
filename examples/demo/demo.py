"""The main job of Mutirão, end to end, on real input: two owners store Portuguese texts, two of
eight storage nodes are killed, the owners license the texts, two trainers train a small model over
them, a third person pays to ask it, and everybody is paid. Everything runs on this machine, every
figure is measured or read from the ledger. Usage: demo.py [--out FOLDER]
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "scripts")]
import corpus  # noqa: E402
from network import ROOT, CommandFailed, Network, binary  # noqa: E402

CORPUS_BYTES_MAX = 4 << 20
PROMPT = "Para instalar o sistema, "
TTY = sys.stdout.isatty()


def bold(text):
    return f"\033[1m{text}\033[0m" if TTY else text


def step(number, text):
    print(f"\n{bold(f'{number}. {text}')}", flush=True)


def table(rows, head=None):
    rows = [[str(cell) for cell in row] for row in rows]
    columns = zip(*rows, *([head] if head else []))
    widths = [max(map(len, column)) for column in columns]
    for index, row in enumerate(([head] if head else []) + rows):
        line = "   " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths))
        print(bold(line) if head and index == 0 else line)


def size(count):
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000


class Demo:
    def __init__(self, out):
        self.out = out
        self.network = Network(out / "home")
        self.report = {}
        self.started = time.monotonic()

    def run(self, *arguments, **options):
        return self.network.run(*arguments, **options)

    def start(self):
        step(1, "A network on this machine: 1 ledger, 8 storage nodes, 1 gateway, 1 compute,"
                " 2 trainers")
        ready = self.network.up("--nodes", 8, "--trainers", 2)
        status = self.run("status")
        table([[n["name"], n["endpoint"], n["pid"]] for n in status["nodes"]],
              ["process", "address", "pid"])
        print(f"   status page: {ready['http']}   ({ready['seconds']:.1f} s)")
        self.http = ready["http"]
        self.report["nodes"] = 8
        for name, amount in (("ana", 100), ("bento", 100), ("mestra", 100), ("clara", 20)):
            self.run("wallet", "new", name)
            self.run("wallet", "send", "--from", "founder", "--to", name, amount)
        print("   wallets: ana and bento own data, mestra builds the model, clara will use it")

    def store(self):
        step(2, "Two owners store their texts: encrypted, coded, certified")
        self.texts, rows = {}, []
        stored = fragments = certificate_bytes = 0
        for owner, (name, (package, folder)) in zip(("ana", "bento"), corpus.CORPORA.items()):
            text = corpus.read(folder, CORPUS_BYTES_MAX)
            path = self.out / name
            path.write_bytes(text)
            put = self.run("put", path, "--wallet", owner)
            self.texts[name] = (owner, text)
            fragments = max(fragments, put["fragments_per_block"])
            certificate_bytes = max(certificate_bytes, put["certificate_bytes"])
            stored += put["stored_bytes"]
            rows.append([owner, name, package, size(put["size"]), put["blocks"],
                         put["fragments_per_block"], size(put["stored_bytes"]),
                         f"{put['certificate_bytes']} B", f"{put['mb_per_s']:.1f}"])
        table(rows, ["owner", "object", "package", "bytes", "blocks", "fragments/block", "stored",
                     "certificate", "MB/s"])
        self.report.update(stored_bytes=stored, fragments_per_block=fragments,
                           certificate_bytes=certificate_bytes,
                           object_bytes=sum(len(t) for _, t in self.texts.values()))

    def survive(self):
        step(3, "Two of the eight storage nodes die (SIGKILL); everything is read back")
        for name in ("storage-2", "storage-5"):
            self.network.kill(name)
        print("   killed storage-2 and storage-5")
        rows, exact = [], True
        for name, (owner, text) in self.texts.items():
            back = self.out / ("lido de volta " + name)
            got = self.run("get", name, "--wallet", owner, "-o", back)
            same = back.read_bytes() == text
            exact = exact and same
            rows.append([name, "bit-exact" if same else "DIFFERS", got["rows_total"],
                         got["data_rows_used"], got["parity_rows_used"], got["nodes_answered"],
                         f"{got['mb_per_s']:.1f}"])
        table(rows, ["object", "read back", "fragments", "data used", "parity used",
                     "nodes answering", "MB/s"])
        if not exact:
            raise SystemExit("an object did not come back as it was stored")
        self.report.update(nodes_killed=2, read_back_exact=exact)

    def train(self):
        step(4, "The owners license the texts for one training run; two trainers train on them")
        run = self.run("train", "new", "--wallet", "mestra", "--reward", "6", "--rounds", 10,
                       "--title", "modelo do mutirão")
        print(f"   run {run['run'][:18]}…, {run['trainers']} trainers, reward 6 MUT in escrow")
        for (name, (owner, _)), price, share in zip(self.texts.items(), (5, 4), (20, 15)):
            licence = self.run("license", name, "--wallet", owner, "--run", run["run"],
                               "--price", price, "--share", share)
            print(f"   {licence['sentence']}")
        command = [binary(), "train", "start", run["run"], "--wallet", "mestra", "--json"]
        process = subprocess.Popen(command, env=self.network.environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        last = None
        for line in process.stdout:
            fact = json.loads(line)
            if "round" in fact:
                saved = fact["allreduce_bytes"] / max(1, fact["bytes_sent"])
                text = (f"   round {fact['round']:3d}/{fact['rounds']}"
                        f"  loss {fact['train_loss']:.3f}"
                        f"  held out {fact['held_out_loss']:.3f} nats/byte"
                        f"  {fact['tokens_per_second']:,.0f} tokens/s"
                        f"  sent {size(fact['bytes_sent'])}, all-reduce would send"
                        f" {size(fact['allreduce_bytes'])} ({saved:.0f}x)")
                print(("\r\033[K" if TTY else "") + text, end="" if TTY else "\n", flush=True)
                last = fact
            elif "model" in fact:
                self.model = fact
        if TTY:
            print()
        errors = process.stderr.read()
        if process.wait() != 0 or last is None:
            raise SystemExit(f"training failed: {errors.strip()}")
        self.report.update(loss_first=self.model["loss_first"], loss_last=self.model["loss_last"],
                           train_bytes=last["bytes_sent"], allreduce_bytes=last["allreduce_bytes"])
        print(f"   held-out loss {self.model['loss_first']:.3f} ->"
              f" {self.model['loss_last']:.3f} nats/byte")
        if self.model["loss_last"] >= 2.8:
            raise SystemExit("the held-out loss did not fall below 2.8 nats/byte")

    def ask(self):
        step(5, "The model is on the network; Clara pays to ask it, with curl")
        print(f"   asset {self.model['model'][:18]}…, checkpoint"
              f" {size(self.model['checkpoint_bytes'])} stored as an object;"
              f" shares: {self.model['shares']}")
        key = self.run("key", "new", "--wallet", "clara", "--limit", "2")
        body = json.dumps({"model": self.model["title"], "prompt": PROMPT, "max_tokens": 80,
                           "temperature": 0.6, "seed": 7})
        url = self.http.rstrip("/") + "/v1/completions"
        print(f"   curl {url} -d '{body}'")
        done = subprocess.run(["curl", "-sS", "--fail-with-body", url, "-H",
                               "Content-Type: application/json", "-H",
                               f"Authorization: Bearer {key['api_key']}", "-d", body],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise SystemExit(f"the request failed: {done.stdout} {done.stderr}")
        answer = json.loads(done.stdout)
        completion = answer["choices"][0]["text"]
        print(f"   {bold(PROMPT)}{completion!r}")
        print(f"   {answer['usage']['completion_tokens']} tokens, {answer['mutirao']['cost']}")
        self.report.update(completion=completion, usage=answer["usage"])

    def accounts(self):
        step(6, "Who was paid what, and why (from the ledger's events)")
        payments = self.run("payments")["payments"]
        grouped = {}
        for p in payments:
            if p["reason"] in ("transfer", "fee"):
                continue
            key = (p["to_name"], p["reason"])
            grouped.setdefault(key, [0, 0, p["about_text"]])
            grouped[key][0] += int(p["wei"])
            grouped[key][1] += 1
        table([[who, f"{wei / 1e18:.6f}", why, count, about]
               for (who, why), (wei, count, about) in sorted(grouped.items())],
              ["who", "MUT", "why", "payments", "about"])
        status = self.run("status")
        self.report["payouts"] = [{"to": w, "reason": why, "wei": str(v[0]), "payments": v[1]}
                                  for (w, why), v in sorted(grouped.items())]
        self.report["consensus_bytes"] = status["ledger"]["consensus_bytes"]
        self.report["ledger_height"] = status["ledger"]["height"]
        self.report["all_stored_bytes"] = status["stored_bytes"]

    def finish(self):
        code = self.network.down()
        if code != 0:
            raise SystemExit(f"the network stopped with exit code {code}")
        self.report["seconds"] = round(time.monotonic() - self.started, 1)
        text = json.dumps(self.report, indent=2, ensure_ascii=False)
        (self.out / "report.json").write_text(text + "\n")
        r = self.report
        print("\n" + bold("In one table"))
        table([
            ["stored", f"{size(r['object_bytes'])} of text as {size(r['stored_bytes'])} of"
                       f" fragments, {r['fragments_per_block']} a block, each on one node"],
            ["certificate", f"{r['certificate_bytes']} bytes a block"],
            ["consensus carried", f"{size(r['consensus_bytes'])} in {r['ledger_height']} blocks,"
                                  f" beside {size(r['all_stored_bytes'])} on the nodes left"],
            ["after 2 of 8 nodes died", "everything read back bit-exact"],
            ["held-out loss", f"{r['loss_first']:.3f} -> {r['loss_last']:.3f} nats/byte"],
            ["training traffic", f"{size(r['train_bytes'])} instead of {size(r['allreduce_bytes'])}"
                                 f" ({r['allreduce_bytes'] / r['train_bytes']:.0f}x less)"],
            ["answer", repr(r["completion"][:60])],
            ["time", f"{r['seconds']:.0f} s; everything that was started is stopped"],
        ])
        print(f"   the same facts: {(self.out / 'report.json').relative_to(ROOT)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/demo")
    out = parser.parse_args().out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    demo = Demo(out)
    try:
        for part in (demo.start, demo.store, demo.survive, demo.train, demo.ask, demo.accounts):
            part()
        demo.finish()
    except CommandFailed as failure:
        raise SystemExit(str(failure)) from None
    finally:
        demo.network.down()


if __name__ == "__main__":
    main()

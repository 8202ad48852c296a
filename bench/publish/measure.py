"""What `bench_publish` reports: runs real networks, shaped and not, and prints a JSON row a line
(bench/README.md says what is in one). Shaped networks live in namespaces of their own, which need
root; without it their rows say so."""
import argparse
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from network import Network, binary  # noqa: E402

LINK = 35e6            # bytes a second of fragments that one node's link carries
RATE = 3               # fragments to data: n = 3k
PREFIX = "mutbench"
MIB = 1 << 20
BLOCK = 32 * MIB - 32 * 16  # plaintext of a full block


def row(measure, value, unit, peer="", peer_value=None, goal=None, goal_of=None, note=""):
    print(json.dumps({"measure": measure, "value": value, "unit": unit, "peer": peer,
                      "peer_value": peer_value, "goal": goal, "goal_of": goal_of, "note": note}),
          flush=True)


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(*words, check=True):
    return subprocess.run([str(w) for w in words], check=check, capture_output=True, text=True)


def bench(home, gateway, *options, inside=()):
    """`mutirao bench net` for one measurement: its facts."""
    done = subprocess.run([*inside, binary(), "bench", "net", "--json", "--gateway", gateway,
                           *map(str, options)], capture_output=True, text=True, timeout=900,
                          env={**os.environ, "MUTIRAO_HOME": str(home)}, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"bench net {options}: {done.stderr.strip()}")
    return json.loads(done.stdout)["measures"]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


# Unshaped: everything on this machine.

def measure_local(quick):
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder, Network(folder) as network:
        network.up("--nodes", 8)
        nodes = network.run("status")["nodes"]
        gateway = next(n for n in nodes if n["role"] == "gateway")
        storage = [n for n in nodes if n["role"] == "storage"]

        def ask(*options):
            return bench(folder, gateway["endpoint"], *options)[1]

        say("unshaped: warming up")
        ask("--what", "latency", "--count", 60)
        ask("--what", "write", "--size", 2 * BLOCK)
        before = {n["pid"]: cpu_seconds(n["pid"]) for n in nodes}
        say("unshaped: writing")
        size = (2 if quick else 16) * BLOCK
        writes = [ask("--what", "write", "--size", size) for _ in range(1 if quick else 3)]
        spent = {n["pid"]: cpu_seconds(n["pid"]) - before[n["pid"]] for n in nodes}
        gigabytes = sum(w["bytes"] for w in writes) / 1e9
        row("one gateway, 8 nodes, unshaped", max(w["mb_per_second"] for w in writes), "MB/s",
            goal=120, goal_of="value at least",
            note="user data; best of " + ", ".join(f"{w['mb_per_second']:.0f}" for w in writes))
        of_gateway = spent[gateway["pid"]] / gigabytes
        of_nodes = sum(spent[n["pid"]] for n in storage) / gigabytes
        row("CPU of the gateway a GB", of_gateway, "CPU-s/GB", goal=4, goal_of="value at most",
            note="user data, n = 3072")
        row("CPU of gateway and nodes a GB", of_gateway + of_nodes, "CPU-s/GB", goal=12,
            goal_of="value at most", note=f"{of_gateway:.1f} gateway, {of_nodes:.1f} eight nodes")

        say("unshaped: certificates for 1 MiB")
        latency = ask("--what", "latency", "--count", 20 if quick else 300)
        row("certificate for 1 MiB in hand, p50", latency["p50_ms"], "ms", goal=25,
            goal_of="value at most", note="8 nodes; all checks and syncs done; ledger apart")
        row("certificate for 1 MiB in hand, p99", latency["p99_ms"], "ms", goal=100,
            goal_of="value at most")
        say("unshaped: small objects")
        small = ask("--what", "small", "--count", 1000 if quick else 20000)
        row("1 KiB objects, packed", small["objects_per_second"], "objects/s", goal=2000,
            goal_of="value at least", note="each with a key of its own; 64 at a time")

        say("unshaped: reading")
        ask("--what", "write", "--size", 4 * BLOCK)
        ask("--what", "read", "--count", 1)
        reads = ask("--what", "read", "--count", 1 if quick else 4)
        row("read 32 MiB blocks, all nodes up", reads["mb_per_second"], "MB/s", goal=300,
            goal_of="value at least", note=f"checked and decrypted; p50 {reads['p50_ms']:.0f} ms")
        memory = max(peak_memory(n["pid"]) for n in storage)
        row("memory of a storage node, peak", memory / 1e6, "MB", goal=200,
            goal_of="value at most")
        for node in storage[:3]:
            os.kill(node["pid"], signal.SIGKILL)
        ask("--what", "read", "--count", 1)
        reads = ask("--what", "read", "--count", 1 if quick else 4)
        row("read 32 MiB blocks, 3 of 8 nodes dead", reads["mb_per_second"], "MB/s", goal=120,
            goal_of="value at least", note=f"decoded; p50 {reads['p50_ms']:.0f} ms")


# Shaped: every node in a namespace of its own, behind a link of 35 MB/s.

class Shaped:
    def __init__(self, nodes):
        self.names = [f"{PREFIX}-hub", f"{PREFIX}-gw"] + [f"{PREFIX}-n{i}" for i in range(nodes)]
        self.hosts = {name: f"10.77.0.{i}" for i, name in enumerate(self.names[1:], 1)}

    def __enter__(self):
        self.remove()
        hub = self.names[0]
        for name in self.names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", hub, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", hub, "link", "set", "br0", "up")
        for i, name in enumerate(self.names[1:]):
            run("ip", "link", "add", f"mb{i}", "netns", hub, "type", "veth", "peer", "name",
                "eth0", "netns", name)
            run("ip", "-n", hub, "link", "set", f"mb{i}", "master", "br0", "up")
            run("ip", "-n", name, "addr", "add", f"{self.hosts[name]}/24", "dev", "eth0")
            run("ip", "-n", name, "link", "set", "eth0", "up")
            if i > 0:  # towards the node; headers of 66 bytes a 1448 of payload are not counted
                rate = int(8 * LINK * (1448 + 66) / 1448)
                run("tc", "-n", hub, "qdisc", "add", "dev", f"mb{i}", "root", "tbf", "rate",
                    f"{rate}bit", "burst", "256kb", "latency", "60ms")
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        for name in self.names:
            run("ip", "netns", "del", name, check=False)

    def inside(self, name):
        return ["ip", "netns", "exec", name]

    def raw_rate(self, name, seconds):
        """Bytes a second of one plain TCP stream to a node."""
        host = self.hosts[name]
        receive = ("import socket,time;s=socket.socket();s.bind(('%s',9000));s.listen();print('up',"
                   "flush=True);c=s.accept()[0];n=0;t=0\n"
                   "while True:\n b=c.recv(1<<20)\n if not b: break\n"
                   " t=t or time.time(); n+=len(b); e=time.time()\n"
                   "print(n/(e-t))" % host)
        send = ("import socket,time;c=socket.create_connection(('%s',9000));b=bytes(1<<20)\n"
                "e=time.time()+%f\nwhile time.time()<e: c.sendall(b)" % (host, seconds))
        with subprocess.Popen([*self.inside(name), sys.executable, "-c", receive],
                              stdout=subprocess.PIPE, text=True) as receiver:
            receiver.stdout.readline()
            subprocess.run([*self.inside(self.names[1]), sys.executable, "-c", send], check=True)
            return float(receiver.stdout.readline())


@contextlib.contextmanager
def shaped_network(folder, nodes, shape):
    """A network whose processes run in namespaces; gives the gateway's name."""
    network = Network(folder)
    network.up("--nodes", nodes)
    folders = [n["name"] for n in network.run("status")["nodes"]]
    network.down()
    processes = []

    def start(name, role, space, *options):
        data = next(pathlib.Path(folder).rglob(name))
        for stale in ("endpoint", "http"):
            (data / stale).unlink(missing_ok=True)
        log = open(data / "bench.log", "ab")
        processes.append(subprocess.Popen(
            [*shape.inside(space), binary(), "node", "--role", role, "--data", str(data),
             "--listen", shape.hosts[space] + ":0", *options], stdout=log, stderr=log))
        until = time.time() + 30
        while not (data / "endpoint").exists():
            if time.time() > until or processes[-1].poll() is not None:
                raise RuntimeError(f"{name} did not start: {(data / 'bench.log').read_text()}")
            time.sleep(0.02)
        return (data / "endpoint").read_text()

    try:
        gw = shape.names[1]
        ledger = start("ledger", "ledger", gw)
        for i in range(nodes):
            start(f"storage-{i + 1}", "storage", shape.names[2 + i], "--join", ledger)
        gateway = next(name for name in folders if name.startswith("gateway"))
        yield start(gateway, "gateway", gw, "--join", ledger, "--allow-measuring")
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def fit(points):
    """r2 of the line through the points by least squares."""
    n = len(points)
    mx = sum(x for x, _ in points) / n
    my = sum(y for _, y in points) / n
    sxy = sum((x - mx) * (y - my) for x, y in points)
    sxx = sum((x - mx) ** 2 for x, _ in points)
    syy = sum((y - my) ** 2 for _, y in points)
    return sxy * sxy / (sxx * syy) if sxx and syy else 1.0


def measure_shaped(quick):
    counts = [1, 2] if quick else [1, 2, 4, 8]
    points = []
    for nodes in counts:
        with Shaped(nodes) as shape, tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
            raw = shape.raw_rate(shape.names[2], 1 if quick else 3)
            with shaped_network(folder, nodes, shape) as gateway:
                say(f"shaped: {nodes} nodes at {raw / 1e6:.1f} MB/s each")
                inside = shape.inside(shape.names[1])
                bench(folder, gateway, "--what", "write", "--size", 4 * MIB, inside=inside)
                blocks = max(1, nodes // 2) if quick else max(6, 6 * nodes)
                wrote = bench(folder, gateway, "--what", "write", "--size", blocks * BLOCK,
                              inside=inside)[1]
                time.sleep(1)
                stored = sum(f.stat().st_size for f in pathlib.Path(folder).rglob("*.seg"))
        rate = wrote["mb_per_second"]
        points.append((nodes, rate))
        ideal = nodes * raw / RATE / 1e6
        row(f"aggregate write, N = {nodes}", rate, "MB/s", "ideal line", ideal, 0.95,
            "ratio at least",
            f"user data; {rate * RATE:.0f} MB/s of fragments; {stored / 1e6:.0f} MB on the nodes "
            f"for {(wrote['bytes'] + 4 * MIB) * RATE / 1e6:.0f} MB of fragments")
    if len(points) > 2:
        row("linear fit of aggregate write, r2", fit(points), "", goal=0.99,
            goal_of="value at least")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["local", "shaped"])
    options = parser.parse_args()
    if options.only != "shaped":
        measure_local(options.quick)
    if options.only != "local":
        if os.geteuid() == 0 and run("ip", "netns", "list", check=False).returncode == 0:
            measure_shaped(options.quick)
        else:
            row("aggregate write, N = 1", None, "MB/s", "ideal line", None, 0.95, "ratio at least",
                "not measured: network namespaces need root")


if __name__ == "__main__":
    main()

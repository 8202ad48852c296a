"""Writes ring.txt: owners of arcs as docs/reference/hot-tier.md describes them, computed here from
that description alone.  Run:  python3 vectors/hot/generate_ring.py"""
import pathlib

MASK = (1 << 64) - 1
ARCS = 4096


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def seed_of(address):
    seed = 0
    for byte in address:
        seed = mix(seed ^ byte)
    return seed


def owners(members):
    total = sum(weight for _, weight in members)
    room = [-(-5 * ARCS * weight // (4 * total)) for _, weight in members]
    seeds = [seed_of(address) for address, _ in members]
    out = []
    for arc in range(ARCS):
        scores = [(max(mix(seed ^ mix(ticket << 32 | arc)) for ticket in range(weight)), -i)
                  for i, (seed, (_, weight)) in enumerate(zip(seeds, members)) if room[i]]
        winner = -max(scores)[1]
        room[winner] -= 1
        out.append(winner)
    return out


def member(number, weight):
    return bytes(mix(number * 32 + i) & 255 for i in range(20)), weight


CASES = {
    "one": [member(1, 1)],
    "three": [member(i, 1) for i in range(3)],
    "eight": [member(i, 1) for i in range(8)],
    "weights": [member(i, 1 + i * i % 7) for i in range(10)],
    "one_giant": [member(i, 64 if i == 3 else 1) for i in range(6)],
}

lines = []
for name, members in CASES.items():
    members.sort()
    lines.append(f"case {name}")
    lines += [f"member {address.hex()} {weight}" for address, weight in members]
    lines.append("owners " + " ".join(map(str, owners(members))))
pathlib.Path(__file__).with_name("ring.txt").write_text("\n".join(lines) + "\n")

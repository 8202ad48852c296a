"""Writes placement.txt: slot owners as docs/reference/placement.md describes them, computed here from
that description alone.  Run:  python3 vectors/placement/generate_placement.py"""
import pathlib

MASK = (1 << 64) - 1
SLOTS = 256
LN2 = 0xB17217F7D1CF79AB


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


def log2_entry(i):
    """floor(2^32 * log2(1 + i/4096)), one bit at a time, on 1.63 fixed point."""
    if i == 4096:
        return 1 << 32
    mantissa, fraction = (1 << 63) + (i << 51), 0
    for bit in range(31, -1, -1):
        square = mantissa * mantissa
        if square >> 127:
            fraction |= 1 << bit
            mantissa = square >> 64
        else:
            mantissa = square >> 63
    return fraction


TABLE = [log2_entry(i) for i in range(4097)]


def negative_log(x):
    exponent = x.bit_length() - 1
    mantissa = (x << (63 - exponent) << 1) & MASK
    index = mantissa >> 52
    rest = ((mantissa << 12) & MASK) >> 32
    low = TABLE[index]
    fraction = low + ((TABLE[index + 1] - low) * rest >> 32)
    return ((64 << 32) - ((exponent << 32) + fraction)) * LN2 >> 64


def owners(members, group):
    total = sum(weight for _, weight, _ in members)
    caps = [-(-11 * SLOTS * weight // (10 * total)) for _, weight, _ in members]
    domains = [domain or f"alone {i}" for i, (_, _, domain) in enumerate(members)]
    seeds = [seed_of(address) for address, _, _ in members]
    held, in_domain, out = [0] * len(members), {}, []
    for slot in range(SLOTS):
        scores = [(negative_log(max(1, mix(seeds[i] ^ mix(group << 8 | slot)))) << 32) // weight
                  for i, (_, weight, _) in enumerate(members)]
        free = [i for i in range(len(members)) if held[i] < caps[i]]
        calm = [i for i in free if in_domain.get(domains[i], 0) < SLOTS // 3]
        best = min(calm or free, key=lambda i: (scores[i], i))
        held[best] += 1
        in_domain[domains[best]] = in_domain.get(domains[best], 0) + 1
        out.append(best)
    return out


def address(number):
    return b"".join(mix(number * 3 + i).to_bytes(8, "big") for i in range(3))[:20]


def case(name, shape):
    members = sorted((address(i), weight, domain) for i, (weight, domain) in enumerate(shape))
    lines = [f"case {name}"]
    lines += [f"member {a.hex()} {weight} {domain or '-'}" for a, weight, domain in members]
    lines += [f"group {g} " + " ".join(map(str, owners(members, g))) for g in (0, 7, 255)]
    return lines


CASES = [
    case("one", [(1, "")]),
    case("eight-equal", [(1, "")] * 8),
    case("five-weighted", [(1, ""), (2, ""), (3, ""), (50, ""), (7, "")]),
    case("three-zones", [(1, f"zone-{i % 3}") for i in range(12)]),
    case("one-large-zone", [(5, "big")] * 6 + [(1, "small"), (1, ""), (2, "small")]),
    case("two-zones", [(1, "a")] * 4 + [(1, "b")] * 2),
]

if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("placement.txt")
    path.write_text("\n".join(line for lines in CASES for line in lines) + "\n")

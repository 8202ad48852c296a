"""Writes state.txt: roots, headers and proofs of state as docs/reference/state.md describes them,
computed here from that description and BLAKE3's specification alone.
Run:  python3 vectors/ledger/generate_state.py"""
import pathlib
import struct

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
MASK = 0xFFFFFFFF
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED, CONTEXT, MATERIAL = (1 << i for i in range(7))


def mix(v, a, b, c, d, x, y):
    for word, far, near in ((x, 16, 12), (y, 8, 7)):
        v[a] = (v[a] + v[b] + word) & MASK
        v[d] ^= v[a]
        v[d] = (v[d] >> far | v[d] << (32 - far)) & MASK
        v[c] = (v[c] + v[d]) & MASK
        v[b] ^= v[c]
        v[b] = (v[b] >> near | v[b] << (32 - near)) & MASK


def compress(chaining, block, counter, size, flags):
    m = list(struct.unpack("<16I", block.ljust(64, b"\0")))
    v = list(chaining) + list(IV[:4]) + [counter & MASK, counter >> 32, size, flags]
    for _ in range(7):
        for i in range(4):
            mix(v, i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1])
        for i in range(4):
            mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i])
        m = [m[i] for i in ORDER]
    return tuple(v[i] ^ v[i + 8] for i in range(8))


def blake3(key, flags, data, counter=0, root=ROOT):
    if len(data) <= 1024:
        blocks = [data[i:i + 64] for i in range(0, len(data), 64)] or [b""]
        value = key
        for i, block in enumerate(blocks):
            last = i + 1 == len(blocks)
            value = compress(value, block, counter, len(block), flags | (CHUNK_START if i == 0 else 0)
                             | (CHUNK_END | root if last else 0))
        return value
    left = 1024
    while 2 * left < len(data):
        left *= 2
    pair = blake3(key, flags, data[:left], counter, 0) + \
        blake3(key, flags, data[left:], counter + left // 1024, 0)
    return compress(key, struct.pack("<16I", *pair), 0, 64, flags | PARENT | root)


def keyed(purpose, data):
    context = blake3(IV, CONTEXT, b"mutirao v1 " + purpose.encode())
    return struct.pack("<8I", *blake3(blake3(context, MATERIAL, b""), KEYED, data))


def whole(row):
    return row + bytes(-len(row) % 64)


def value_digest(value):
    return keyed("state-value", whole(struct.pack("<I", len(value)) + value))


ZERO = bytes(32)


def levels_of(leaves, purpose):
    levels = [leaves]
    while len(levels[-1]) > 1:
        level = levels[-1] + [ZERO] * (len(levels[-1]) % 2)
        levels.append([keyed(purpose, level[i] + level[i + 1]) for i in range(0, len(level), 2)])
    return levels


class State:
    def __init__(self):
        self.records, self.slots, self.count = {}, {}, 1

    def apply(self, changes):
        for key in sorted(changes):
            if changes[key] is None and self.records.pop(key, None) is not None:
                del self.slots[key]
        for key in sorted(changes):
            if changes[key] is not None:
                if key not in self.slots:
                    taken = set(self.slots.values())
                    self.slots[key] = next(i for i in range(1, 1 << 32) if i not in taken)
                self.records[key] = changes[key]
        self.count = max([self.count] + [slot + 1 for slot in self.slots.values()])
        keys = [b""] + sorted(self.records)
        leaves = [ZERO] * self.count
        for key, after in zip(keys, keys[1:] + [b""]):
            slot = self.slots.get(key, 0)
            leaves[slot] = keyed("state-leaf", whole(
                struct.pack("<Q", slot) + value_digest(self.records.get(key, b"")) +
                struct.pack("<H", len(key)) + key + struct.pack("<H", len(after)) + after))
        self.levels = levels_of(leaves, "state-node")
        self.root = keyed("state-root", self.levels[-1][0] + struct.pack("<Q", self.count))

    def proof(self, key):
        keys = [b""] + sorted(self.records)
        below = max(k for k in keys if k <= key)
        after = min((k for k in keys if k > below), default=b"")
        slot = self.slots.get(below, 0)
        blob = lambda data: struct.pack("<I", len(data)) + data
        out = struct.pack("<BQQ", below == key, self.count, slot)
        if below == key:
            out += blob(self.records[key])
        else:
            out += blob(below) + value_digest(self.records.get(below, b""))
        out += blob(after)
        for level in self.levels[:-1]:
            out += level[slot ^ 1] if slot ^ 1 < len(level) else b""
            slot //= 2
        return out


def history_root(entries):
    blob = lambda data: struct.pack("<I", len(data)) + data
    leaves = [keyed("history-entry", whole(blob(key) + blob(value))) for key, value in entries]
    top = levels_of(leaves, "history-node")[-1][0] if leaves else ZERO
    return keyed("history-root", top + struct.pack("<Q", len(entries)))


def key(number):
    return b"k/" + bytes((number * 37 + i * 11) % 251 for i in range(1 + number % 5))


BLOCKS = [
    {key(i): bytes([i]) * i for i in range(20)},
    {key(3): None, key(7): None, key(8): b"other", b"long": bytes(1500)},
    {key(30): b"new", key(31): b"newer", key(32): b"", key(7): b"again"},
    {},
]

state, previous, lines = State(), ZERO, []
for height, changes in enumerate(BLOCKS):
    state.apply(changes)
    lines.append(f"block {height}")
    for k in sorted(changes):
        lines.append(f"set {k.hex()} {changes[k].hex() or '-'}" if changes[k] is not None
                     else f"remove {k.hex()}")
    entries = [(b"v/" + struct.pack(">Q", i), bytes([i]) * 90 * i) for i in range(height * 3)]
    for k, value in entries:
        lines.append(f"entry {k.hex()} {value.hex() or '-'}")
    history = history_root(entries)
    header = state.root + history + struct.pack("<QQ", height, 1000 + height) + previous
    previous = keyed("state", header)
    lines += [f"root {state.root.hex()}", f"header {header.hex()}", f"hash {previous.hex()}"]
    for k in (key(7), key(8), key(0), b"a", b"z", b"long"):
        lines.append(f"proof {k.hex()} {state.proof(k).hex()}")
pathlib.Path(__file__).with_name("state.txt").write_text("\n".join(lines) + "\n")

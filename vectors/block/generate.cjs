// Writes the golden vectors of the block format, from the specification (docs/reference/coding.md
// and block-format.md) and by other means than the C++ code uses: parity by Lagrange interpolation,
// BLAKE3 and BLS12-381 by the @noble npm packages, the commitment over the powers of tau.
// Usage: node generate.cjs DEPS [FILE]     writes to FILE, or to the terminal
//        node generate.cjs DEPS --check FILE     fails unless FILE is what would be written
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const deps = path.resolve(process.argv[2]);
const from_deps = createRequire(path.join(deps, 'package.json'));
const { blake3 } = from_deps('@noble/hashes/blake3');
const { bls12_381 } = from_deps('@noble/curves/bls12-381');
const Point = bls12_381.G1.ProjectivePoint;
const ORDER = bls12_381.fields.Fr.ORDER;
const SLOTS = 256;
const TAU_FILE = path.join(deps, 'node_modules/c-kzg/deps/c-kzg/trusted_setup.txt');

// The tower field.
function mul8(a, b) {
    let product = 0;
    for (let bit = 0; bit < 8; ++bit) {
        if (b >> bit & 1) product ^= a << bit;
    }
    for (let bit = 14; bit >= 8; --bit) {
        if (product >> bit & 1) product ^= 0x11b << (bit - 8);
    }
    return product;
}
function slow_mul(a, b) {
    // (a0 + a1 x)(b0 + b1 x) with x^2 = x + 0x20
    const high = mul8(a >> 8, b >> 8);
    const low = mul8(a & 255, b & 255) ^ mul8(high, 0x20);
    return (mul8(a & 255, b >> 8) ^ mul8(a >> 8, b & 255) ^ high) << 8 | low;
}
// Logarithms to the first element of full order.
const EXP = new Uint16Array(2 * 65535), LOG = new Uint16Array(65536);
for (let generator = 2; ; ++generator) {
    let value = 1, order = 0;
    do {
        EXP[order] = EXP[order + 65535] = value;
        LOG[value] = order++;
        value = slow_mul(value, generator);
    } while (value !== 1);
    if (order === 65535) break;
}
const mul = (a, b) => a === 0 || b === 0 ? 0 : EXP[LOG[a] + LOG[b]];
const invert = (a) => EXP[65535 - LOG[a]];

const BASIS = [1];
while (BASIS.length < 16) {
    for (let y = 0; ; ++y) {
        if ((slow_mul(y, y) ^ y) === BASIS[BASIS.length - 1]) { BASIS.push(y); break; }
    }
}
const point = (i) => BASIS.reduce((w, v, j) => i >> j & 1 ? w ^ v : w, 0);

// Elements of a row: 128-byte groups of 64 low bytes and then 64 high bytes.
function elements(row) {
    const out = new Uint16Array(row.length / 2);
    for (let i = 0; i < out.length; ++i) {
        const at = Math.floor(i / 64) * 128 + i % 64;
        out[i] = row[at] | row[at + 64] << 8;
    }
    return out;
}
function row_of(values) {
    const row = Buffer.alloc(values.length * 2);
    values.forEach((value, i) => {
        const at = Math.floor(i / 64) * 128 + i % 64;
        row[at] = value & 255;
        row[at + 64] = value >> 8;
    });
    return row;
}

// Value at point(index) of the polynomial of degree < k through the data rows: the sum over i of
// data_i * prod_{j != i} (w - w_j) / (w_i - w_j). Rows of zeros add nothing and are left out.
const product = (values) => values.reduce(mul, 1);
function parity_rows(data, n) {
    const k = data.length;
    const points = data.map((_, i) => point(i));
    const filled = points.map((_, i) => i).filter((i) => data[i].some((value) => value !== 0));
    const bottoms = new Map(filled.map((i) =>
        [i, product(points.filter((_, j) => j !== i).map((v) => points[i] ^ v))]));
    const rows = [];
    for (let index = k; index < n; ++index) {
        const at = point(index);
        const top = product(points.map((w) => at ^ w));
        const out = new Uint16Array(data[0].length);
        for (const i of filled) {
            const weight = mul(top, invert(mul(at ^ points[i], bottoms.get(i))));
            for (let x = 0; x < out.length; ++x) out[x] ^= mul(weight, data[i][x]);
        }
        rows.push(row_of(out));
    }
    return rows;
}

const le = (value, bytes) => {
    const out = Buffer.alloc(bytes);
    for (let i = 0, v = BigInt(value); i < bytes; ++i, v >>= 8n) out[i] = Number(v & 255n);
    return out;
};
const key = (purpose) => blake3(new Uint8Array(0), { context: 'mutirao v1 ' + purpose });
const keyed = (purpose, ...parts) =>
    Buffer.from(blake3(Buffer.concat(parts), { key: key(purpose) }));

function power(base, exponent) {
    let out = 1n;
    for (base %= ORDER; exponent > 0n; exponent >>= 1n, base = base * base % ORDER) {
        if (exponent & 1n) out = out * base % ORDER;
    }
    return out;
}

const lines = fs.readFileSync(TAU_FILE, 'ascii').split(/\s+/);
const first_power = 2 + Number(lines[0]) + Number(lines[1]);
const POWERS = lines.slice(first_power, first_power + SLOTS).map((hex) => Point.fromHex(hex));

// Of the polynomial through the values at the roots of unity, the constant first.
function coefficients(scalars) {
    const root = power(7n, (ORDER - 1n) / BigInt(SLOTS));
    const unroot = power(root, ORDER - 2n), share = power(BigInt(SLOTS), ORDER - 2n);
    return range(SLOTS).map((i) => {
        let coefficient = 0n, step = power(unroot, BigInt(i)), x = 1n;
        for (let s = 0; s < SLOTS; ++s, x = x * step % ORDER) coefficient += scalars[s] * x;
        return coefficient * share % ORDER;
    });
}
// The polynomial at tau, in G1.
function commit(polynomial) {
    const sum = polynomial.reduce((sum, coefficient, i) =>
        coefficient === 0n ? sum : sum.add(POWERS[i].multiplyUnsafe(coefficient)), Point.ZERO);
    return Buffer.from(sum.toRawBytes(true));
}
// Division by (X - z): what is left over is the value at z.
function divide(polynomial, z) {
    const quotient = [];
    let left = 0n;
    for (const coefficient of [...polynomial].reverse()) {
        quotient.unshift(left);
        left = (left * z + coefficient) % ORDER;
    }
    return { quotient: quotient.slice(0, -1), value: left };
}
const number = (bytes) => BigInt('0x' + Buffer.from(bytes).reverse().toString('hex'));

const xof = (purpose, input, size) =>
    Buffer.from(blake3(input, { key: key(purpose), dkLen: size }));
const range = (count) => Array.from({ length: count }, (_, i) => i);

// All levels of the tree over the rows' digests, the digests first.
function row_tree(digests) {
    const levels = [digests];
    for (let below = digests; below.length > 1; below = levels[levels.length - 1]) {
        levels.push(range(below.length / 2).map((i) =>
            keyed('rows', below[2 * i], below[2 * i + 1])));
    }
    return levels;
}
function multiproof(levels, rows) {
    const proof = [];
    let known = new Set(rows);
    for (const level of levels.slice(0, -1)) {
        for (const node of [...known].sort((a, b) => a - b)) {
            if (!known.has(node ^ 1)) proof.push(level[node ^ 1]);
        }
        known = new Set([...known].map((node) => node >> 1));
    }
    return proof;
}

function permutation(seed, n) {
    const words = xof('permutation', seed, 8 * n);
    const p = range(n);
    let at = 0;
    for (let i = n - 1; i >= 1; --i) {
        let w;
        do {
            w = words.readUInt32LE(at);
            at += 4;
        } while (w >= Math.floor(2 ** 32 / (i + 1)) * (i + 1));
        const j = w % (i + 1);
        [p[i], p[j]] = [p[j], p[i]];
    }
    return p;
}

// `junk`: a row whose first byte the disperser changes before it states the block, or -1.
function vector(name, length, { version = 1, junk = -1 } = {}) {
    const content = Buffer.from(Array.from({ length }, (_, i) => (i * i + 7 * i + (i >> 8)) & 255));
    const k = version === 1 ? 256 : 4096, n = version === 1 ? 3 * k : 4 * k;
    const row_size = Math.max(1, Math.ceil(length / (k * 128))) * 128;
    const key_commitment = Buffer.alloc(32, 0xc0), extra = Buffer.alloc(32, 0xee);
    const header = Buffer.concat([le(version, 2), le(k, 4), le(n, 4), le(SLOTS, 4),
        le(row_size, 4), le(length, 8), le(1, 1), key_commitment, extra]);

    const padded = Buffer.concat([content, Buffer.alloc(k * row_size - length)]);
    const rows = range(k).map((i) => padded.subarray(i * row_size, (i + 1) * row_size));
    rows.push(...parity_rows(rows.map(elements), n));
    if (junk >= 0) rows[junk][0] ^= 1;

    const digests = rows.map((row) => keyed('row', row));
    const folds_under = (seed) => {
        const challenge = xof('fold', seed, 8 * row_size);
        const pseudo_rows = range(8).map((g) =>
            elements(challenge.subarray(g * row_size, (g + 1) * row_size)));
        const fold = (row) => pseudo_rows.map((h) =>
            le(row.reduce((sum, value, j) => sum ^ mul(value, h[j]), 0), 2));
        return Buffer.concat(rows.slice(0, k).map(elements).flatMap(fold));
    };
    let order = range(n), tree = [], rows_root = Buffer.alloc(0), folds;
    if (version === 2) {
        tree = row_tree(digests);
        rows_root = tree[tree.length - 1][0];
        const seed = keyed('seed', header, rows_root);
        folds = folds_under(seed);
        order = permutation(Buffer.concat([seed, keyed('z', folds)]), n);
    }
    const rows_of = (slot) => order.filter((_, place) => place % SLOTS === slot);
    const digests_of = (slot) => rows_of(slot).map((row) => digests[row]);
    const leaves = range(SLOTS).map((slot) => keyed('slot', le(slot, 4), ...digests_of(slot)));
    const root = keyed('vec', header, rows_root, ...leaves);
    const polynomial = coefficients(leaves.map((leaf) => number(leaf) & (1n << 254n) - 1n));
    const commitment = commit(polynomial);

    folds ??= folds_under(Buffer.concat([header, root]));
    const id = keyed('id', header, root, commitment, keyed('z', folds));
    const header_digest = keyed('header', header);
    const z = number(keyed('commitment challenge', id).subarray(0, 16));
    const { quotient, value } = divide(polynomial, z);
    const signed = Buffer.concat([Buffer.from('mutirao v1 avail'), le(8021, 8), le(3, 8), id,
        header_digest, commitment, le(length, 8), le(value, 32)]);

    const facts = { header, header_digest, last_row: rows[n - 1], root, commitment,
        first_folds: folds.subarray(0, 32), id, opening: commit(quotient), signed };
    if (version === 2) {
        facts.rows_root = rows_root;
        facts.order_digest = blake3(Buffer.concat(order.map((row) => le(row, 4))));
        facts.share_proof_digest = blake3(Buffer.concat(
            multiproof(tree, [...rows_of(3), ...rows_of(200)])));
    }
    if (junk >= 0) {
        const slot = order.indexOf(junk) % SLOTS;
        facts.fraud_proof_digest = blake3(Buffer.concat([le(1, 2), header, rows_root, ...leaves,
            commitment, folds, le(junk, 4), ...digests_of(slot), rows[junk]]));
    }
    return [`block ${name} ${length} ${version} ${junk}`, ...Object.entries(facts).map(
        ([fact, bytes]) => `${fact} ${Buffer.from(bytes).toString('hex')}`)];
}

const text = [
    '# Written by generate.cjs. content[i] = (i*i + 7*i + floor(i / 256)) mod 256; cipher 1; key',
    '# commitment of 32 bytes c0; extra of 32 bytes ee; signed for chain 8021 in epoch 3. Each block:',
    '# name, length, version, row whose first byte has bit 0 flipped before it is stated or -1.',
    ...vector('empty', 0), ...vector('one_group', 20000), ...vector('two_groups', 40001),
    ...vector('junk_row', 300, { junk: 700 }),
    ...vector('sampled_empty', 0, { version: 2 }), ...vector('sampled', 5000, { version: 2 }),
    ...vector('sampled_junk_row', 300, { version: 2, junk: 12345 }),
].join('\n') + '\n';
const [, , , option, file] = process.argv;
if (option === '--check') {
    if (fs.readFileSync(file, 'utf8') !== text) {
        console.error(`${file} is not what generate.cjs writes`);
        process.exit(1);
    }
    console.log(`${file} is what generate.cjs writes`);
} else if (option) {
    fs.writeFileSync(option, text);
} else {
    process.stdout.write(text);
}

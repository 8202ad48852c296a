// Writes transactions.json: transactions encoded and signed by ethers, an outside implementation.
// Run from anywhere after scripts/bootstrap:  node vectors/ledger/generate_transactions.mjs
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
const require = createRequire(new URL("../../build/deps/package.json", import.meta.url));
const { Wallet, Transaction, id, version } = require("ethers");

const keys = [1, 2, 3].map((n) => new Wallet(id(`mutirao vector key ${n}`)));
const to = keys[2].address;
const max128 = (1n << 128n) - 1n;
const key32 = (n) => "0x" + n.toString(16).padStart(64, "0");

const base = {
  type: 2, chainId: 8021n, nonce: 0, maxPriorityFeePerGas: 1n, maxFeePerGas: 2_000_000_000n,
  gasLimit: 21_000n, to, value: 1n, data: "0x", accessList: [],
};
const bodies = [base];
const vary = (changes) => bodies.push({ ...base, ...changes });

for (const chainId of [1n, 127n, 128n, 8021n, 11155111n, (1n << 53n) - 1n]) vary({ chainId });
for (const nonce of [1, 127, 128, 255, 256, 65535, 1_000_000]) vary({ nonce });
for (const value of [0n, 127n, 128n, 10n ** 18n, (1n << 64n) - 1n, 1n << 64n, max128]) vary({ value });
vary({ maxPriorityFeePerGas: 0n, maxFeePerGas: 0n });
vary({ maxPriorityFeePerGas: 10n ** 12n, maxFeePerGas: 10n ** 12n, gasLimit: 30_000_000n });
// Data of the sizes where RLP changes its length form.
for (const size of [1, 2, 54, 55, 56, 57, 255, 256, 1024])
  vary({ data: "0x" + Array.from({ length: size }, (_, i) => ((i * 7 + size) & 255).toString(16).padStart(2, "0")).join("") });
for (const byte of ["00", "7f", "80", "ff"]) vary({ data: "0x" + byte });
vary({ to: "0x00000000000000000000000000000000006d7501" });
vary({ accessList: [{ address: to, storageKeys: [] }] });
vary({ accessList: [{ address: to, storageKeys: [key32(0n), key32(1n)] }, { address: keys[0].address, storageKeys: [key32(max128)] }] });

// The other types: EIP-155 and EIP-2930, with one gas price.
const { maxPriorityFeePerGas, maxFeePerGas, accessList, ...priced } = base;
priced.gasPrice = 2_000_000_000n;
const some = { to, data: "0x" + "5a".repeat(60), value: 10n ** 18n };
for (const chainId of [1n, 46n, 47n, 127n, 8021n, (1n << 53n) - 1n]) {
  bodies.push({ ...priced, type: 0, chainId }, { ...priced, type: 1, chainId, accessList: [] });
}
bodies.push({ ...priced, ...some, type: 0, nonce: 300 }, { ...priced, ...some, type: 1, nonce: 300,
  accessList: [{ address: to, storageKeys: [key32(0n), key32(max128)] }, { address: keys[0].address, storageKeys: [] }] });

async function sign(wallet, body) {
  const tx = Transaction.from(body);
  tx.signature = wallet.signingKey.sign(tx.unsignedHash);
  return tx;
}
const text = (body) => JSON.parse(JSON.stringify(body, (_, v) => (typeof v === "bigint" ? v.toString() : v)));
const vector = (wallet, body, tx) => ({
  key: wallet.privateKey, from: wallet.address, body: text(body),
  signing_hash: tx.unsignedHash, hash: tx.hash, raw: tx.serialized,
  y_parity: tx.signature.yParity, r: tx.signature.r, s: tx.signature.s,
});

const transactions = [];
for (const [i, body] of bodies.entries()) {
  const wallet = keys[i % 2];
  transactions.push(vector(wallet, body, await sign(wallet, body)));
}
// r and s with leading zero bytes, which RLP writes shorter.
for (const part of ["r", "s"])
  for (let nonce = 2_000_000; ; nonce++) {
    const body = { ...base, nonce };
    const tx = await sign(keys[0], body);
    if (!tx.signature[part].startsWith("0x00")) continue;
    transactions.push(vector(keys[0], body, tx));
    break;
  }

const blob = { ...base, type: 3, maxFeePerBlobGas: 1n, blobVersionedHashes: ["0x01" + "00".repeat(31)] };
const delegation = { address: to, nonce: 0n, chainId: 8021n, signature: keys[0].signingKey.sign(id("any")) };
const refused = [
  ["legacy without a chain id", "invalid_argument", { ...priced, type: 0, chainId: 0n }],
  ["blob (type 3)", "unimplemented", blob],
  ["delegation (type 4)", "unimplemented", { ...base, type: 4, authorizationList: [delegation] }],
  ["contract creation", "unimplemented", { ...base, to: null, data: "0x60006000fd" }],
  ["legacy contract creation", "unimplemented", { ...priced, type: 0, to: null, data: "0x60006000fd" }],
  ["value of 2^128", "corrupt", { ...base, value: max128 + 1n }],
  ["fee of 2^128", "corrupt", { ...base, maxFeePerGas: max128 + 1n }],
];
const refusals = [];
for (const [name, kind, body] of refused)
  refusals.push({ name, kind, raw: (await sign(keys[0], body)).serialized });

writeFileSync(new URL("transactions.json", import.meta.url),
  JSON.stringify({ source: `ethers ${version}, generate_transactions.mjs`, transactions, refused: refusals }, null, 1) + "\n");
console.log(`${transactions.length} transactions, ${refusals.length} refused ones`);

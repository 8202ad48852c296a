// Signs what cometbft.py sends. Accounts are made from a seed: `sign_many.mjs SEED ACCOUNTS EACH FIRST
// END` prints, for those from FIRST to END, a line each: address, and the raw transfers of nonces 0 to
// EACH. `sign_many.mjs SEED ACCOUNTS fund` prints the founder's address and its transfers to all.
import { createRequire } from "node:module";
import { join } from "node:path";
const { SigningKey, Transaction, Wallet, id } =
  createRequire(join(process.env.WALLETS, "package.json"))("ethers");

const [seed, accounts, each, first, end] = process.argv.slice(2);
const key = (name) => new Wallet(id(`${seed} ${name}`));
const sign = (wallet, nonce, to, value) => {
  const tx = Transaction.from({ type: 2, chainId: 8021n, nonce, maxPriorityFeePerGas: 0n,
    maxFeePerGas: 2_000_000_000n, gasLimit: 21_000n, to, value, data: "0x" });
  tx.signature = wallet.signingKey.sign(tx.unsignedHash);
  return tx.serialized;
};
if (each === "fund") {
  const founder = key("founder");
  const out = [];
  for (let i = 0; i < Number(accounts); ++i)
    out.push(sign(founder, i, key(i).address, 10n ** 18n));
  console.log(JSON.stringify({ address: founder.address, raw: out }));
} else {
  for (let i = Number(first); i < Number(end); ++i) {
    const wallet = key(i);
    const raw = [];
    for (let nonce = 0; nonce < Number(each); ++nonce)
      raw.push(sign(wallet, nonce, "0x000000000000000000000000000000000000c0de", 1n));
    console.log(JSON.stringify({ address: wallet.address, raw }));
  }
}

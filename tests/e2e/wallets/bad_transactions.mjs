// Transactions that no ledger should take, signed by a key given as argument. Prints
// [{name, raw, words}]: what it is, and what the refusal must say.
import { Transaction, Wallet, encodeRlp, decodeRlp } from "ethers";

const wallet = new Wallet(process.argv[2]);
const nonce = Number(process.argv[3]);
const base = { type: 2, chainId: 8021n, nonce, maxPriorityFeePerGas: 0n, maxFeePerGas: 2_000_000_000n, gasLimit: 21_000n,
  to: wallet.address, value: 1n, data: "0x" };
const sign = (changes) => {
  const tx = Transaction.from({ ...base, ...changes });
  tx.signature = wallet.signingKey.sign(tx.unsignedHash);
  return tx.serialized;
};
const good = sign({});
const items = decodeRlp("0x" + good.slice(4));
const typed = (list) => "0x02" + encodeRlp(list).slice(2);
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const highS = [...items];
highS[9] = items[9] === "0x" ? "0x01" : "0x";
highS[11] = "0x" + (order - BigInt(items[11])).toString(16).padStart(64, "0");

const out = [];
const refuse = (name, raw, words) => out.push({ name, raw, words });
refuse("high s", typed(highS), "invalid sender");
refuse("zero signature", typed([...items.slice(0, 10), "0x", "0x"]), "invalid sender");
refuse("another chain", sign({ chainId: 1n }), "invalid chain id for signer");
refuse("no gas", sign({ gasLimit: 0n }), "intrinsic gas too low");
refuse("no fee", sign({ maxFeePerGas: 0n }), "max fee per gas less than block base fee");
refuse("more tip than fee", typed([...items.slice(0, 2), "0xb2d05e00", ...items.slice(3)]), "max priority fee per gas higher");
refuse("more than it has", sign({ value: 10n ** 30n }), "insufficient funds for gas * price + value");
refuse("gas for all money", sign({ gasLimit: (1n << 63n) }), "insufficient funds for gas * price + value");
refuse("a nonce far ahead", sign({ nonce: nonce + 1000 }), "nonce too high");
refuse("a used nonce", sign({ nonce: nonce - 1 }), "nonce too low");
refuse("contract creation", sign({ to: null, data: "0x6000" }), "contracts cannot be deployed");
refuse("1 MiB of calldata", sign({ data: "0x" + "5a".repeat(1 << 20), gasLimit: 30_000_000n }), "oversized data");
refuse("legacy without a chain", (() => {
  const tx = Transaction.from({ type: 0, nonce, gasPrice: 2_000_000_000n, gasLimit: 21_000n, to: wallet.address });
  tx.signature = wallet.signingKey.sign(tx.unsignedHash);
  return tx.serialized;
})(), "only replay-protected (EIP-155) transactions are taken");
refuse("one byte short", good.slice(0, -2), "invalid transaction");
refuse("one byte more", good + "00", "invalid transaction");
refuse("an item more", typed([...items, "0x01"]), "invalid transaction");
refuse("an item less", typed(items.slice(0, 11)), "invalid transaction");
refuse("a list where bytes were expected", typed([[], ...items.slice(1)]), "invalid transaction");
refuse("a number with leading zeros", typed(["0x001f55", ...items.slice(1)]), "invalid transaction");
refuse("parity 2", typed([...items.slice(0, 9), "0x02", ...items.slice(10)]), "invalid transaction");
refuse("a length of 2^64", "0x02ffffffffffffffffff", "invalid transaction");
refuse("a hundred nested lists", "0x02" + "c1".repeat(100) + "c0", "invalid transaction");
refuse("type 3", "0x03" + good.slice(4), "transaction type not supported");
refuse("type 4", "0x04" + good.slice(4), "transaction type not supported");
refuse("type 127", "0x7f" + good.slice(4), "transaction type not supported");
refuse("nothing", "0x", "a transaction has 1 to");
// What follows is good, in the order in which it may wait.
const gap = Array.from({ length: 5 }, (_, i) => sign({ nonce: nonce + 5 - i }));
// Offers for one nonce after a gap: 5 %, then 10 % more than the first.
const offers = [100n, 105n, 110n].map((percent) => sign({ nonce: nonce + 6, value: percent,
  maxFeePerGas: base.maxFeePerGas * percent / 100n }));
console.log(JSON.stringify({ refused: out, offers, gap, filler: good, hash: Transaction.from(gap[0]).hash }));

// Signs transfers of 1 gwei with the key given first, to the address given second: as many as the
// fourth argument says, beginning with the nonce given third. Prints [{hash, raw}].
import { Transaction, Wallet } from "ethers";

const [key, to, first, count] = process.argv.slice(2);
const wallet = new Wallet(key);
const out = [];
for (let nonce = Number(first); nonce < Number(first) + Number(count); ++nonce) {
  const tx = Transaction.from({ type: 2, chainId: 8021n, nonce, maxPriorityFeePerGas: 0n,
    maxFeePerGas: 2_000_000_000n, gasLimit: 21_000n, to, value: 1_000_000_000n, data: "0x" });
  tx.signature = wallet.signingKey.sign(tx.unsignedHash);
  out.push({ hash: tx.hash, raw: tx.serialized });
}
console.log(JSON.stringify(out));

// The modules' interfaces as docs/reference/abi publishes them, for ethers and viem alike.
import { readFileSync } from "node:fs";

export function published(name) {
  const file = new URL(`../../../docs/reference/abi/${name}.sol`, import.meta.url);
  const source = readFileSync(file, "utf8").replace(/\/\/[^\n]*/g, "").replace(/\s+/g, " ");
  return [...source.matchAll(/\b(function|event) [^;]*;/g)].map(([text]) => text.slice(0, -1));
}

export const modules = Object.fromEntries(
  ["nodes", "storage", "rights", "training", "compute", "treasury", "staking", "orders"].map((name, i) => [
    name, "0x" + `6d75${(i + 1).toString(16).padStart(2, "0")}`.padStart(40, "0")]));

// A data set of this test's own: nobody else has registered its content.
export const content = (name) => "0x" + Buffer.from(name).toString("hex").padEnd(64, "0").slice(0, 64);

// An order's typed data (EIP-712), as docs/reference/abi/IOrders.sol says it.
export const orderDomain = { name: "Mutirao", version: "1", chainId: 8021, verifyingContract: modules.orders };
export const orderTypes = {
  Order: [
    { type: "address", name: "account" }, { type: "address", name: "to" }, { type: "uint256", name: "value" },
    { type: "bytes", name: "data" }, { type: "uint256", name: "fee" }, { type: "uint64", name: "nonce" },
    { type: "uint64", name: "deadlineMs" },
  ],
};

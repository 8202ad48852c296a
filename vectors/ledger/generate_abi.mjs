// Writes abi.json: calls and logs of the native modules as ethers encodes them, from the published
// interfaces in docs/reference/abi.  Run:  node vectors/ledger/generate_abi.mjs
import { createRequire } from "node:module";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
const require = createRequire(new URL("../../build/deps/package.json", import.meta.url));
const { Interface, TypedDataEncoder, Wallet, id, version } = require("ethers");

const folder = new URL("../../docs/reference/abi/", import.meta.url);
const fragments = [];
for (const name of readdirSync(folder).filter((file) => file.endsWith(".sol")).sort()) {
  const source = readFileSync(new URL(name, folder), "utf8").replace(/\/\/.*$/gm, "").replace(/\s+/g, " ");
  for (const [found] of source.matchAll(/\b(function|event) [^;]*;/g)) fragments.push(found.slice(0, -1));
}
const abi = new Interface(fragments);
const h = (n) => id(`mutirao vector ${n}`);
const a = (n) => "0x" + h(n).slice(-40);
const bytes = (n, size) => "0x" + Array.from({ length: size }, (_, i) => ((i * 31 + n) & 255).toString(16).padStart(2, "0")).join("");
const max128 = ((1n << 128n) - 1n).toString();

const calls = [
  ["register", [1, 7, "127.0.0.1:9000", bytes(1, 96), bytes(2, 48), h(3), "São Paulo 1"]],
  ["register", [4, 1, "", bytes(3, 96), bytes(4, 48), h(4), ""]],
  ["leave", []],
  ["certify", [bytes(5, 178), ["1000"], [h(51)]]],
  ["certify", [bytes(6, 192), ["1", "18446744073709551615"], [h(52), h(53)]]],
  ["certifyAll", [[bytes(8, 178), bytes(9, 192), "0x"], ["1", "2000", "18446744073709551615"], [h(55), h(56), h(57)]]],
  ["certifyAll", [[], [], []]],
  ["release", [h(6), [h(54)]]],
  ["release", [h(7), []]],
  ["registerAsset", [h(7), "1048576", "Manual do administrador Debian, edição brasileira"]],
  ["registerAsset", [h(8), "0", ""]],
  ["registerAsset", [h(9), "1", "a title of thirty-two bytes ....."]],
  ["offerLicence", [h(10), h(11), 1, max128, 900000, "18446744073709551615"]],
  ["acceptLicence", [h(12)]],
  ["revokeLicence", [h(13)]],
  ["createRun", [h(14), []]],
  ["createRun", [h(15), [a(1), a(2), a(3)]]],
  ["finishRun", [h(16), h(17), "123", "modelo", "1000", [h(18), h(19)], ["5", "6"], ["7", "8", "9"], 30, 5545, 2600]],
  ["finishRun", [h(20), h(21), "0", "", "0", [], [], [], 0, 0, 0]],
  ["offer", [h(22)]],
  ["openKey", [a(4), "1790000000000"]],
  ["settle", [bytes(7, 225)]],
  ["closeKey", [a(5)]],
  ["addTrainer", [h(23), a(9)]],
  ["reportRound", [h(24), 7, h(25)]],
  ["closeRun", [h(26)]],
  ["settleAll", [[bytes(14, 225), bytes(15, 225)]]],
  ["endKey", [a(10)]],
  ["transferFrom", [a(11), a(12), max128]],
  ["safeTransferFrom(address,address,uint256)", [a(13), a(14), "7"]],
  ["safeTransferFrom(address,address,uint256,bytes)", [a(15), a(16), "8", "0x0102"]],
  ["approve", [a(17), "9"]],
  ["setApprovalForAll", [a(18), 1]],
  ["setRoyalty", ["10", 50000]],
  ["relay", [a(19), a(20), max128, bytes(16, 70), "1", "2", "1790000000000", bytes(17, 65)]],
  ["authorise", [a(21), a(22), max128, "1790000000000"]],
  ["revokeSigner", [a(23)]],
  ["cancelOrders", ["5"]],
  ["stake", [a(6)]],
  ["unstake", [a(7), max128]],
  ["withdraw", [a(8)]],
  ["distribute", []],
  ["proveConflict", [bytes(10, 178), bytes(11, 192)]],
  ["proveBadRow", [bytes(12, 178), bytes(13, 300)]],
  ["joinValidators", [h(58), bytes(19, 64), bytes(26, 96), bytes(27, 48), "v1.example:26659"]],
  ["leaveValidators", []],
  ["offerStorage", ["18446744073709551615", "1790000000000"]],
  ["openDeal", [h(59), "1790000000000", 171]],
  ["audit", [h(60), a(24)]],
  ["answerAudit", [h(61), a(25), bytes(20, 500)]],
  ["expireAudit", [h(62), a(26)]],
  ["closeDeal", [h(63)]],
  ["fundContributors", [h(64), 100000]],
  ["reportContributions", [h(65), 7, h(66), [h(67), h(68)], ["999999", "1"]]],
  ["proveReceipt", [bytes(21, 210), bytes(22, 90)]],
  ["proveTwoAnswers", [bytes(23, 210), bytes(24, 210)]],
  ["dispute", [bytes(25, 225)]],
  ["answerDispute", [h(69), bytes(26, 210)]],
  ["expireDispute", [a(27), h(70)]],
  ["accuseTrainer", [h(71), a(28), 9]],
].map(([name, values]) => ({
  signature: abi.getFunction(name).format("sighash"), values, data: abi.encodeFunctionData(name, values),
}));

const logs = [];
abi.forEachEvent((event) => {
  const n = logs.length * 10 + 100;
  const add = (values) => logs.push({ signature: event.format("sighash"), values, ...abi.encodeEventLog(event, values) });
  if (event.name === "Paid") add([a(n), a(n + 1), h(n + 2), max128, 12]);
  else if (event.name === "ApprovalForAll") [true, false].forEach((flag) => add([a(n), a(n + 1), flag]));
  else if (event.inputs[0].type === "address") add([a(n), a(n + 1), h(n + 2)]);
  else add([h(n), a(n + 1), a(n + 2)]);
});

// Orders (EIP-712), signed, and the calls that relay them.
const domain = { name: "Mutirao", version: "1", chainId: 8021, verifyingContract: "0x" + "6d7508".padStart(40, "0") };
const types = { Order: [["address", "account"], ["address", "to"], ["uint256", "value"], ["bytes", "data"],
  ["uint256", "fee"], ["uint64", "nonce"], ["uint64", "deadlineMs"]].map(([type, name]) => ({ type, name })) };
const orders = [[a(30), "1000000000000000000", "0x", "0", "0"], [a(31), max128, bytes(18, 100), "7", "18446744073709551615"]]
  .map(([to, value, data, fee, nonce], i) => {
    const key = new Wallet(h(300 + i));
    const order = { account: key.address.toLowerCase(), to, value, data, fee, nonce, deadlineMs: "1790000000000" };
    const hash = TypedDataEncoder.hash(domain, types, order);
    const signature = key.signingKey.sign(hash).serialized;
    return { key: key.privateKey, order, domain: TypedDataEncoder.hashDomain(domain), hash,
      data: abi.encodeFunctionData("relay", [...types.Order.map(({ name }) => order[name]), signature]) };
  });

writeFileSync(new URL("abi.json", import.meta.url),
  JSON.stringify({ source: `ethers ${version}, generate_abi.mjs, docs/reference/abi`, calls, logs, orders }, null, 1) + "\n");
console.log(`${calls.length} calls, ${logs.length} logs`);

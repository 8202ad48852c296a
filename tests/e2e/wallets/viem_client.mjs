// A program's session with viem: URL, then the keys of two funded wallets. Prints what it saw.
import assert from "node:assert/strict";
import { createPublicClient, createWalletClient, defineChain, encodeFunctionData, erc721Abi, hashDomain, http, pad, parseAbi, parseEther, parseEventLogs, webSocket } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { content, modules, orderDomain, orderTypes, published } from "./abi.mjs";

const [url, ownerKey, buyerKey] = process.argv.slice(2);
const chain = defineChain({ id: 8021, name: "Mutirão", nativeCurrency: { name: "MUT", symbol: "MUT", decimals: 18 },
  rpcUrls: { default: { http: [url] } } });
const transport = http(url, { batch: true });
const client = createPublicClient({ chain, transport, pollingInterval: 50 });
const owner = createWalletClient({ chain, transport, account: privateKeyToAccount(ownerKey) });
const buyer = createWalletClient({ chain, transport, account: privateKeyToAccount(buyerKey) });
const facts = { steps: [] };
const step = (name) => facts.steps.push(name);
setTimeout(() => { console.error("stuck after", facts.steps); process.exit(1); }, 60_000).unref();
const settled = async (hash) => {
  const receipt = await client.waitForTransactionReceipt({ hash, timeout: 20_000 });
  assert.equal(receipt.status, "success");
  return receipt;
};
const refused = async (promise, name, words) => {
  const error = await promise.then(() => assert.fail(`was not refused: ${words}`), (e) => e);
  assert.ok(error.walk?.((e) => e.name === name), `${error.name}: ${error.message}`);
  assert.match(error.message, words);
};

// One batch: viem sends what is asked together in one request.
const [id, number, gasPrice, balance] = await Promise.all([
  client.getChainId(), client.getBlockNumber(), client.getGasPrice(), client.getBalance({ address: owner.account.address })]);
assert.equal(id, 8021);
assert.ok(number > 0n && gasPrice > 0n && balance > 0n);
const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] });
assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1);
step("network");

const to = privateKeyToAccount(generatePrivateKey()).address;
for (const type of ["eip1559", "legacy", "eip2930"]) {
  const hash = await owner.sendTransaction({ to, value: parseEther("0.25"), type,
    ...(type === "eip2930" ? { accessList: [{ address: to, storageKeys: [] }] } : {}) });
  const receipt = await settled(hash);
  assert.equal(receipt.type, type);
  const tx = await client.getTransaction({ hash });
  assert.equal(tx.typeHex, { eip1559: "0x2", legacy: "0x0", eip2930: "0x1" }[type]);
  if (type === "eip2930") assert.deepEqual(tx.accessList.map((entry) => entry.address.toLowerCase()), [to.toLowerCase()]);
}
assert.equal(await client.getBalance({ address: to }), parseEther("0.75"));
step("transfers");

const abi = parseAbi(published("IRights"));
const rights = { address: modules.rights, abi };
const data = content(`viem ${Date.now()}`);
const { request } = await client.simulateContract({ ...rights, functionName: "registerAsset",
  args: [data, 77n, "Mapa"], account: owner.account });
const filter = await client.createContractEventFilter({ ...rights, eventName: "AssetRegistered" });
const receipt = await settled(await owner.writeContract(request));
const [registered] = parseEventLogs({ abi, logs: receipt.logs, eventName: "AssetRegistered" });
const asset = await client.readContract({ ...rights, functionName: "assetId", args: [owner.account.address, data] });
assert.equal(registered.args.asset, asset);
const changes = await client.getFilterChanges({ filter });
assert.ok(changes.some((log) => log.args.asset === asset));
assert.deepEqual(await client.getFilterChanges({ filter }), []);
assert.equal(await client.uninstallFilter({ filter }), true);
const record = await client.readContract({ ...rights, functionName: "asset", args: [asset] });
assert.equal(record[0], owner.account.address);
assert.equal(record[7], "Mapa");
await refused(client.simulateContract({ ...rights, functionName: "registerAsset", args: [data, 77n, "Mapa"], account: owner.account }),
  "ContractFunctionRevertedError", /registered already/);
step("asset");

// As a market would: nothing but the standard's interface, which viem has.
const token = { address: modules.rights, abi: erc721Abi };
await settled(await owner.writeContract({ ...token, functionName: "transferFrom",
  args: [owner.account.address, buyer.account.address, BigInt(asset)] }));
assert.equal(await client.readContract({ ...token, functionName: "ownerOf", args: [BigInt(asset)] }), buyer.account.address);
await settled(await buyer.writeContract({ ...token, functionName: "safeTransferFrom",
  args: [buyer.account.address, owner.account.address, BigInt(asset)] }));
const moves = await client.getContractEvents({ ...token, eventName: "Transfer", args: { tokenId: BigInt(asset) }, fromBlock: 0n });
assert.deepEqual(moves.map((log) => log.args.to), [owner, buyer, owner].map((each) => each.account.address));
step("tokens");

const subject = pad(buyer.account.address, { size: 32 });
const expires = BigInt(Date.now() + 3_600_000);
await settled(await owner.writeContract({ ...rights, functionName: "offerLicence",
  args: [asset, subject, 2, parseEther("1"), 0, expires] }));
const licence = await client.readContract({ ...rights, functionName: "licenceId", args: [asset, subject] });
await settled(await buyer.writeContract({ ...rights, functionName: "acceptLicence", args: [licence], value: parseEther("1") }));
assert.equal(await client.readContract({ ...rights, functionName: "isLive", args: [licence] }), true);
const logs = await client.getContractEvents({ ...rights, eventName: "LicenceAccepted", args: { licence }, fromBlock: 0n });
assert.equal(logs.length, 1);
step("licence");

// An order (EIP-712) of a wallet without money, relayed by the buyer.
const orders = { address: modules.orders, abi: parseAbi(published("IOrders")) };
const poor = privateKeyToAccount(generatePrivateKey());
const order = { account: poor.address, to: modules.rights, value: 0n, fee: 0n, nonce: 0n, deadlineMs: BigInt(Date.now() + 600_000),
  data: encodeFunctionData({ abi, functionName: "registerAsset", args: [content(`poor ${Date.now()}`), 1n, "por ordem"] }) };
const signature = await poor.signTypedData({ domain: orderDomain, types: orderTypes, primaryType: "Order", message: order });
const relay = { ...orders, functionName: "relay", args: [...orderTypes.Order.map(({ name }) => order[name]), signature], account: buyer.account };
await settled(await buyer.writeContract(relay));
assert.equal(await client.readContract({ ...token, functionName: "balanceOf", args: [poor.address] }), 1n);
await refused(client.simulateContract(relay), "ContractFunctionRevertedError", /replayed/);
assert.equal(await client.readContract({ ...orders, functionName: "domainSeparator" }), hashDomain({ domain: orderDomain, types: {
  EIP712Domain: [["string", "name"], ["string", "version"], ["uint256", "chainId"], ["address", "verifyingContract"]]
    .map(([type, name]) => ({ type, name })) } }));
step("orders");

await refused(createWalletClient({ chain, transport, account: privateKeyToAccount(generatePrivateKey()) })
  .sendTransaction({ to, value: 1n, gas: 21000n }), "InsufficientFundsError", /exceeds the balance/);
await refused(owner.sendTransaction({ to, value: 1n, nonce: 0, gas: 21000n }), "NonceTooLowError", /[Nn]once/);
step("errors");

// Over a WebSocket: heads and events are pushed.
const pushing = webSocket(url.replace("http", "ws"), { reconnect: false });
const listener = createPublicClient({ chain, transport: pushing });
const heads = [], heard = [];
const stops = [
  listener.watchBlocks({ onBlock: (block) => heads.push(block.number), onError: (error) => heads.push(error) }),
  listener.watchContractEvent({ ...rights, eventName: "AssetRegistered", args: { owner: owner.account.address },
    onLogs: (found) => heard.push(...found), onError: (error) => heard.push(error) })];
await listener.getChainId();
await new Promise((resolve) => setTimeout(resolve, 200));
const last = await settled(await owner.writeContract({ ...rights, functionName: "registerAsset",
  args: [content(`pushed ${Date.now()} v`), 1n, "empurrado"] }));
const until = Date.now() + 10_000;
while ((heard.length === 0 || !heads.includes(last.blockNumber)) && Date.now() < until)
  await new Promise((resolve) => setTimeout(resolve, 20));
assert.deepEqual(heard.map((log) => log.transactionHash), [last.transactionHash]);
assert.ok(heads.includes(last.blockNumber), `${heads} without ${last.blockNumber}`);
stops.forEach((stop) => stop());
(await listener.transport.getRpcClient()).close();
step("subscriptions");

console.log(JSON.stringify(facts));

// A person's session with ethers: URL, then the keys of two funded wallets. Prints what it saw.
import assert from "node:assert/strict";
import { Contract, JsonRpcProvider, Wallet, WebSocketProvider, parseEther, zeroPadValue } from "ethers";
import { content, modules, orderDomain, orderTypes, published } from "./abi.mjs";

const [url, ownerKey, buyerKey] = process.argv.slice(2);
// Blocks come faster than ethers forgets what it asked (250 ms), so here it keeps nothing.
const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 50, cacheTimeout: -1 });
const owner = new Wallet(ownerKey, provider), buyer = new Wallet(buyerKey, provider);
const facts = { steps: [] };
const step = (name) => facts.steps.push(name);
setTimeout(() => { console.error("stuck after", facts.steps); process.exit(1); }, 60_000).unref();
const refused = async (promise, code, words) => {
  const error = await promise.then(() => assert.fail(`was not refused: ${words}`), (e) => e);
  assert.equal(error.code, code, error.message);
  assert.match(`${error.reason} ${error.shortMessage} ${error.message}`, words);
};

assert.equal((await provider.getNetwork()).chainId, 8021n);
const fees = await provider.getFeeData();
assert.ok(fees.gasPrice > 0n && fees.maxFeePerGas >= fees.gasPrice);
step("network");

// Transfers of each type; ethers fills in nonce, gas and fees.
const to = Wallet.createRandom().address;
for (const type of [2, 0, 1]) {
  const before = await provider.getBalance(owner.address);
  const sent = await owner.sendTransaction({ to, value: parseEther("0.5"), type });
  const receipt = await sent.wait();
  assert.equal(receipt.status, 1);
  assert.equal(receipt.type, type);
  assert.equal(receipt.from, owner.address);
  assert.equal(receipt.gasUsed, 21000n);
  const spent = before - (await provider.getBalance(owner.address));
  assert.equal(spent, parseEther("0.5") + receipt.gasUsed * receipt.gasPrice);
  const found = await provider.getTransaction(sent.hash);
  assert.equal(found.blockNumber, receipt.blockNumber);
  assert.equal(found.signature.serialized, sent.signature.serialized);
  const block = await provider.getBlock(receipt.blockNumber, true);
  assert.ok(block.prefetchedTransactions.some((tx) => tx.hash === sent.hash));
  assert.ok(block.baseFeePerGas > 0n);
}
assert.equal(await provider.getBalance(to), parseEther("1.5"));
step("transfers");

// As a page has it, with what ethers does by default.
const plain = new JsonRpcProvider(url);
const sent = await new Wallet(buyerKey, plain).sendTransaction({ to, value: 1n });
assert.equal((await sent.wait(2, 20_000)).status, 1);
plain.destroy();
step("defaults");

// Several at once: each gets a nonce of its own.
const nonce = await provider.getTransactionCount(owner.address, "pending");
const many = await Promise.all(Array.from({ length: 10 }, (_, i) =>
  owner.sendTransaction({ to, value: 1n, nonce: nonce + i })));
await Promise.all(many.map((tx) => tx.wait()));
assert.equal(await provider.getTransactionCount(owner.address), nonce + 10);
step("many");

// A data set is registered and read back.
const rights = new Contract(modules.rights, published("IRights"), owner);
const data = content(`ethers ${Date.now()}`);
const registered = await (await rights.registerAsset(data, 1234, "Anotações de história")).wait();
const asset = await rights.assetId(owner.address, data);
const event = registered.logs.map((log) => rights.interface.parseLog(log)).find((log) => log?.name === "AssetRegistered");
assert.equal(event.args.asset, asset);
const record = await rights.asset(asset);
assert.equal(record.owner, owner.address);
assert.equal(record.size, 1234n);
assert.equal(record.title, "Anotações de história");
await refused(rights.registerAsset(data, 1234, "again"), "CALL_EXCEPTION", /registered already/);
step("asset");

// The same asset through nothing but EIP-721, EIP-2981 and EIP-165.
const erc721 = [
  "event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)",
  "event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId)",
  "event ApprovalForAll(address indexed owner, address indexed operator, bool approved)",
  "function name() view returns (string)", "function symbol() view returns (string)",
  "function tokenURI(uint256) view returns (string)",
  "function balanceOf(address) view returns (uint256)", "function ownerOf(uint256) view returns (address)",
  "function getApproved(uint256) view returns (address)",
  "function isApprovedForAll(address,address) view returns (bool)",
  "function approve(address,uint256)", "function setApprovalForAll(address,bool)",
  "function transferFrom(address,address,uint256)", "function safeTransferFrom(address,address,uint256)",
  "function safeTransferFrom(address,address,uint256,bytes)",
  "function royaltyInfo(uint256,uint256) view returns (address,uint256)",
  "function supportsInterface(bytes4) view returns (bool)",
];
const token = new Contract(modules.rights, erc721, owner), tokenId = BigInt(asset);
for (const id of ["0x01ffc9a7", "0x80ac58cd", "0x5b5e139f", "0x2a55205a"])
  assert.equal(await token.supportsInterface(id), true);
assert.equal(await token.supportsInterface("0xffffffff"), false);
assert.deepEqual([await token.name(), await token.symbol()], ["Mutirao assets", "MUTA"]);
assert.equal(await token.ownerOf(tokenId), owner.address);
assert.equal(await token.tokenURI(tokenId), `mutirao:asset:${asset.slice(2)}`);
const minted = registered.logs.map((log) => token.interface.parseLog(log)).find((log) => log?.name === "Transfer");
assert.deepEqual([...minted.args], ["0x" + "0".repeat(40), owner.address, tokenId]);
const owned = await token.balanceOf(buyer.address);
await refused(token.connect(buyer).transferFrom(owner.address, buyer.address, tokenId), "CALL_EXCEPTION", /only the owner/);
await (await rights.setRoyalty(tokenId, 50_000)).wait();
await (await token.approve(buyer.address, tokenId)).wait();
assert.equal(await token.getApproved(tokenId), buyer.address);
await (await token.connect(buyer).transferFrom(owner.address, buyer.address, tokenId)).wait();
assert.equal(await token.ownerOf(tokenId), buyer.address);
assert.equal(await token.balanceOf(buyer.address), owned + 1n);
assert.deepEqual([...await token.royaltyInfo(tokenId, parseEther("2"))], [owner.address, parseEther("0.1")]);
await (await token.connect(buyer).setApprovalForAll(owner.address, true)).wait();
assert.equal(await token.isApprovedForAll(buyer.address, owner.address), true);
await (await token["safeTransferFrom(address,address,uint256,bytes)"](buyer.address, owner.address, tokenId, "0x01")).wait();
await (await token.connect(buyer).setApprovalForAll(owner.address, false)).wait();
assert.equal(await token.ownerOf(tokenId), owner.address);
assert.equal((await token.queryFilter(token.filters.Transfer(null, null, tokenId), 0)).length, 3);
assert.equal((await token.queryFilter(token.filters.Approval(owner.address), 0)).length, 1);
assert.deepEqual((await token.queryFilter(token.filters.ApprovalForAll(buyer.address), 0)).map((log) => log.args.approved), [true, false]);
await refused(token.ownerOf(1n), "CALL_EXCEPTION", /there is no such asset/);
step("tokens");

// The owner offers a licence to infer; the buyer pays for it.
const price = parseEther("2");
const subject = zeroPadValue(buyer.address, 32);
const expires = Date.now() + 3_600_000;
await (await rights.offerLicence(asset, subject, 2, price, 0, expires)).wait();
const licence = await rights.licenceId(asset, subject);
assert.equal(await rights.isLive(licence), false);
const asBuyer = rights.connect(buyer);
await refused(asBuyer.acceptLicence(licence, { value: 1n }), "CALL_EXCEPTION", /the licence costs 2 MUT/);
const ownerBefore = await provider.getBalance(owner.address);
await (await asBuyer.acceptLicence(licence, { value: price })).wait();
assert.equal(await rights.isLive(licence), true);
assert.equal(await provider.getBalance(owner.address), ownerBefore + price);
const events = await rights.queryFilter(rights.filters.LicenceAccepted(licence), 0);
assert.equal(events.length, 1);
assert.equal(events[0].args.licensee, buyer.address);
const treasury = new Contract(modules.treasury, published("ITreasury"), provider);
const paid = await treasury.queryFilter(treasury.filters.Paid(null, owner.address), 0);
assert.ok(paid.some((log) => log.args.amount === price && log.args.reason === 4n));
assert.equal(await treasury.balanceOf(owner.address), await provider.getBalance(owner.address));
step("licence");

// An order: a wallet without money signs, the buyer relays it and pays the gas.
const orders = new Contract(modules.orders, published("IOrders"), buyer);
const poor = Wallet.createRandom();
const ordered = async (signer, account, call, fee = 0n) => {
  const order = { account, to: modules.rights, value: 0n, data: call, fee,
    nonce: (await orders.orderKey(account, signer.address)).nonce, deadlineMs: BigInt(Date.now() + 600_000) };
  return [...orderTypes.Order.map(({ name }) => order[name]), await signer.signTypedData(orderDomain, orderTypes, order)];
};
const registering = (name) => rights.interface.encodeFunctionData("registerAsset", [content(name), 1, "by order"]);
const gasless = await ordered(poor, poor.address, registering(`gasless ${Date.now()}`));
assert.equal((await (await orders.relay(...gasless)).wait()).status, 1);
assert.equal(await rights.balanceOf(poor.address), 1n);
assert.equal(await provider.getTransactionCount(poor.address), 0);
await refused(orders.relay(...gasless), "CALL_EXCEPTION", /replayed/);
// A machine's session key acts for the owner, within limits, until it is revoked.
const machine = Wallet.createRandom();
const early = await ordered(machine, owner.address, registering(`early ${Date.now()}`));
await refused(orders.relay(...early), "CALL_EXCEPTION", /may not, or no more, act/);
await (await orders.connect(owner).authorise(machine.address, modules.rights, 1000n, Date.now() + 3_600_000)).wait();
const relayed = await (await orders.relay(...await ordered(machine, owner.address, registering(`machine ${Date.now()}`), 600n))).wait();
assert.ok(relayed.logs.some((log) => orders.interface.parseLog(log)?.args.account === owner.address));
await refused(orders.relay(...await ordered(machine, owner.address, registering("dear"), 600n)), "CALL_EXCEPTION", /may still spend/);
await (await orders.connect(owner).revokeSigner(machine.address)).wait();
await refused(orders.relay(...await ordered(machine, owner.address, registering("late"))), "CALL_EXCEPTION", /may not, or no more, act/);
step("orders");

// What goes wrong is said in words that ethers knows.
await refused(new Wallet(Wallet.createRandom().privateKey, provider).sendTransaction({ to, value: 1n, gasLimit: 21000n }),
  "INSUFFICIENT_FUNDS", /insufficient funds/);
await refused(owner.sendTransaction({ to, value: 1n, nonce: 0 }), "NONCE_EXPIRED", /nonce/);
await refused(owner.sendTransaction({ data: "0x6000", gasLimit: 100000n }), "UNKNOWN_ERROR", /contracts cannot be deployed/);
const reverting = await rights.registerAsset(data, 1, "again", { gasLimit: 200000n });
await refused(reverting.wait(), "CALL_EXCEPTION", /reverted/);
assert.equal(await provider.getCode(to), "0x");
assert.notEqual(await provider.getCode(modules.rights), "0x");
step("errors");

// Over a WebSocket: heads and events are pushed.
const socket = new WebSocketProvider(url.replace("http", "ws"));
const heads = [], heard = [];
await socket.on("block", (number) => heads.push(number));
const listening = new Contract(modules.rights, published("IRights"), socket);
await listening.on(listening.filters.AssetRegistered(null, owner.address), (event) => heard.push(event.args.asset));
const pushed = content(`pushed ${Date.now()}`);
const sentOver = await rights.connect(new Wallet(ownerKey, socket)).registerAsset(pushed, 1, "empurrado");
const last = await sentOver.wait();
const until = Date.now() + 10_000;
while ((heard.length === 0 || !heads.includes(last.blockNumber)) && Date.now() < until)
  await new Promise((resolve) => setTimeout(resolve, 20));
assert.deepEqual(heard, [await rights.assetId(owner.address, pushed)]);
assert.ok(heads.includes(last.blockNumber), `${heads} without ${last.blockNumber}`);
await socket.destroy();
step("subscriptions");

provider.destroy();
console.log(JSON.stringify(facts));

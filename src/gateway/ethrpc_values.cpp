#include "gateway/ethrpc_values.hpp"

#include <algorithm>

#include "crypto/hash.hpp"
#include "gateway/text.hpp"
#include "ledger/abi.hpp"
#include "ledger/rlp.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;
using ledger::Amount;
using ledger::TransactionType;
using ledger::u128;

// A block holds at most so much: see consensus/block.hpp.
constexpr std::uint64_t kTransactionsMax = 8192;
constexpr std::uint64_t kBytesMax = 1 << 20;
constexpr std::uint64_t kGasOfTransaction =
    71'000;  // of one that calls a module, without its bytes
constexpr std::uint64_t kGasOfByte = 16;

// keccak256(rlp([])): a block has no uncles.
constexpr std::string_view kNoUncles =
    "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347";

std::string text(const Digest& digest) { return data_text(digest.span()); }
std::string text(const Address& address) { return data_text(address.span()); }
std::string zeros(std::size_t bytes) { return "0x" + std::string(2 * bytes, '0'); }

// Big-endian bytes as a quantity.
std::string word_quantity(ByteSpan word) {
    auto digits = to_hex(word);
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    return "0x" + digits;
}

Amount sum(Amount a, Amount b) { return a.plus(b).ok() ? *a.plus(b) : Amount(~u128{0}); }

json::array access_list_json(ByteSpan items) {
    json::array out;
    ledger::rlp::Reader in(items);
    while (!in.done()) {
        auto entry = in.list();
        if (!entry.ok()) break;  // decode() has let only well-formed ones through
        const auto address = entry->bytes();
        auto keys = entry->list();
        if (!address.ok() || !keys.ok()) break;
        json::array key_list;
        while (!keys->done()) {
            const auto key = keys->bytes();
            if (!key.ok()) break;
            key_list.emplace_back(data_text(*key));
        }
        out.emplace_back(
            json::object{{"address", data_text(*address)}, {"storageKeys", std::move(key_list)}});
    }
    return out;
}

void write_signature(json::object& out, const ledger::Transaction& tx) {
    const bool legacy = tx.type == TransactionType::legacy;
    const u128 v =
        legacy ? u128{tx.chain_id} * 2 + 35 + tx.signature.y_parity : u128{tx.signature.y_parity};
    out["v"] = quantity(v);
    if (!legacy) out["yParity"] = quantity(tx.signature.y_parity);
    out["r"] = word_quantity(tx.signature.r.span());
    out["s"] = word_quantity(tx.signature.s.span());
}

// What the transaction itself says. `price` is what a unit of gas cost, or would.
json::object body_json(const ledger::Transaction& tx, const Digest& hash, const Address& from,
                       Amount price) {
    json::object out{{"hash", text(hash)},
                     {"type", quantity(static_cast<std::uint8_t>(tx.type))},
                     {"chainId", quantity(tx.chain_id)},
                     {"nonce", quantity(tx.nonce)},
                     {"from", text(from)},
                     {"to", text(tx.to)},
                     {"value", quantity(tx.value.wei())},
                     {"gas", quantity(tx.gas_limit)},
                     {"gasPrice", quantity(price.wei())},
                     {"input", data_text(tx.data)}};
    if (tx.type != TransactionType::legacy) out["accessList"] = access_list_json(tx.access_list);
    if (tx.type == TransactionType::fee_market) {
        out["maxFeePerGas"] = quantity(tx.max_fee.wei());
        out["maxPriorityFeePerGas"] = quantity(tx.max_priority_fee.wei());
    }
    write_signature(out, tx);
    return out;
}

// What comes before a transaction in its block.
struct Before {
    std::uint64_t gas = 0;
    std::size_t logs = 0;
    void pass(const ExecutedTransaction& tx) {
        gas += tx.gas_used;
        logs += tx.logs.size();
    }
};

json::object receipt_json(const ExecutedBlock& block, const ExecutedTransaction& executed,
                          std::size_t index, const Before& before) {
    const auto decoded = ledger::Transaction::decode(executed.raw);
    ENSURE(decoded.ok(), "a block holds what was executed");
    json::array logs;
    Bloom bloom{};
    for (std::size_t i = 0; i < executed.logs.size(); ++i) {
        add_to_bloom(bloom, executed.logs[i]);
        logs.emplace_back(log_json(executed.logs[i], {block, executed, index, before.logs + i}));
    }
    json::object out{{"transactionHash", text(executed.hash)},
                     {"transactionIndex", quantity(index)},
                     {"blockHash", text(block.hash)},
                     {"blockNumber", quantity(block.height)},
                     {"from", text(executed.sender)},
                     {"to", text(decoded->to)},
                     {"contractAddress", nullptr},
                     {"type", quantity(static_cast<std::uint8_t>(decoded->type))},
                     {"status", executed.succeeded ? "0x1" : "0x0"},
                     {"gasUsed", quantity(executed.gas_used)},
                     {"cumulativeGasUsed", quantity(before.gas + executed.gas_used)},
                     {"effectiveGasPrice", quantity(price_of(executed).wei())},
                     {"logs", std::move(logs)},
                     {"logsBloom", data_text(bloom)}};
    if (!executed.succeeded) out["revertReason"] = data_text(revert_data(executed.error));
    return out;
}

}  // namespace

Amount price_of(const ExecutedTransaction& tx) {
    return tx.gas_used == 0 ? Amount() : Amount(tx.fee.wei() / tx.gas_used);
}

namespace {

// Which bits a value sets. Most values come again and again (the treasury, kinds of events), so the
// latest are remembered: a hash costs ten times a look at one.
std::array<std::uint16_t, 3> bloom_bits(ByteSpan value) {
    struct Known {
        Bytes value;
        std::array<std::uint16_t, 3> bits{};
    };
    thread_local std::array<Known, 1024> latest;
    auto& known = latest[std::hash<std::string_view>{}(as_text(value)) % latest.size()];
    if (as_text(known.value) == as_text(value)) return known.bits;
    const auto hash = crypto::keccak256(value);
    known.value = to_bytes(value);
    for (std::size_t i = 0; i < known.bits.size(); ++i)
        known.bits[i] =
            static_cast<std::uint16_t>((hash.bytes[2 * i] & 7) << 8 | hash.bytes[2 * i + 1]);
    return known.bits;
}

}  // namespace

void add_to_bloom(Bloom& bloom, const ledger::Log& log) {
    const auto add = [&](ByteSpan value) {
        for (const auto bit : bloom_bits(value))
            bloom[bloom.size() - 1 - bit / 8] |= static_cast<std::uint8_t>(1u << bit % 8);
    };
    add(log.address.span());
    for (const auto& topic : log.topics) add(topic.span());
}

ExecutedPart part_of(const ExecutedBlock& block, std::size_t index) {
    ExecutedPart out;
    out.block.height = block.height;
    out.block.time_ms = block.time_ms;
    out.block.hash = block.hash;
    out.block.parent = block.parent;
    out.block.state = block.state;
    Before before;
    for (std::size_t i = 0; i < index; ++i) before.pass(block.transactions[i]);
    out.block.transactions.push_back(block.transactions.at(index));
    out.index = index;
    out.gas_before = before.gas;
    out.logs_before = before.logs;
    return out;
}

std::string quantity(u128 value) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    do {
        out.push_back(kDigits[static_cast<std::size_t>(value & 15)]);
        value >>= 4;
    } while (value != 0);
    out += "x0";
    std::reverse(out.begin(), out.end());
    return out;
}

std::string data_text(ByteSpan bytes) { return "0x" + to_hex(bytes); }

Result<u128> read_quantity(std::string_view written) {
    const auto wrong = Error{ErrorKind::invalid_argument,
                             "a quantity is written as 0x and 1 to 32 hexadecimal digits"};
    if (!written.starts_with("0x") || written.size() < 3 || written.size() > 66) return wrong;
    u128 out = 0;
    for (const char c : written.substr(2)) {
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return wrong;
        if (out >> 124 != 0)
            return Error{ErrorKind::invalid_argument,
                         "the quantity is over 2^128-1, which nothing on this ledger can be"};
        out = out << 4 | static_cast<u128>(digit);
    }
    return out;
}

Result<std::uint64_t> read_quantity64(std::string_view written) {
    TRY(const auto value, read_quantity(written));
    if (value >> 64 != 0) return Error{ErrorKind::invalid_argument, "the quantity is over 2^64-1"};
    return static_cast<std::uint64_t>(value);
}

Result<Bytes> read_data(std::string_view written) {
    if (!written.starts_with("0x"))
        return Error{ErrorKind::invalid_argument, "data is written as 0x and hexadecimal digits"};
    return from_hex(written);
}

json::object log_json(const ledger::Log& log, const LogPlace& place) {
    json::array topics;
    for (const auto& topic : log.topics) topics.emplace_back(text(topic));
    return {{"address", text(log.address)},
            {"topics", std::move(topics)},
            {"data", data_text(log.data)},
            {"blockNumber", quantity(place.block.height)},
            {"blockHash", text(place.block.hash)},
            {"blockTimestamp", quantity(place.block.time_ms / 1000)},
            {"transactionHash", text(place.transaction.hash)},
            {"transactionIndex", quantity(place.transaction_index)},
            {"logIndex", quantity(place.log_index)},
            {"removed", false}};
}

json::object header_json(const ExecutedBlock& block, Amount base_fee) {
    return {{"number", quantity(block.height)},
            {"hash", text(block.hash)},
            {"parentHash", text(block.parent)},
            {"timestamp", quantity(block.time_ms / 1000)},
            {"stateRoot", text(block.state)},
            {"transactionsRoot", zeros(32)},
            {"receiptsRoot", zeros(32)},
            {"logsBloom", data_text(block.bloom)},
            {"gasLimit", quantity(block_gas_limit())},
            {"gasUsed", quantity(block.gas_used)},
            {"baseFeePerGas", quantity(base_fee.wei())},
            {"miner", text(ledger::module::treasury())},
            {"sha3Uncles", kNoUncles},
            {"difficulty", "0x0"},
            {"nonce", zeros(8)},
            {"mixHash", zeros(32)},
            {"extraData", "0x"}};
}

json::object block_json(const ExecutedBlock& block, bool full_transactions, Amount base_fee,
                        std::uint64_t chain_id) {
    auto out = header_json(block, base_fee);
    out["size"] = quantity(block.bytes);
    out["totalDifficulty"] = "0x0";
    out["uncles"] = json::array();
    json::array transactions;
    for (std::size_t i = 0; i < block.transactions.size(); ++i) {
        if (full_transactions)
            transactions.emplace_back(transaction_json(block, i, chain_id));
        else
            transactions.emplace_back(text(block.transactions[i].hash));
    }
    out["transactions"] = std::move(transactions);
    return out;
}

json::object transaction_json(const ExecutedBlock& block, std::size_t index,
                              std::uint64_t chain_id) {
    const auto& executed = block.transactions[index];
    const auto decoded = ledger::Transaction::decode(executed.raw);
    ENSURE(decoded.ok() && decoded->chain_id == chain_id, "a block holds what was executed");
    auto out = body_json(*decoded, executed.hash, executed.sender, price_of(executed));
    out["blockHash"] = text(block.hash);
    out["blockNumber"] = quantity(block.height);
    out["transactionIndex"] = quantity(index);
    return out;
}

json::object waiting_json(ByteSpan raw, Amount base_fee, std::uint64_t chain_id) {
    const auto tx = ledger::Transaction::decode(raw);
    ENSURE(tx.ok() && tx->chain_id == chain_id, "what waits was checked");
    const auto sender = tx->sender();
    ENSURE(sender.ok(), "what waits was checked");
    const auto price = std::min(tx->max_fee, sum(base_fee, tx->max_priority_fee));
    auto out = body_json(*tx, ledger::Transaction::hash(raw), *sender, price);
    for (const auto* name : {"blockHash", "blockNumber", "transactionIndex"}) out[name] = nullptr;
    return out;
}

json::array receipts_json(const ExecutedBlock& block) {
    json::array out;
    Before before;
    for (const auto& executed : block.transactions) {
        out.emplace_back(receipt_json(block, executed, out.size(), before));
        before.pass(executed);
    }
    return out;
}

json::object receipt_json(const ExecutedPart& part) {
    return receipt_json(part.block, part.block.transactions.at(0), part.index,
                        {part.gas_before, part.logs_before});
}

Bytes revert_data(std::string_view sentence) {
    return std::move(ledger::abi::Writer("Error(string)").bytes(as_bytes(valid_utf8(sentence))))
        .take();
}

std::uint64_t block_gas_limit() {
    return kTransactionsMax * kGasOfTransaction + kBytesMax * kGasOfByte;
}

}  // namespace mutirao::gateway

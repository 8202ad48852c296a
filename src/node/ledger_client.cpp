#include "node/ledger_client.hpp"

#include "mutirao/v1/ledger.pb.h"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

using wire::to_field;

constexpr auto kDeadline = std::chrono::seconds(10);
constexpr auto kPatience = std::chrono::seconds(30);
// How long a block is waited for before one looks whether somebody else took the nonce.
constexpr auto kLookFirst = std::chrono::milliseconds(250);
constexpr auto kLookMax = std::chrono::seconds(2);
constexpr int kDisplacedMax = 100;  // times that others may be faster
constexpr std::uint32_t kScanStep = 500;
constexpr std::size_t kReadManyStep = 1024;

}  // namespace

Result<ledger::Value> LedgerClient::get(ByteSpan key) const {
    v1::ReadRequest request;
    request.set_key(to_field(key));
    TRY(auto reply, wire::call<v1::ReadReply>(network_, endpoint_, "/mutirao.v1.Ledger/Read",
                                              request, kDeadline));
    if (!reply.found()) return ledger::Value();
    return ledger::Value(to_bytes(as_bytes(reply.value())));
}

Result<std::vector<ledger::Value>> LedgerClient::get_many(std::span<const Bytes> keys) const {
    std::vector<ledger::Value> out;
    while (out.size() < keys.size()) {
        const auto some =
            keys.subspan(out.size(), std::min(kReadManyStep, keys.size() - out.size()));
        v1::ReadManyRequest request;
        for (const auto& key : some) request.add_keys(to_field(key));
        TRY(auto reply,
            wire::call<v1::ReadManyReply>(network_, endpoint_, "/mutirao.v1.Ledger/ReadMany",
                                          request, kDeadline));
        if (static_cast<std::size_t>(reply.records_size()) != some.size())
            return Error{ErrorKind::corrupt, "the ledger answered for other records"};
        for (const auto& record : reply.records())
            out.push_back(record.found() ? ledger::Value(to_bytes(as_bytes(record.value())))
                                         : ledger::Value());
    }
    return out;
}

Result<std::vector<std::pair<Bytes, Bytes>>> LedgerClient::scan(ByteSpan prefix, ByteSpan after,
                                                                std::size_t limit) const {
    std::vector<std::pair<Bytes, Bytes>> out;
    Bytes last = to_bytes(after);
    while (out.size() < limit) {
        v1::ScanRequest request;
        request.set_prefix(to_field(prefix));
        request.set_after(to_field(last));
        request.set_limit(
            static_cast<std::uint32_t>(std::min<std::size_t>(limit - out.size(), kScanStep)));
        TRY(auto reply, wire::call<v1::ScanReply>(network_, endpoint_, "/mutirao.v1.Ledger/Scan",
                                                  request, kDeadline));
        for (const auto& record : reply.records())
            out.emplace_back(to_bytes(as_bytes(record.key())), to_bytes(as_bytes(record.value())));
        if (reply.records_size() < static_cast<int>(request.limit())) break;
        last = out.back().first;
    }
    return out;
}

Result<LedgerStatus> LedgerClient::status() const {
    TRY(auto reply,
        wire::call<v1::LedgerStatusReply>(network_, endpoint_, "/mutirao.v1.Ledger/Status",
                                          v1::LedgerStatusRequest{}, kDeadline));
    LedgerStatus out;
    out.height = reply.height();
    out.time_ms = reply.time_ms();
    out.consensus_bytes = reply.consensus_bytes();
    out.ethereum_url = reply.ethereum_url();
    TRY(out.state_hash, wire::fixed_field<Digest>(reply.state_hash()));
    TRY(out.genesis, ledger::decode_record<ledger::Genesis>(as_bytes(reply.genesis())));
    return out;
}

Result<std::vector<LedgerBlock>> LedgerClient::blocks(std::uint64_t from,
                                                      std::uint32_t limit) const {
    v1::BlocksRequest request;
    request.set_from(from);
    request.set_limit(limit);
    TRY(auto reply, wire::call<v1::BlocksReply>(network_, endpoint_, "/mutirao.v1.Ledger/Blocks",
                                                request, kDeadline));
    std::vector<LedgerBlock> out;
    for (const auto& block : reply.blocks())
        out.push_back({block.height(), block.time_ms(), block.transactions(), block.bytes()});
    return out;
}

Result<Digest> LedgerClient::submit(ByteSpan transaction) const {
    v1::SubmitRequest request;
    request.set_transaction(to_field(transaction));
    TRY(auto reply, wire::call<v1::SubmitReply>(network_, endpoint_, "/mutirao.v1.Ledger/Submit",
                                                request, kDeadline));
    return wire::fixed_field<Digest>(reply.hash());
}

Result<ledger::Receipt> LedgerClient::wait(const Digest& hash, Duration patience) const {
    for (Duration waited{0}, step; waited < patience; waited += step) {
        step = std::min<Duration>(patience - waited, kLookMax);
        v1::ReceiptRequest request;
        request.set_hash(to_field(hash.span()));
        request.set_wait_ms(
            static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::milliseconds>(step).count()));
        auto reply = wire::call<v1::ReceiptReply>(network_, endpoint_, "/mutirao.v1.Ledger/Receipt",
                                                  request, kDeadline);
        if (reply.ok()) {
            TRY(auto receipt, ledger::decode_record<ledger::Receipt>(as_bytes(reply->receipt())));
            TRY_VOID(receipt.status());
            return receipt;
        }
        if (reply.error().kind != ErrorKind::not_found) return std::move(reply).error();
    }
    return Error{ErrorKind::timeout, "transaction " + hash.hex() + " did not get into a block"};
}

Result<Sent> Sender::send(const ledger::Call& call) {
    const std::lock_guard lock(mutex_);
    for (int tries = 0;; ++tries) {
        Attempt attempt;
        auto sent = send_once(call, attempt);
        if (sent.ok() || attempt.has_receipt || tries == kDisplacedMax) return sent;
        const auto displaced = was_displaced(attempt.nonce);
        if (!displaced.ok() || !*displaced) return sent;
    }
}

// Another process with the same key may have used the nonce meanwhile. Then the transaction can
// never get into a block, and sending it anew cannot do it twice.
Result<bool> Sender::was_displaced(std::uint64_t nonce) const {
    TRY(auto account, ledger::read<ledger::Account>(ledger_, ledger::key::account(address())));
    return account && account->nonce > nonce;
}

Result<Sent> Sender::send_once(const ledger::Call& call, Attempt& attempt) {
    TRY(auto status, ledger_.status());
    TRY(auto account, ledger::read<ledger::Account>(ledger_, ledger::key::account(address())));
    ledger::Transaction tx;
    tx.chain_id = status.genesis.chain_id;
    tx.nonce = attempt.nonce = account ? account->nonce : 0;
    TRY(tx.max_fee, status.genesis.base_fee.times(2));
    tx.to = call.to;
    tx.value = call.value;
    tx.data = call.data;
    tx.gas_limit = ledger::gas_of(tx);
    tx.sign(key_);
    Sent out{tx.encode(), {}};
    // Where another process's transaction has this nonce and waits, this one waits for it to go.
    const auto hash = ledger::Transaction::hash(out.raw);
    if (const auto taken = ledger_.submit(out.raw);
        !taken.ok() && taken.error().kind != ErrorKind::already_exists)
        return taken.error();
    bool displaced = false;
    Duration look = kLookFirst;
    for (Duration waited{0}; waited < kPatience;
         waited += look, look = std::min<Duration>(2 * look, kLookMax)) {
        auto receipt = ledger_.wait(hash, look);
        attempt.has_receipt = receipt.ok() || receipt.error().kind != ErrorKind::timeout;
        if (receipt.ok()) {
            out.receipt = std::move(*receipt);
            return out;
        }
        // Once more after the nonce has moved on: this one may have moved it.
        if (attempt.has_receipt || displaced) return std::move(receipt).error();
        TRY(displaced, was_displaced(attempt.nonce));
    }
    return Error{ErrorKind::timeout, "transaction " + hash.hex() + " did not get into a block"};
}

}  // namespace mutirao::node

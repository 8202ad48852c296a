#include "node/ledger_role.hpp"

#include <algorithm>

#include "mutirao/v1/ledger.pb.h"
#include "node/wire/fields.hpp"

namespace mutirao::node {
namespace {

using wire::fixed_field;
using wire::to_field;

constexpr std::size_t kGenesisMax = 1 << 20;
constexpr std::uint32_t kScanMax = 1000;
constexpr int kReadManyMax = 1024;
constexpr std::uint32_t kWaitMaxMs = 5000;

}  // namespace

Result<Digest> LedgerApplication::finalize(std::uint64_t height, std::uint64_t time_ms,
                                           const std::vector<Bytes>& transactions) {
    // Nearly always done already; not when the log is read.
    prepare(std::vector<ByteSpan>(transactions.begin(), transactions.end()));
    return ledger_.finalize(height, time_ms, transactions);
}

Status LedgerApplication::commit() {
    ledger_.commit();
    return {};
}

Status LedgerApplication::restore(ByteSpan snapshot) {
    TRY(ledger_, ledger::Ledger::restore(snapshot, memo_));
    return {};
}

Result<std::unique_ptr<LedgerRole>> LedgerRole::open(Disk& disk, Clock& clock,
                                                     consensus::EngineOptions options,
                                                     const Threads& threads) {
    TRY(auto bytes, disk.read_file(kGenesisFile, kGenesisMax));
    TRY(auto genesis, ledger::decode_record<ledger::Genesis>(bytes));
    TRY(auto ledger, ledger::Ledger::begin(genesis));
    std::unique_ptr<LedgerRole> role(new LedgerRole(std::move(ledger), clock, threads));
    options.on_block = [&ethereum = role->ethereum_](const auto& block) {
        ethereum.on_block(block);
    };
    TRY(role->engine_, consensus::open_engine(disk, clock, role->application_, std::move(options)));
    TRY_VOID(role->ethereum_.set_engine(*role->engine_));
    role->add_methods();
    return role;
}

Status LedgerRole::tick() {
    TRY(auto made, engine_->make_block(ethereum_.wants_empty_block()));
    if (made) {
        const std::lock_guard lock(block_mutex_);
        block_made_.notify_all();
    }
    return {};
}

Result<ledger::Receipt> LedgerRole::wait_for_receipt(const Digest& hash, Duration wait) {
    const auto until = clock_.monotonic() + wait;
    std::unique_lock lock(block_mutex_);
    for (;;) {
        Result<std::optional<ledger::Receipt>> found = std::optional<ledger::Receipt>();
        engine_->with_application(
            [&](const auto&) { found = application_.ledger().receipt(hash); });
        if (!found.ok()) return std::move(found).error();
        if (*found) return **found;
        const auto left = until - clock_.monotonic();
        if (left <= Duration::zero())
            return Error{ErrorKind::not_found, "transaction " + hash.hex() + " is in no block yet"};
        block_made_.wait_for(lock, std::min<Duration>(left, std::chrono::milliseconds(100)));
    }
}

void LedgerRole::add_methods() {
    service_.on<v1::SubmitRequest, v1::SubmitReply>(
        "/mutirao.v1.Ledger/Submit", [this](const auto& in) -> Result<v1::SubmitReply> {
            const auto raw = as_bytes(in.transaction());
            application_.prepare({&raw, 1});
            TRY_VOID(engine_->submit(raw));
            const auto hash = ledger::Transaction::hash(raw);
            ethereum_.note(hash, raw);
            v1::SubmitReply out;
            out.set_hash(to_field(hash.span()));
            return out;
        });
    service_.on<v1::ReceiptRequest, v1::ReceiptReply>(
        "/mutirao.v1.Ledger/Receipt", [this](const auto& in) -> Result<v1::ReceiptReply> {
            TRY(auto hash, fixed_field<Digest>(in.hash()));
            TRY(auto receipt, wait_for_receipt(hash, std::chrono::milliseconds(
                                                         std::min(in.wait_ms(), kWaitMaxMs))));
            v1::ReceiptReply out;
            out.set_receipt(to_field(ledger::encode_record(receipt)));
            out.set_height(receipt.height);
            return out;
        });
    service_.on<v1::ReadRequest, v1::ReadReply>(
        "/mutirao.v1.Ledger/Read", [this](const auto& in) -> Result<v1::ReadReply> {
            v1::ReadReply out;
            Result<ledger::Value> value = ledger::Value();
            engine_->with_application([&](const auto&) {
                value = application_.ledger().state().get(as_bytes(in.key()));
                out.set_height(application_.height());
            });
            if (!value.ok()) return std::move(value).error();
            out.set_found(value->has_value());
            if (*value) out.set_value(to_field(**value));
            return out;
        });
    service_.on<v1::ReadManyRequest, v1::ReadManyReply>(
        "/mutirao.v1.Ledger/ReadMany", [this](const auto& in) -> Result<v1::ReadManyReply> {
            if (in.keys_size() > kReadManyMax)
                return Error{ErrorKind::invalid_argument,
                             "at most " + std::to_string(kReadManyMax) + " keys at once"};
            v1::ReadManyReply out;
            Status failed;
            engine_->with_application([&](const auto&) {
                for (const auto& key : in.keys()) {
                    auto value = application_.ledger().state().get(as_bytes(key));
                    if (!value.ok()) return static_cast<void>(failed = std::move(value).error());
                    auto& record = *out.add_records();
                    record.set_found(value->has_value());
                    if (*value) record.set_value(to_field(**value));
                    record.set_height(application_.height());
                }
            });
            TRY_VOID(failed);
            return out;
        });
    service_.on<v1::ScanRequest, v1::ScanReply>(
        "/mutirao.v1.Ledger/Scan", [this](const auto& in) -> Result<v1::ScanReply> {
            Result<std::vector<std::pair<Bytes, Bytes>>> found =
                std::vector<std::pair<Bytes, Bytes>>();
            engine_->with_application([&](const auto&) {
                found = application_.ledger().state().scan(
                    as_bytes(in.prefix()), as_bytes(in.after()), std::min(in.limit(), kScanMax));
            });
            if (!found.ok()) return std::move(found).error();
            v1::ScanReply out;
            for (const auto& [key, value] : *found) {
                auto& record = *out.add_records();
                record.set_key(to_field(key));
                record.set_value(to_field(value));
            }
            return out;
        });
    service_.on<v1::LedgerStatusRequest, v1::LedgerStatusReply>(
        "/mutirao.v1.Ledger/Status", [this](const auto&) -> Result<v1::LedgerStatusReply> {
            v1::LedgerStatusReply out;
            engine_->with_application([&](const auto&) {
                const auto& ledger = application_.ledger();
                out.set_chain_id(ledger.genesis().chain_id);
                out.set_height(ledger.height());
                out.set_state_hash(to_field(ledger.state_hash().span()));
                out.set_time_ms(ledger.time_ms());
                out.set_genesis(to_field(ledger::encode_record(ledger.genesis())));
            });
            out.set_consensus_bytes(engine_->bytes_carried());
            out.set_ethereum_url(ethereum_url_);
            return out;
        });
    service_.on<v1::BlocksRequest, v1::BlocksReply>(
        "/mutirao.v1.Ledger/Blocks", [this](const auto& in) -> Result<v1::BlocksReply> {
            v1::BlocksReply out;
            for (const auto& facts : engine_->blocks(in.from(), std::min(in.limit(), kScanMax))) {
                auto& block = *out.add_blocks();
                block.set_height(facts.height);
                block.set_time_ms(facts.time_ms);
                block.set_transactions(facts.transactions);
                block.set_bytes(static_cast<std::uint32_t>(facts.bytes));
                block.set_hash(to_field(facts.hash.span()));
            }
            return out;
        });
}

}  // namespace mutirao::node

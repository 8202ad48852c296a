#include "node/ledger_role.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "ledger/deals.hpp"
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

// bench/ledger reads it.
void log_opening(const consensus::Engine& engine, const LedgerApplication& application,
                 Duration snapshot, Duration log) {
    const auto ms = [](Duration duration) {
        return std::to_string(
            std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
    };
    LOG_INFO("goes on after the snapshot of block " + std::to_string(engine.opened_at()) +
             "; its state took " + ms(snapshot) + " ms; the log after it took " + ms(log) +
             " ms; ran again: " + std::to_string(application.ran()) + " transactions");
}

}  // namespace

Result<std::string> engine_of(Disk& disk) {
    TRY(const auto exists, disk.exists(kEngineFile));
    if (!exists) return std::string("solo");
    TRY(const auto bytes, disk.read_file(kEngineFile, 64));
    return std::string(as_text(bytes));
}

Result<std::unique_ptr<LedgerRole>> LedgerRole::begin(Disk& disk, Clock& clock,
                                                      const consensus::EngineOptions& options,
                                                      const Threads& threads,
                                                      std::optional<LaneDoor> door) {
    TRY(const auto bytes, disk.read_file(kGenesisFile, kGenesisMax));
    TRY(const auto genesis, ledger::decode_record<ledger::Genesis>(bytes));
    TRY(auto ledger, ledger::Ledger::begin(genesis));
    std::unique_ptr<LedgerRole> role(new LedgerRole(std::move(ledger), clock, threads));
    TRY_VOID(role->open_lane(disk, options, std::move(door)));
    return role;
}

Result<LedgerRole::Exported> LedgerRole::export_state(Disk& disk, Clock& clock,
                                                      const consensus::EngineOptions& options,
                                                      const Threads& threads) {
    TRY(const auto role, begin(disk, clock, options, threads, {}));
    TRY(auto state, consensus::export_state(disk, role->application_, options));
    return Exported{std::move(state), role->application_.state_hash()};
}

Result<std::unique_ptr<LedgerRole>> LedgerRole::open(Disk& disk, Clock& clock,
                                                     consensus::EngineOptions options,
                                                     const Threads& threads,
                                                     std::optional<LaneDoor> door) {
    TRY(auto role, begin(disk, clock, options, threads, std::move(door)));
    options.on_block = [&role = *role](const auto& block) { role.on_block(block); };
    options.on_forgotten = [&role = *role](auto first) { role.on_forgotten(first); };
    const auto begun = clock.monotonic();
    auto restored = begun;
    options.on_restored = [&](auto) { restored = clock.monotonic(); };
    options.threads = threads;
    auto* const executor = options.snapshots;
    TRY(role->engine_, consensus::open_engine(disk, clock, role->application_, std::move(options)));
    log_opening(*role->engine_, role->application_, restored - begun, clock.monotonic() - restored);
    TRY_VOID(role->ethereum_.set_engine(*role->engine_));
    role->begin_reading_old(executor);
    TRY_VOID(role->submit_kept_batches());
    role->add_methods();
    return role;
}

void LedgerRole::on_block(const consensus::Block& block) {
    const auto told = application_.told(block);
    if (!told.ok()) {
        LOG_ERROR("block " + std::to_string(block.height) +
                  " cannot be told of: " + told.error().message);
        return;
    }
    queue_.leave(told->batches, block.height);
    std::vector<Digest> batches;
    for (const auto& batch : told->batches) batches.push_back(batch.digest);
    ethereum_.on_block(block, told->known, batches);
    if (lane_) lane_->ran(told->batches, block.height);
}

Status LedgerRole::tick() {
    bool wanted = ethereum_.wants_empty_block();
    if (!wanted)
        engine_->with_application(
            [&](const auto&) { wanted = ledger::awaits_draw(application_.ledger().state()); });
    TRY(auto made, engine_->make_block(wanted));
    if (!made) return {};
    {
        const std::lock_guard lock(block_mutex_);
        block_made_.notify_all();
    }
    tend_batches();
    return {};
}

Result<ledger::Receipt> LedgerRole::wait_for_receipt(const Digest& hash, Duration wait) {
    const auto until = clock_.monotonic() + wait;
    const auto find = [&]() -> Result<std::optional<ledger::Receipt>> {
        Result<std::optional<ledger::Receipt>> found = std::optional<ledger::Receipt>();
        engine_->with_application(
            [&](const auto&) { found = application_.ledger().receipt(hash); });
        return found;
    };
    TRY(const auto known, find());
    if (!known) ethereum_.wait_for_old();
    std::unique_lock lock(block_mutex_);
    for (;;) {
        TRY(auto found, find());
        if (found) return std::move(*found);
        const auto left = until - clock_.monotonic();
        if (left <= Duration::zero())
            return Error{ErrorKind::not_found, "transaction " + hash.hex() + " is in no block yet"};
        block_made_.wait_for(lock, std::min<Duration>(left, std::chrono::milliseconds(100)));
    }
}

void LedgerRole::add_methods() {
    const auto wait_if_old = [this](ByteSpan key) {
        if (ledger::is_history(key)) ethereum_.wait_for_old();
    };
    service_.on_bytes(std::string(kPutBatch),
                      [this](ByteSpan request) { return put_batch(request); });
    service_.on_bytes(std::string(kGetBatch), [this](ByteSpan request) -> Result<Bytes> {
        TRY(const auto batch, lane::BatchStatement::decode(request));
        return lane_->log().encoded(batch);
    });
    service_.on<v1::SubmitRequest, v1::SubmitReply>(
        "/mutirao.v1.Ledger/Submit", [this](const auto& in) -> Result<v1::SubmitReply> {
            TRY(const auto hash, ethereum_.take(as_bytes(in.transaction())));
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
        "/mutirao.v1.Ledger/Read", [this, wait_if_old](const auto& in) -> Result<v1::ReadReply> {
            wait_if_old(as_bytes(in.key()));
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
        "/mutirao.v1.Ledger/ReadMany",
        [this, wait_if_old](const auto& in) -> Result<v1::ReadManyReply> {
            if (in.keys_size() > kReadManyMax)
                return Error{ErrorKind::invalid_argument,
                             "at most " + std::to_string(kReadManyMax) + " keys at once"};
            for (const auto& key : in.keys()) wait_if_old(as_bytes(key));
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
        "/mutirao.v1.Ledger/Scan", [this, wait_if_old](const auto& in) -> Result<v1::ScanReply> {
            if (in.prefix().size() < 2) ethereum_.wait_for_old();
            wait_if_old(as_bytes(in.prefix()));
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

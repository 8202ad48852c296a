#include "node/storage_role.hpp"

#include "base/codec.hpp"
#include "base/log.hpp"
#include "mutirao/v1/rights.pb.h"
#include "mutirao/v1/storage.pb.h"
#include "node/storage_calls.hpp"
#include "node/wire/fields.hpp"
#include "publish/small_objects.hpp"

namespace mutirao::node {

using wire::fixed_field;
using wire::to_field;

namespace {

constexpr std::uint64_t kCompactedAtOnce = 64 << 20;
// With a call a second: all of a terabyte in a day and a half.
constexpr std::uint64_t kScrubbedAtOnce = 8 << 20;
constexpr int kSharesAtOnce = publish::kTogetherMax;  // that a keeper takes
constexpr auto kLookInterval = std::chrono::minutes(5);
constexpr int kAskedAtOnce = 16;  // blocks that the ledger is asked about

}  // namespace

Result<std::unique_ptr<StorageRole>> StorageRole::open(Disk& disk, Clock& clock, Random& random,
                                                       const Identity& identity,
                                                       std::uint64_t chain_id, StorageView view) {
    TRY(auto store, storage::FragmentStore::open(disk, random));
    TRY(auto keeper, rights::Keeper::open(disk, random, view.licences));
    return std::unique_ptr<StorageRole>(
        new StorageRole(std::move(store), std::move(keeper), clock,
                        {identity.address(), chain_id, identity.bls}, std::move(view)));
}

StorageRole::StorageRole(std::unique_ptr<storage::FragmentStore> store,
                         std::unique_ptr<rights::Keeper> keeper, Clock& clock,
                         storage::NodeIdentity identity, StorageView view)
    : store_(std::move(store)),
      keeper_(std::move(keeper)),
      clock_(clock),
      address_(identity.address),
      view_(std::move(view)),
      node_(*store_, view_.memberships, std::move(identity)) {
    add_storage_methods();
    add_fragment_methods();
    add_keeper_methods();
}

Status StorageRole::tend() {
    TRY(auto compacted, store_->compact_some(kCompactedAtOnce));
    if (compacted.segments > 0)
        LOG_INFO("compaction removed " + std::to_string(compacted.segments) + " segments");
    TRY(auto scrubbed, store_->scrub_some(kScrubbedAtOnce));
    if (scrubbed.damaged > 0)
        LOG_WARN(std::to_string(scrubbed.damaged) +
                 " stored fragments turned out damaged; they are not served any more");
    return forget_uncertified();
}

Status StorageRole::forget_uncertified() {
    const auto now = clock_.monotonic();
    if (looked_ < Duration{0} || now - looked_ > kLookInterval) {
        looked_ = now;
        std::map<BlockId, Duration> uncertified;
        std::set<BlockId> certified;
        for (const auto& id : store_->blocks()) {
            if (certified_.contains(id)) {
                certified.insert(id);
                continue;
            }
            const auto known = uncertified_.find(id);
            uncertified[id] = known == uncertified_.end() ? now : known->second;
        }
        uncertified_ = std::move(uncertified);
        certified_ = std::move(certified);
    }
    int asked = 0;
    for (auto at = uncertified_.begin(); at != uncertified_.end() && asked < kAskedAtOnce;) {
        const auto& [id, since] = *at;
        if (now - since < kUncertifiedLife) {
            ++at;
            continue;
        }
        ++asked;
        TRY(const bool is_certified, view_.certified(id));
        if (is_certified) {
            certified_.insert(id);
        } else {
            LOG_INFO("block " + id.hex() + " was never certified and is forgotten");
            TRY_VOID(node_.drop(id));
        }
        at = uncertified_.erase(at);
    }
    return {};
}

void StorageRole::add_storage_methods() {
    service_.on<v1::OpenBlockRequest, v1::OpenBlockReply>(
        "/mutirao.v1.Storage/OpenBlock", [this](const auto& in) -> Result<v1::OpenBlockReply> {
            TRY(auto id, fixed_field<BlockId>(in.block()));
            TRY_VOID(node_.open_block(id, as_bytes(in.statement()), in.epoch()));
            return v1::OpenBlockReply{};
        });
    service_.on<v1::PutSlotRequest, v1::PutSlotReply>(
        "/mutirao.v1.Storage/PutSlot", [this](const auto& in) -> Result<v1::PutSlotReply> {
            TRY(auto id, fixed_field<BlockId>(in.block()));
            TRY_VOID(node_.put_slot(id, in.slot(), as_bytes(in.rows())));
            return v1::PutSlotReply{};
        });
    service_.on<v1::SignRequest, v1::SignReply>("/mutirao.v1.Storage/Sign",
                                                [this](const auto& in) -> Result<v1::SignReply> {
                                                    TRY(auto id, fixed_field<BlockId>(in.block()));
                                                    TRY(auto signature, node_.sign(id, in.epoch()));
                                                    v1::SignReply out;
                                                    out.set_signature(to_field(signature.span()));
                                                    return out;
                                                });
    service_.on<v1::StatementRequest, v1::StatementReply>(
        "/mutirao.v1.Storage/Statement", [this](const auto& in) -> Result<v1::StatementReply> {
            TRY(auto id, fixed_field<BlockId>(in.block()));
            TRY(auto statement, node_.statement(id));
            v1::StatementReply out;
            out.set_statement(to_field(statement));
            return out;
        });
    service_.on<v1::RowsRequest, v1::RowsReply>(
        "/mutirao.v1.Storage/Rows", [this](const auto& in) -> Result<v1::RowsReply> {
            TRY(auto id, fixed_field<BlockId>(in.block()));
            const std::vector<std::uint32_t> indexes(in.indexes().begin(), in.indexes().end());
            TRY(auto bytes, node_.read_rows(id, indexes));
            TRY(auto message, block::ServedMessage::decode(bytes));
            v1::RowsReply out;
            for (const auto& slot : message.slots) {
                auto& served = *out.add_slots();
                served.set_slot(slot.slot);
                for (const auto& digest : slot.digests)
                    served.mutable_digests()->append(as_text(digest.span()));
                for (const auto& [index, row] : slot.rows) {
                    served.add_indexes(index);
                    served.add_rows(to_field(row));
                }
            }
            return out;
        });
    service_.on<v1::DropRequest, v1::DropReply>("/mutirao.v1.Storage/Drop",
                                                [this](const auto& in) -> Result<v1::DropReply> {
                                                    TRY(auto id, fixed_field<BlockId>(in.block()));
                                                    TRY_VOID(view_.released(id));
                                                    TRY_VOID(node_.drop(id));
                                                    return v1::DropReply{};
                                                });
    service_.on<v1::UsageRequest, v1::UsageReply>("/mutirao.v1.Storage/Usage",
                                                  [this](const auto&) -> Result<v1::UsageReply> {
                                                      const auto usage = node_.usage();
                                                      v1::UsageReply out;
                                                      out.set_blocks(usage.blocks);
                                                      out.set_slots(usage.slots);
                                                      out.set_bytes(usage.bytes);
                                                      out.set_damaged(usage.damaged);
                                                      out.set_address(to_field(address_.span()));
                                                      return out;
                                                  });
    service_.on<v1::AuditRequest, v1::AuditReply>(
        "/mutirao.v1.Storage/Audit", [this](const auto& in) -> Result<v1::AuditReply> {
            TRY(auto id, fixed_field<BlockId>(in.block()));
            TRY(auto draw, fixed_field<Digest>(in.draw()));
            TRY(auto proof, node_.prove_slot(id, in.slot(), draw));
            v1::AuditReply out;
            out.set_proof(to_field(proof.encode()));
            return out;
        });
}

void StorageRole::add_fragment_methods() {
    service_.on_bytes(std::string(kPutFragments), [this](ByteSpan in) -> Result<Bytes> {
        TRY(auto share, block::ShareMessage::decode(in));
        TRY(auto signature, node_.put_share(share));
        return signature ? to_bytes(signature->span()) : Bytes{};
    });
    service_.on_bytes(std::string(kReadFragments), [this](ByteSpan in) -> Result<Bytes> {
        Reader reader(in);
        TRY(auto id, reader.fixed<BlockId>());
        std::vector<std::uint32_t> indexes;
        while (reader.remaining() > 0) {
            TRY(auto index, reader.u<std::uint32_t>());
            indexes.push_back(index);
        }
        return node_.read_rows(id, indexes);
    });
    service_.on_bytes(std::string(kReadStatement), [this](ByteSpan in) -> Result<Bytes> {
        TRY(auto id, BlockId::from_bytes(in));
        return node_.statement(id);
    });
}

void StorageRole::add_keeper_methods() {
    service_.on<v1::KeepRequest, v1::KeepReply>(
        "/mutirao.v1.Keeper/Keep", [this](const auto& in) -> Result<v1::KeepReply> {
            if (in.share_size() == 0 || in.share_size() > kSharesAtOnce)
                return Error{ErrorKind::invalid_argument,
                             "a keeper takes 1 to " + std::to_string(kSharesAtOnce) +
                                 " shares at once, not " + std::to_string(in.share_size())};
            std::vector<rights::KeptShare> shares;
            for (const auto& bytes : in.share()) {
                TRY(auto share, rights::KeptShare::decode(as_bytes(bytes)));
                shares.push_back(std::move(share));
            }
            TRY_VOID(keeper_->keep_all(shares));
            return v1::KeepReply{};
        });
    service_.on<v1::ManifestRequest, v1::ManifestReply>(
        "/mutirao.v1.Keeper/Manifest", [this](const auto& in) -> Result<v1::ManifestReply> {
            TRY(auto content, fixed_field<Digest>(in.content()));
            TRY(auto manifest, keeper_->manifest(content));
            v1::ManifestReply out;
            out.set_manifest(to_field(manifest));
            return out;
        });
    service_.on<v1::ReleaseRequest, v1::ReleaseReply>(
        "/mutirao.v1.Keeper/Release", [this](const auto& in) -> Result<v1::ReleaseReply> {
            TRY(auto request, rights::KeyRequest::decode(as_bytes(in.key_request())));
            TRY(auto released, keeper_->release(request, clock_.unix_ms()));
            v1::ReleaseReply out;
            out.set_index(released.index);
            out.set_threshold(released.threshold);
            out.set_sealed(to_field(released.sealed));
            return out;
        });
    service_.on<v1::ForgetRequest, v1::ForgetReply>(
        "/mutirao.v1.Keeper/Forget", [this](const auto& in) -> Result<v1::ForgetReply> {
            TRY(auto request, rights::KeyRequest::decode(as_bytes(in.key_request())));
            TRY_VOID(keeper_->forget(request, clock_.unix_ms()));
            return v1::ForgetReply{};
        });
}

}  // namespace mutirao::node

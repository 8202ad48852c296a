#include "publish/disperser.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace mutirao::publish {
namespace {

// What the tasks of one dispersal share. It outlives disperse() while slow nodes are still served.
struct Progress {
    std::mutex mutex;  // guards everything below
    std::condition_variable changed;
    std::vector<std::pair<std::uint32_t, crypto::BlsSignature>> signed_by;  // member, signature
    std::vector<NodeFailure> failures;
    std::uint32_t slots_signed = 0;
    std::uint32_t running = 0;
};

Bytes slot_rows(const block::CodedBlock& coded, std::uint32_t slot) {
    const auto& header = coded.statement.header;
    Bytes out;
    out.reserve(std::size_t{header.rows_per_slot()} * header.row_size);
    for (auto row = slot; row < header.rows; row += header.slots) {
        const auto bytes = coded.row(row);
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    return out;
}

// One node's share: statement, its slots, its signature (verified here, so that a node that signs
// rubbish only fails itself).
Result<crypto::BlsSignature> serve_node(StorageCalls& nodes, const block::CodedBlock& coded,
                                        ByteSpan statement, const block::Certificate& unsigned_one,
                                        std::uint64_t chain_id, const Committee& committee,
                                        std::uint32_t member) {
    const auto& node = committee.node(member);
    const auto& id = unsigned_one.id;
    TRY_VOID(nodes.open_block(node, id, committee.epoch(), statement));
    for (const auto slot : committee.placement->slots_of(id, member))
        TRY_VOID(nodes.put_slot(node, id, slot, slot_rows(coded, slot)));
    TRY(auto signature, nodes.sign(node, id, committee.epoch()));
    if (!crypto::verify(committee.keys[member], block::availability_message(chain_id, unsigned_one),
                        signature))
        return Error{ErrorKind::corrupt, "the node's signature does not verify"};
    return signature;
}

Error no_quorum(const Progress& progress) {
    std::string message = "no quorum: " + std::to_string(progress.slots_signed) + " of " +
                          std::to_string(block::kSlotCount) + " slots were signed and " +
                          std::to_string(block::kAvailableSlots) + " are needed; " +
                          std::to_string(progress.failures.size()) + " nodes failed";
    if (!progress.failures.empty())
        message += ", the first: " + progress.failures.front().error.message;
    return Error{ErrorKind::unavailable, std::move(message)};
}

}  // namespace

Result<Dispersal> Disperser::disperse(std::shared_ptr<const block::CodedBlock> coded,
                                      const Committee& committee) {
    auto certificate = block::certificate_for(coded->statement, committee.epoch());
    const auto statement = std::make_shared<const Bytes>(coded->statement.encode());
    const auto held = committee.placement->slots_held(certificate.id);
    auto progress = std::make_shared<Progress>();
    progress->running = committee.size();

    for (std::uint32_t member = 0; member < committee.size(); ++member)
        executor_.post([&nodes = nodes_, chain_id = options_.chain_id, coded, statement,
                        certificate, committee, member, progress, weight = held[member]] {
            auto signature =
                serve_node(nodes, *coded, *statement, certificate, chain_id, committee, member);
            const std::lock_guard lock(progress->mutex);
            if (signature.ok()) {
                progress->signed_by.emplace_back(member, *signature);
                progress->slots_signed += weight;
            } else {
                progress->failures.push_back(
                    {committee.node(member), std::move(signature).error()});
            }
            --progress->running;
            progress->changed.notify_all();
        });

    std::unique_lock lock(progress->mutex);
    const auto enough = [&] { return progress->slots_signed >= block::kAvailableSlots; };
    progress->changed.wait(lock, [&] { return enough() || progress->running == 0; });
    progress->changed.wait_for(lock, options_.grace, [&] { return progress->running == 0; });
    if (!enough()) return no_quorum(*progress);

    std::sort(progress->signed_by.begin(), progress->signed_by.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::uint32_t> members;
    std::vector<crypto::BlsSignature> signatures;
    for (const auto& [member, signature] : progress->signed_by) {
        members.push_back(member);
        signatures.push_back(signature);
    }
    certificate.signers = block::signer_bitmap(committee.size(), members);
    TRY(certificate.signature, crypto::aggregate(signatures));
    return Dispersal{std::move(certificate), progress->slots_signed, progress->failures};
}

}  // namespace mutirao::publish

#include "publish/disperser.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "crypto/bls_aggregate.hpp"

namespace mutirao::publish {
namespace {

// What a node answered; whether it is its signature is seen when all are added up.
struct Signed {
    std::uint32_t member;
    std::uint32_t slots;
    crypto::BlsVerifiedKey key;
    crypto::BlsSignature signature;
};

// What the tasks of one dispersal share. It outlives disperse() while slow nodes are still served.
struct Progress {
    std::mutex mutex;  // guards everything below
    std::condition_variable changed;
    std::vector<Signed> signed_by;
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

// One node's share: statement, its slots, its signature. The committee's keys have shown possession
// when they were registered.
Result<Signed> serve_node(StorageCalls& nodes, const block::CodedBlock& coded, ByteSpan statement,
                          const BlockId& id, const Committee& committee, std::uint32_t member) {
    const auto& node = committee.node(member);
    TRY(auto key, crypto::BlsVerifiedKey::possession_shown(committee.keys[member]));
    TRY_VOID(nodes.open_block(node, id, committee.epoch(), statement));
    const auto slots = committee.placement->slots_of(id, member);
    for (const auto slot : slots) TRY_VOID(nodes.put_slot(node, id, slot, slot_rows(coded, slot)));
    TRY(auto signature, nodes.sign(node, id, committee.epoch()));
    return Signed{member, static_cast<std::uint32_t>(slots.size()), std::move(key), signature};
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

// Adds up what the nodes signed and takes the wrong signatures out of `candidates` and of the
// progress, so that a node that signs rubbish only fails itself.
crypto::BlsSignature add_up(std::vector<Signed>& candidates, ByteSpan message,
                            const Committee& committee, Progress& progress) {
    std::vector<crypto::BlsVerifiedKey> keys;
    std::vector<crypto::BlsSignature> signatures;
    for (const auto& each : candidates) {
        keys.push_back(each.key);
        signatures.push_back(each.signature);
    }
    auto sum = crypto::aggregate_valid(keys, message, signatures);
    std::vector<bool> is_bad(candidates.size(), !sum.ok());  // an error: there is none to keep
    if (sum.ok())
        for (const auto place : sum->bad) is_bad[place] = true;
    std::vector<Signed> good;
    const std::lock_guard lock(progress.mutex);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const auto member = candidates[i].member;
        if (!is_bad[i]) {
            good.push_back(candidates[i]);
            continue;
        }
        progress.slots_signed -= candidates[i].slots;
        std::erase_if(progress.signed_by, [&](const auto& s) { return s.member == member; });
        progress.failures.push_back(
            {committee.node(member),
             Error{ErrorKind::corrupt, "the node's signature does not verify"}});
    }
    candidates = std::move(good);
    return sum.ok() ? sum->signature : crypto::BlsSignature{};
}

std::uint32_t slots_signed_by(const std::vector<Signed>& all) {
    std::uint32_t slots = 0;
    for (const auto& each : all) slots += each.slots;
    return slots;
}

}  // namespace

Result<Dispersal> Disperser::disperse(std::shared_ptr<const block::CodedBlock> coded,
                                      const Committee& committee) {
    auto certificate = block::certificate_for(coded->statement, committee.epoch());
    const auto message = block::availability_message(options_.chain_id, certificate);
    const auto statement = std::make_shared<const Bytes>(coded->statement.encode());
    auto progress = std::make_shared<Progress>();
    progress->running = committee.size();

    for (std::uint32_t member = 0; member < committee.size(); ++member)
        executor_.post([&nodes = nodes_, coded, statement, id = certificate.id, committee, member,
                        progress] {
            auto answer = serve_node(nodes, *coded, *statement, id, committee, member);
            const std::lock_guard lock(progress->mutex);
            if (answer.ok()) {
                progress->slots_signed += answer->slots;
                progress->signed_by.push_back(std::move(answer).value());
            } else {
                progress->failures.push_back({committee.node(member), std::move(answer).error()});
            }
            --progress->running;
            progress->changed.notify_all();
        });

    std::vector<Signed> signers;
    while (slots_signed_by(signers) < block::kAvailableSlots) {
        std::unique_lock lock(progress->mutex);
        const auto enough = [&] { return progress->slots_signed >= block::kAvailableSlots; };
        progress->changed.wait(lock, [&] { return enough() || progress->running == 0; });
        progress->changed.wait_for(lock, options_.grace, [&] { return progress->running == 0; });
        if (!enough()) return no_quorum(*progress);
        signers = progress->signed_by;
        lock.unlock();
        std::sort(signers.begin(), signers.end(),
                  [](const auto& a, const auto& b) { return a.member < b.member; });
        certificate.signature = add_up(signers, message, committee, *progress);
    }
    std::vector<std::uint32_t> members;
    for (const auto& each : signers) members.push_back(each.member);
    certificate.signers = block::signer_bitmap(committee.size(), members);
    const std::lock_guard lock(progress->mutex);
    return Dispersal{std::move(certificate), slots_signed_by(signers), progress->failures};
}

}  // namespace mutirao::publish

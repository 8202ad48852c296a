#include "publish/disperser.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>

namespace mutirao::publish {
namespace {

constexpr auto kFirstPause = std::chrono::milliseconds(200);  // before a node is tried again
constexpr block::Fraction kLiarsOfStrong{1, 6};

// What a node answered; whether it is its signature is seen when all are added up.
struct Signed {
    std::uint32_t member;
    std::uint32_t slots;
    crypto::BlsSignature signature;
};

std::uint32_t slots_signed_by(const std::vector<Signed>& all) {
    std::uint32_t slots = 0;
    for (const auto& each : all) slots += each.slots;
    return slots;
}

}  // namespace

Result<std::uint32_t> slots_needed(const block::Header& header, Strength strength) {
    if (strength == Strength::available) return block::kAvailableSlots;
    return block::strong_slots(header, kLiarsOfStrong);
}

// Those whose signatures were added up, by member; later ones are not among them.
struct Disperser::Quorum {
    std::vector<Signed> signers;
    crypto::BlsSignature sum;
};

// One dispersal: shared by its caller and by the calls under way, which may outlast it.
struct Disperser::Progress {
    std::shared_ptr<const block::CodedBlock> coded;
    Bytes statement;
    BlockId id;
    Committee committee;
    std::uint64_t group = 0;
    std::vector<std::vector<std::uint32_t>> shares;  // slots by member
    std::size_t slots_a_part = 0;
    Duration begun{0};
    std::atomic<bool> insists = false;  // nodes are tried again, whether they rest or not

    std::mutex mutex;  // guards everything below
    std::condition_variable changed;
    std::vector<Signed> signed_by;
    std::map<std::uint32_t, NodeFailure> failed;  // by member
    std::vector<NodeFailure> liars;
    std::uint32_t slots_signed = 0;
    std::uint32_t running = 0;  // members that are still served
    std::uint32_t round = 1;    // of tries

    void fail(std::uint32_t member, Error error) {
        const std::lock_guard lock(mutex);
        failed.insert_or_assign(member, NodeFailure{committee.node(member), std::move(error)});
        --running;
        changed.notify_all();
    }
    void sign(std::uint32_t member, const crypto::BlsSignature& signature) {
        const std::lock_guard lock(mutex);
        const auto slots = static_cast<std::uint32_t>(shares[member].size());
        signed_by.push_back({member, slots, signature});
        slots_signed += slots;
        --running;
        changed.notify_all();
    }
    bool is_over() {
        const std::lock_guard lock(mutex);
        return running == 0;
    }
    std::vector<NodeFailure> failures() {
        const std::lock_guard lock(mutex);
        auto out = liars;
        for (const auto& [member, failure] : failed) out.push_back(failure);
        return out;
    }
    Error no_quorum(std::uint32_t needed);
    crypto::BlsSignature add_up(std::vector<Signed>& candidates, ByteSpan message);
};

Error Disperser::Progress::no_quorum(std::uint32_t needed) {
    const auto all = failures();
    std::string message = "no quorum: " + std::to_string(slots_signed) + " of " +
                          std::to_string(block::kSlotCount) + " slots were signed and " +
                          std::to_string(needed) + " are needed; " + std::to_string(all.size()) +
                          " nodes failed";
    if (!all.empty()) message += ", the first: " + all.front().error.message;
    return Error{ErrorKind::unavailable, std::move(message)};
}

// Adds up what the nodes signed and takes the wrong signatures out of `candidates` and of the
// progress, so that a node that signs rubbish only fails itself.
crypto::BlsSignature Disperser::Progress::add_up(std::vector<Signed>& candidates,
                                                 ByteSpan message) {
    std::vector<crypto::BlsVerifiedKey> keys;
    std::vector<crypto::BlsSignature> signatures;
    for (const auto& each : candidates) {
        keys.push_back(committee.keys[each.member]);
        signatures.push_back(each.signature);
    }
    auto sum = crypto::aggregate_valid(keys, message, signatures);
    std::vector<bool> is_bad(candidates.size(), !sum.ok());  // an error: there is none to keep
    if (sum.ok())
        for (const auto place : sum->bad) is_bad[place] = true;
    std::vector<Signed> good;
    const std::lock_guard lock(mutex);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const auto member = candidates[i].member;
        if (!is_bad[i]) {
            good.push_back(candidates[i]);
            continue;
        }
        slots_signed -= candidates[i].slots;
        std::erase_if(signed_by, [&](const auto& s) { return s.member == member; });
        liars.push_back({committee.node(member),
                         Error{ErrorKind::corrupt, "the node's signature does not verify"}});
    }
    candidates = std::move(good);
    return sum.ok() ? sum->signature : crypto::BlsSignature{};
}

Disperser::Disperser(StorageCalls& nodes, NodeHealth& health, Clock& clock,
                     DispersalOptions options)
    : clock_(clock),
      options_(options),
      lanes_(std::make_shared<SendLanes>(nodes, health, options.lanes)) {}

Disperser::~Disperser() { lanes_->close(); }

void Disperser::send_part(const std::weak_ptr<SendLanes>& lanes,
                          const std::shared_ptr<Progress>& progress, std::uint32_t member,
                          std::size_t first_slot) {
    const auto open = lanes.lock();
    if (!open)
        return progress->fail(member, Error{ErrorKind::unavailable, "this node is stopping"});
    const auto& share = progress->shares[member];
    const auto end = std::min(share.size(), first_slot + progress->slots_a_part);
    SharePart part;
    part.id = progress->id;
    part.epoch = progress->committee.epoch();
    if (first_slot == 0) part.statement = progress->statement;
    for (auto i = first_slot; i < end; ++i) part.slots.push_back(progress->coded->slot(share[i]));
    part.sign = end == share.size();
    part.owner = progress;
    // The next part of a share follows when this one is answered: what keeps a link full meanwhile
    // are the parts of other blocks.
    open->send(progress->committee.node(member), progress->group, std::move(part),
               progress->insists, [lanes, progress, member, end](auto answer) {
                   if (!answer.ok()) return progress->fail(member, std::move(answer).error());
                   if (*answer) return progress->sign(member, **answer);
                   if (end < progress->shares[member].size())
                       return send_part(lanes, progress, member, end);
                   progress->fail(member, Error{ErrorKind::corrupt, "the node did not sign"});
               });
}

void Disperser::begin(const std::shared_ptr<Progress>& progress, std::uint32_t member) {
    {
        const std::lock_guard lock(progress->mutex);
        progress->failed.erase(member);
        ++progress->running;
    }
    send_part(lanes_, progress, member, 0);
}

bool Disperser::try_again(const std::shared_ptr<Progress>& progress) {
    std::vector<std::uint32_t> members;
    {
        const std::lock_guard lock(progress->mutex);
        if (progress->round >= options_.tries) return false;
        for (const auto& [member, failure] : progress->failed) members.push_back(member);
        if (members.empty()) return false;
        ++progress->round;
    }
    progress->insists = true;
    clock_.sleep(kFirstPause * (1 << (2 * (progress->round - 2))));
    for (const auto member : members) begin(progress, member);
    return true;
}

Result<Disperser::Quorum> Disperser::gather(const std::shared_ptr<Progress>& progress,
                                            std::uint32_t needed, ByteSpan message) {
    for (;;) {
        std::unique_lock lock(progress->mutex);
        const auto over = [&] { return progress->running == 0; };
        progress->changed.wait(lock, [&] { return progress->slots_signed >= needed || over(); });
        if (progress->slots_signed < needed) {
            lock.unlock();
            if (!try_again(progress)) return progress->no_quorum(needed);
            continue;
        }
        const auto grace =
            std::min<Duration>((clock_.monotonic() - progress->begun) / 40, options_.grace_max);
        progress->changed.wait_for(lock, grace, over);
        auto signers = progress->signed_by;
        lock.unlock();
        std::sort(signers.begin(), signers.end(),
                  [](const auto& a, const auto& b) { return a.member < b.member; });
        auto sum = progress->add_up(signers, message);
        if (slots_signed_by(signers) >= needed) return Quorum{std::move(signers), sum};
    }
}

void Disperser::linger(std::shared_ptr<Progress> progress) {
    std::vector<std::uint64_t> left_to_repair;
    {
        const std::lock_guard lock(mutex_);
        if (!progress->is_over()) lingering_.push_back(std::move(progress));
        std::erase_if(lingering_, [](const auto& each) { return each->is_over(); });
        while (lingering_.size() > options_.lingering_max) {
            left_to_repair.push_back(lingering_.front()->group);
            lingering_.pop_front();
        }
    }
    for (const auto group : left_to_repair) lanes_->drop(group);
}

Result<Dispersal> Disperser::disperse(std::shared_ptr<const block::CodedBlock> coded,
                                      const Committee& committee, Strength strength,
                                      const Threads& threads) {
    TRY(const auto needed, slots_needed(coded->statement.header, strength));
    Dispersal out;
    out.certificate = block::certificate_for(coded->statement, committee.epoch());
    const auto message = block::availability_message(options_.chain_id, out.certificate);
    auto progress = std::make_shared<Progress>();
    progress->statement = coded->statement.encode();
    progress->coded = std::move(coded);
    progress->id = out.certificate.id;
    progress->committee = committee;
    const auto& header = progress->coded->statement.header;
    progress->slots_a_part = std::max<std::size_t>(
        1, options_.part_bytes / (std::size_t{header.rows_per_slot()} * header.row_size));
    progress->begun = clock_.monotonic();
    {
        const std::lock_guard lock(mutex_);
        progress->group = next_group_++;
    }
    for (std::uint32_t member = 0; member < committee.size(); ++member)
        progress->shares.push_back(committee.placement->slots_of(progress->id, member));
    for (std::uint32_t member = 0; member < committee.size(); ++member)
        if (!progress->shares[member].empty()) begin(progress, member);
    // While the nodes check and store.
    out.certificate.opening = block::open_leaves(progress->coded->statement, progress->id, threads);

    auto quorum = gather(progress, needed, message);
    out.failures = progress->failures();
    linger(std::move(progress));
    if (!quorum.ok()) return std::move(quorum).error();
    out.certificate.signature = quorum->sum;
    out.slots_signed = slots_signed_by(quorum->signers);
    std::vector<std::uint32_t> members;
    for (const auto& each : quorum->signers) members.push_back(each.member);
    out.certificate.signers = block::signer_bitmap(committee.size(), members);
    return out;
}

}  // namespace mutirao::publish

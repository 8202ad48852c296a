// RunMember's part in secure sums: train/sum_rounds.hpp over the ports.
#include <algorithm>

#include "base/log.hpp"
#include "node/run_member.hpp"

namespace mutirao::node {
namespace {

using namespace std::chrono_literals;

constexpr auto kLook = 200ms;  // between two looks at whether the run was cancelled

}  // namespace

void RunMember::make_sums(std::uint32_t round) {
    if (plan_.sum_values.empty()) return;
    train::SumRounds::Settings settings{
        plan_.run,
        plan_.worker,
        static_cast<std::uint32_t>(plan_.trainers.size()),
        plan_.sum_threshold,
        plan_.quorum,
        round,
        [this](std::uint32_t of) { return plan_.sum_values[of % plan_.sum_values.size()]; }};
    sums_.emplace(std::move(settings), train::Patience{}, now());
}

train::SumSettings RunMember::sum_settings(std::uint32_t round) const {
    return {static_cast<std::uint32_t>(plan_.trainers.size()), plan_.sum_threshold,
            plan_.sum_values[round % plan_.sum_values.size()], plan_.quorum};
}

// Payloads of who is not on the roster are never fetched, and so not voted for.
bool RunMember::may_come(std::uint32_t round, std::uint32_t worker) const {
    if (!sums_) return true;
    const auto* roster = sums_->roster(round);
    return roster != nullptr && std::ranges::binary_search(*roster, worker);
}

void RunMember::advance_sums() {
    const auto first = standing_ < 2 ? 0 : standing_ - 2;
    for (auto round = first; round < standing_ + train::kRoundsOpen; ++round) {
        const auto* value = agreement_.decision(round);
        if (value == nullptr) continue;
        std::vector<std::uint32_t> workers;
        for (const auto& member : value->members) workers.push_back(member.worker);
        say(sums_->came(round, workers, now()));
    }
    mask_if_asked();
    for (const auto& complaint : sums_->complaints())
        LOG_WARN("run " + plan_.run.hex() + ": " + complaint);
}

void RunMember::mask_if_asked() {
    std::uint32_t round = 0;
    std::vector<std::uint32_t> values;
    {
        const std::lock_guard lock(mutex_);
        if (!masking_ || masking_->answer) return;
        round = masking_->round;
        const bool is_late = agreement_.decision(round) != nullptr;
        if (!is_late && !sums_->roster(round)) return;
        if (is_late || !sums_->takes_part(round)) {
            masking_->answer.emplace(std::nullopt);
            changed_.notify_all();
            return;
        }
        values = std::move(masking_->values);
    }
    auto masked = sums_->mask(round, values);
    const std::lock_guard lock(mutex_);
    if (!masking_ || masking_->round != round) return;  // it has gone on without
    if (masked.ok())
        masking_->answer.emplace(std::optional(std::move(masked->values)));
    else
        masking_->answer.emplace(std::move(masked).error());
    changed_.notify_all();
}

Result<std::optional<std::vector<std::uint32_t>>> RunMember::mask(
    std::uint32_t round, std::vector<std::uint32_t> values) {
    using Answer = Result<std::optional<std::vector<std::uint32_t>>>;
    std::unique_lock lock(mutex_);
    masking_ = Masking{round, std::move(values), {}};
    post([] {});  // the loop looks after each event
    for (;;) {
        if (failure_) return *failure_;
        if (cancelled_) return Error{ErrorKind::unavailable, "the run was cancelled"};
        if (masking_->answer) {
            Answer answer = std::move(*masking_->answer);
            masking_.reset();
            return answer;
        }
        if (far_) {  // the others have gone on
            masking_.reset();
            return std::optional<std::vector<std::uint32_t>>();
        }
        changed_.wait_for(lock, kLook);
    }
}

}  // namespace mutirao::node

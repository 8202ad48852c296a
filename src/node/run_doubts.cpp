// RunMember: whom this worker caught, what others say that they caught, and who is done looking.
#include <algorithm>

#include "node/run_member.hpp"

namespace mutirao::node {
namespace {

constexpr auto kLook = std::chrono::milliseconds(200);  // at most between two looks at who is done

}  // namespace

std::set<std::uint32_t> RunMember::cheaters() const {
    const std::lock_guard lock(mutex_);
    return cheaters_;
}

std::map<std::uint32_t, std::uint32_t> RunMember::caught() const {
    const std::lock_guard lock(mutex_);
    return caught_;
}

void RunMember::leave_out(std::uint32_t worker) {
    agreement_.leave_out(worker);
    if (sums_) sums_->leave_out(worker);
    const std::lock_guard lock(mutex_);
    cheaters_.insert(worker);
}

void RunMember::accuse(std::uint32_t worker, std::uint32_t round) {
    post([this, worker, round] {
        const train::Message doubt{plan_.run, round, plan_.worker, train::Doubt{worker}};
        remember_doubt(doubt);
        say({doubt});
    });
}

// This worker's own, now or before a crash.
void RunMember::remember_doubt(const train::Message& message) {
    const auto* doubt = std::get_if<train::Doubt>(&message.body);
    if (doubt == nullptr || message.worker != plan_.worker) return;
    leave_out(doubt->worker);
    const std::lock_guard lock(mutex_);
    caught_.try_emplace(doubt->worker, message.round);
}

void RunMember::hear_of_doubts(const train::Message& message) {
    const std::lock_guard lock(mutex_);
    if (const auto* doubt = std::get_if<train::Doubt>(&message.body);
        doubt != nullptr && accusations_.size() < plan_.trainers.size())
        accusations_.push_back({message.worker, doubt->worker, message.round});
    if (std::holds_alternative<train::Looked>(message.body)) looked_.insert(message.worker);
}

std::vector<RunMember::Accusation> RunMember::accusations(std::uint32_t applied) {
    const std::lock_guard lock(mutex_);
    const auto later = std::ranges::stable_partition(
        accusations_, [applied](const auto& doubt) { return doubt.round <= applied; });
    std::vector<Accusation> out(accusations_.begin(), later.begin());
    accusations_.erase(accusations_.begin(), later.begin());
    return out;
}

void RunMember::looked(std::uint32_t round) {
    post([this, round] { say({{plan_.run, round, plan_.worker, train::Looked{}}}); });
}

Status RunMember::wait_for_looks(Duration patience) {
    const auto until = now() + patience;
    std::unique_lock lock(mutex_);
    const auto is_done = [this](std::uint32_t worker) {
        return worker == plan_.worker || looked_.contains(worker) || cheaters_.contains(worker) ||
               away_.contains(worker);
    };
    for (std::uint32_t worker = 0; worker < plan_.trainers.size();) {
        if (failure_) return *failure_;
        if (cancelled_) return Error{ErrorKind::unavailable, "the run was cancelled"};
        if (now() >= until) return {};
        if (is_done(worker))
            ++worker;
        else
            changed_.wait_for(lock, kLook);
    }
    return {};
}

}  // namespace mutirao::node

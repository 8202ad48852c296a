#include "train/agreement.hpp"

#include <algorithm>

namespace mutirao::train {

namespace {

constexpr std::uint32_t kRoundsBehind = 2;   // kept for workers that catch up
constexpr std::size_t kStandingsKept = 4;    // of each worker, its latest
constexpr std::uint32_t kDoublingsMax = 12;  // of the patience

}  // namespace

Agreement::Agreement(const Settings& settings, const Patience& patience, Duration now)
    : settings_(settings), patience_(patience), heard_at_(settings.workers, now) {
    set_floor(settings.round);
    ENSURE(settings.workers >= 1 && settings.workers <= kWorkersMax &&
           settings.worker < settings.workers && settings.witnesses < settings.workers &&
           settings.quorum <= settings.workers - settings.witnesses);
}

void Agreement::set_floor(std::uint32_t round) {
    floor_ = round < kRoundsBehind ? 0 : round - kRoundsBehind;
}

void Agreement::recall(const Message& message) {
    if (!is_open(message.round)) return;
    auto& round = rounds_[message.round];
    if (const auto* own = std::get_if<Promise>(&message.body);
        own && message.worker == settings_.worker) {
        round.view = std::max(round.view, own->view);
    }
    if (const auto* own = std::get_if<Acceptance>(&message.body);
        own && message.worker == settings_.worker) {
        round.view = std::max(round.view, own->view);
        const auto proposal = round.proposals.find(own->view);
        if (proposal != round.proposals.end() && own->view + 1 > round.accepted_views) {
            round.accepted_views = own->view + 1;
            round.accepted = proposal->second;
        }
    }
    note(message, Duration{0});
}

Messages Agreement::stand(std::uint32_t round, const Digest& state, Duration now) {
    Messages out;
    set_floor(round);
    say(round, Standing{state}, now, out);
    auto more = go_to(round, now);
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

Messages Agreement::go_to(std::uint32_t round, Duration now) {
    Messages out;
    set_floor(round);
    forget();
    for (auto number = floor_; number < floor_ + kRoundsOpen; ++number)
        if (rounds_.contains(number)) advance(number, now, out);
    return out;
}

void Agreement::forget() {
    for (const auto end = rounds_.lower_bound(floor_); rounds_.begin() != end;) {
        for (const auto& [worker, said] : rounds_.begin()->second.ready)
            for (const auto& ready : said) stored_.erase(ready.payload);
        rounds_.erase(rounds_.begin());
    }
}

Messages Agreement::ready(std::uint32_t round, const Digest& base, const Digest& payload,
                          Duration now) {
    Messages out;
    stored_.insert(payload);
    if (!is_open(round) || own_ready(round)) return out;
    say(round, Ready{base, payload}, now, out);
    advance(round, now, out);
    return out;
}

Messages Agreement::receive(const Message& message, Duration now) {
    Messages out;
    if (message.worker == settings_.worker) return out;
    note(message, now);
    if (rounds_.contains(message.round)) advance(message.round, now, out);
    return out;
}

Messages Agreement::stored(const Digest& payload, Duration now) {
    Messages out;
    stored_.insert(payload);
    for (auto& [number, round] : rounds_)
        if (is_open(number)) advance(number, now, out);
    return out;
}

Messages Agreement::tick(Duration now) {
    Messages out;
    for (auto& [number, round] : rounds_)
        if (is_open(number)) advance(number, now, out);
    return out;
}

const RoundValue* Agreement::decision(std::uint32_t round) const {
    const auto found = rounds_.find(round);
    return found != rounds_.end() && found->second.decided ? &*found->second.decided : nullptr;
}

const Ready* Agreement::own_ready(std::uint32_t round) const {
    const auto found = rounds_.find(round);
    if (found == rounds_.end()) return nullptr;
    const auto own = found->second.ready.find(settings_.worker);
    return own == found->second.ready.end() ? nullptr : &own->second.front();
}

bool Agreement::hurry(std::uint32_t round) const {
    const auto found = rounds_.find(round);
    if (found == rounds_.end()) return false;
    const auto& at = found->second;
    return at.decided || at.enough_at;
}

Duration Agreement::stretched(Duration patience, std::uint32_t changes) const {
    return patience * (1 << std::min(slowness_ + changes, kDoublingsMax));
}

bool Agreement::is_silent(std::uint32_t worker, Duration patience, Duration now) const {
    return worker != settings_.worker && now - heard_at_[worker] > patience;
}

bool Agreement::away(std::uint32_t worker, Duration now) const {
    return is_silent(worker, stretched(patience_.away, 0), now);
}

bool Agreement::is_lost(std::uint32_t worker, std::uint32_t changes, Duration now) const {
    const auto patience =
        refused_.contains(worker) ? std::min(patience_.refused, patience_.away) : patience_.away;
    return is_silent(worker, stretched(patience, changes), now);
}

void Agreement::heard(std::uint32_t worker, Duration now) {
    heard_at_[worker] = now;
    refused_.erase(worker);
}

void Agreement::say(std::uint32_t number, decltype(Message::body) body, Duration now,
                    Messages& out) {
    out.push_back({settings_.run, number, settings_.worker, std::move(body), settings_.subject});
    note(out.back(), now);
}

void Agreement::note(const Message& message, Duration now) {
    const auto number = message.round;
    heard_at_[message.worker] = std::max(heard_at_[message.worker], now);
    if (std::holds_alternative<Standing>(message.body)) return note_standing(message);
    if (!is_open(number)) return;
    auto& round = rounds_[number];
    if (const auto* ready = std::get_if<Ready>(&message.body)) {
        note_ready(round, message.worker, *ready);
    } else if (const auto* proposal = std::get_if<Proposal>(&message.body)) {
        if (message.worker != coordinator(number, proposal->view)) return;
        round.proposals.try_emplace(proposal->view, proposal->value);
    } else if (const auto* vote = std::get_if<Acceptance>(&message.body)) {
        round.votes[{vote->view, vote->value}].insert(message.worker);
    } else if (const auto* promise = std::get_if<Promise>(&message.body)) {
        round.promises[promise->view].try_emplace(message.worker, *promise);
    }
}

void Agreement::note_ready(Round& round, std::uint32_t worker, const Ready& ready) {
    if (worker >= senders()) return;
    auto& said = round.ready[worker];
    if (std::ranges::find(said, ready) != said.end() || said.size() >= 2) return;
    said.push_back(ready);
    if (said.size() < 2) return;
    liars_.insert(worker);
    left_out_.insert(worker);
}

void Agreement::note_standing(const Message& message) {
    auto& known = standings_[message.worker];
    known.try_emplace(message.round, std::get<Standing>(message.body).state);
    while (known.size() > kStandingsKept) known.erase(known.begin());
}

std::map<std::uint32_t, std::vector<Member>> Agreement::wanted() const {
    std::map<std::uint32_t, std::vector<Member>> out;
    for (const auto& [number, round] : rounds_) {
        if (round.decided) {
            for (const auto& member : round.decided->members)
                if (!has(member.payload)) out[number].push_back(member);
            continue;
        }
        for (const auto& [worker, said] : round.ready)
            if (!has(said.front().payload)) out[number].push_back({worker, said.front().payload});
    }
    return out;
}

// The shared parameters that most ready workers started from.
Digest Agreement::base_of(const Round& round) const {
    std::map<Digest, std::uint32_t> counts;
    for (const auto& [worker, said] : round.ready) ++counts[said.front().base];
    Digest best;
    std::uint32_t most = 0;
    const auto own = round.ready.find(settings_.worker);
    for (const auto& [base, count] : counts) {
        const bool is_own = own != round.ready.end() && own->second.front().base == base;
        if (count > most || (count == most && is_own)) best = base, most = count;
    }
    return best;
}

std::vector<Member> Agreement::usable(const Round& round) const {
    std::vector<Member> members;
    const auto base = base_of(round);
    for (const auto& [worker, said] : round.ready)
        if (said.front().base == base && has(said.front().payload) && !left_out_.contains(worker))
            members.push_back({worker, said.front().payload});
    return members;
}

bool Agreement::holds(const RoundValue& value) const {
    return std::ranges::all_of(value.members, [&](const auto& m) { return has(m.payload); });
}

bool Agreement::names_left_out(const RoundValue& value) const {
    return std::ranges::any_of(value.members,
                               [&](const auto& m) { return left_out_.contains(m.worker); });
}

// Each member signed its payload for this round, from these parameters.
bool Agreement::is_valid(const Round& round, const RoundValue& value) const {
    if (value.members.size() < quorum()) return false;
    return std::ranges::all_of(value.members, [&](const Member& member) {
        const auto said = round.ready.find(member.worker);
        return said != round.ready.end() &&
               std::ranges::find(said->second, Ready{value.base, member.payload}) !=
                   said->second.end();
    });
}

void Agreement::advance(std::uint32_t number, Duration now, Messages& out) {
    auto& round = rounds_.at(number);
    decide(round);
    if (round.decided) return;
    begin_if_enough(round, now);
    if (!round.enough_at) return;
    change_view(number, now, out);
    propose(number, now, out);
    vote(number, now, out);
    decide(round);
}

void Agreement::begin_if_enough(Round& round, Duration now) const {
    if (round.enough_at) return;
    const auto base = base_of(round);
    const auto count = std::ranges::count_if(
        round.ready, [&](const auto& said) { return said.second.front().base == base; });
    if (static_cast<std::uint32_t>(count) < quorum() && round.proposals.empty() &&
        round.promises.empty())
        return;
    round.enough_at = round.view_at = now;
}

void Agreement::vote(std::uint32_t number, Duration now, Messages& out) {
    auto& round = rounds_.at(number);
    if (round.proposals.empty()) return;
    const auto& [view, value] = *round.proposals.rbegin();
    if (view < round.view || view + 1 <= round.accepted_views || !is_valid(round, value)) return;
    // In a later view it may be decided already.
    if (view == 0 && names_left_out(value)) return;
    if (!holds(value)) return;
    if (view > round.view) round.view = view, round.view_at = now;
    round.accepted_views = view + 1;
    round.accepted = value;
    say(number, Acceptance{view, value.digest()}, now, out);
}

void Agreement::propose(std::uint32_t number, Duration now, Messages& out) {
    auto& round = rounds_.at(number);
    const auto view = round.view;
    if (coordinator(number, view) != settings_.worker || round.proposals.contains(view)) return;
    std::optional<RoundValue> value;
    if (view > 0) {
        const auto& promises = round.promises[view];
        auto heeded = free_promises(promises, false);
        if (heeded.size() < majority()) heeded = free_promises(promises, true);
        if (heeded.size() < majority()) return;
        std::uint32_t latest = 0;
        for (const auto* promise : heeded) {
            if (promise->accepted_views <= latest) continue;
            latest = promise->accepted_views;
            value = promise->accepted;
        }
    }
    if (!value) value = choice(number, now);
    if (value) say(number, Proposal{view, *value}, now, out);
}

// Whatever was decided, some of any majority accepted it: so those are enough whose values this
// worker can vote for itself, and they may be without whom it leaves out.
std::vector<const Promise*> Agreement::free_promises(
    const std::map<std::uint32_t, Promise>& promises, bool with_left_out) const {
    std::vector<const Promise*> out;
    for (const auto& [worker, promise] : promises)
        if (holds(promise.accepted) && (with_left_out || !names_left_out(promise.accepted)))
            out.push_back(&promise);
    return out;
}

bool Agreement::is_expected(std::uint32_t worker, std::uint32_t round) const {
    if (worker + settings_.spares < senders()) return true;
    const auto before = round == 0 ? rounds_.end() : rounds_.find(round - 1);
    return before != rounds_.end() && before->second.ready.contains(worker);
}

std::optional<RoundValue> Agreement::choice(std::uint32_t number, Duration now) const {
    const auto& round = rounds_.at(number);
    auto members = usable(round);
    if (members.size() < quorum()) return std::nullopt;
    const auto is_member = [&](std::uint32_t worker) {
        return std::ranges::any_of(members, [&](const auto& m) { return m.worker == worker; });
    };
    bool complete = true;
    for (std::uint32_t worker = 0; worker < senders(); ++worker)
        complete = complete && (is_member(worker) || !is_expected(worker, number) ||
                                is_lost(worker, 0, now) || left_out_.contains(worker));
    if (!complete && now - *round.enough_at < patience_.grace) return std::nullopt;
    return RoundValue{base_of(round), std::move(members)};
}

bool Agreement::is_begun(const Round& round) const {
    const auto promises = round.promises.find(round.view);
    return round.view == 0 ||
           (promises != round.promises.end() && promises->second.size() >= majority());
}

// The view to go on with: the one that the others are about to begin; or, when the patience with
// this one's coordinator is over, the next whose coordinator is not away.
std::optional<std::uint32_t> Agreement::next_view(std::uint32_t number, Duration now) const {
    const auto& round = rounds_.at(number);
    const std::size_t wanted = std::max(1u, majority() - 1);
    for (auto at = round.promises.rbegin(); at != round.promises.rend(); ++at)
        if (at->first > round.view && at->second.size() >= wanted) return at->first;
    const auto is_away = [&](std::uint32_t view) {
        const auto worker = coordinator(number, view);
        return left_out_.contains(worker) || is_lost(worker, round.changes, now);
    };
    const auto patience = is_away(round.view)
                              ? Duration{0}
                              : patience_.grace + stretched(patience_.view, round.changes);
    if (settings_.workers == 1 || now - round.view_at < patience) return std::nullopt;
    const auto highest = round.promises.empty() ? 0 : round.promises.rbegin()->first;
    // Where too few are there to begin a view, nobody gets further by leaving it.
    if (!is_begun(round)) return highest > round.view ? std::optional(highest) : std::nullopt;
    auto next = std::max(round.view + 1, highest);
    for (std::uint32_t i = 0; i < settings_.workers && is_away(next); ++i) ++next;
    return next;
}

void Agreement::change_view(std::uint32_t number, Duration now, Messages& out) {
    auto& round = rounds_.at(number);
    const auto next = next_view(number, now);
    if (!next || *next >= kViewsMax) return;
    round.view = *next;
    round.view_at = now;
    ++round.changes;
    ++views_changed_;
    say(number, Promise{*next, round.accepted_views, round.accepted}, now, out);
}

void Agreement::decide(Round& round) {
    if (round.decided) return;
    for (const auto& [vote, workers] : round.votes) {
        const auto proposal = round.proposals.find(vote.first);
        if (workers.size() < majority() || proposal == round.proposals.end() ||
            proposal->second.digest() != vote.second)
            continue;
        round.decided = proposal->second;
        return settle(round);
    }
}

// One change is what a coordinator that died costs; more say that the patience was too short.
void Agreement::settle(Round& round) {
    if (round.changes > 1)
        slowness_ = std::min(slowness_ + round.changes - 1, kDoublingsMax);
    else if (slowness_ > 0)
        --slowness_;
}

std::optional<Agreement::Elsewhere> Agreement::elsewhere(std::uint32_t round,
                                                         std::uint32_t lead) const {
    const std::size_t trusted = (settings_.workers - 1) / 3 + 1;
    std::map<std::uint32_t, std::map<Digest, std::vector<std::uint32_t>>> holders;
    for (const auto& [worker, known] : standings_)
        for (const auto& [number, state] : known)
            if (number >= round) holders[number][state].push_back(worker);
    for (auto at = holders.rbegin(); at != holders.rend(); ++at) {
        // Most holders first; of equally many, those with the first worker.
        const auto& [state, workers] =
            *std::ranges::max_element(at->second, [](const auto& a, const auto& b) {
                return a.second.size() != b.second.size() ? a.second.size() < b.second.size()
                                                          : a.second.front() > b.second.front();
            });
        if (workers.size() < trusted ||
            std::ranges::find(workers, settings_.worker) != workers.end())
            continue;
        const auto own = standings_.find(settings_.worker);
        const bool differs =
            at->first == round && own != standings_.end() && own->second.contains(round);
        if (differs || at->first >= round + lead) return Elsewhere{at->first, state, workers};
    }
    return std::nullopt;
}

}  // namespace mutirao::train

#include "train/sum_rounds.hpp"

#include <algorithm>

#include "crypto/chacha20.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint32_t kRoundsBehind = 2;  // kept for workers that still reveal
constexpr std::size_t kSaidMax = 2;         // keys, or shares, of one worker in one round

Digest digest_of(ByteSpan encoded) {
    return crypto::blake3_keyed(crypto::domain_key("secure sum message"), encoded);
}

Agreement::Settings about(const SumRounds::Settings& settings, Subject subject) {
    return {settings.run,       settings.worker, settings.workers,
            settings.threshold, settings.round,  subject};
}

void append(Messages& out, Messages more) { std::ranges::move(more, std::back_inserter(out)); }

// Whether one more of this worker is kept.
template <class Said>
bool has_room(const std::map<Digest, Said>& said, std::uint32_t worker) {
    const auto count = std::ranges::count_if(
        said, [&](const auto& entry) { return entry.second.place.worker == worker; });
    return static_cast<std::size_t>(count) < kSaidMax;
}

bool is_among(const RoundValue& value, std::uint32_t worker) {
    return std::ranges::find(value.members, worker, &Member::worker) != value.members.end();
}

// What the members of a decision said; empty while some of it is missing.
template <class Said>
std::vector<Said> agreed_on(const RoundValue* value, const std::map<Digest, Said>& said) {
    std::vector<Said> out;
    if (value == nullptr) return out;
    for (const auto& member : value->members) {
        const auto found = said.find(member.payload);
        if (found == said.end() || found->second.place.worker != member.worker) return {};
        out.push_back(found->second);
    }
    return out;
}

}  // namespace

class SumRounds::KeyRandom final : public Random {
  public:
    explicit KeyRandom(const crypto::Key& key) : key_(key) {}
    void fill(MutableByteSpan out) override {
        crypto::chacha20_stream(key_, block_, out);
        block_ += static_cast<std::uint32_t>((out.size() + crypto::kChaChaBlock - 1) /
                                             crypto::kChaChaBlock);
    }

  private:
    const crypto::Key key_;
    std::uint32_t block_ = 0;
};

SumRounds::SumRounds(Settings settings, const Patience& patience, Duration now)
    : settings_(std::move(settings)),
      keys_(about(settings_, Subject::sum_keys), patience, now),
      shares_(about(settings_, Subject::sum_shares), patience, now),
      opened_(about(settings_, Subject::sum_opened), patience, now),
      floor_(settings_.round < kRoundsBehind ? 0 : settings_.round - kRoundsBehind) {}

bool SumRounds::concerns(const Message& message) {
    return message.subject != Subject::payloads || must_be_kept(message) ||
           std::holds_alternative<SumReveal>(message.body);
}

bool SumRounds::must_be_kept(const Message& message) {
    return std::holds_alternative<SumKeys>(message.body) ||
           std::holds_alternative<SumShares>(message.body) ||
           std::holds_alternative<SumOpened>(message.body);
}

bool SumRounds::is_open(std::uint32_t round) const {
    return round >= floor_ && round < floor_ + kRoundsOpen;
}

void SumRounds::recall(const Message& message) {
    if (message.subject == Subject::sum_keys) keys_.recall(message);
    if (message.subject == Subject::sum_shares) shares_.recall(message);
    if (message.subject == Subject::sum_opened) opened_.recall(message);
    if (!is_open(message.round) || !concerns(message)) return;
    note(message);
}

void SumRounds::note(const Message& message) {
    auto& round = rounds_[message.round];
    if (const auto* keys = std::get_if<SumKeys>(&message.body)) {
        const auto digest = digest_of(encode(*keys));
        if (has_room(round.keys, message.worker) && round.keys.try_emplace(digest, *keys).second)
            round.new_keys.insert(digest);
    } else if (const auto* shares = std::get_if<SumShares>(&message.body)) {
        const auto digest = digest_of(encode(*shares));
        if (has_room(round.shares, message.worker) &&
            round.shares.try_emplace(digest, *shares).second)
            round.new_shares.insert(digest);
    } else if (const auto* opened = std::get_if<SumOpened>(&message.body)) {
        const auto digest = digest_of(encode(*opened));
        if (has_room(round.opened, message.worker) &&
            round.opened.try_emplace(digest, *opened).second)
            round.new_opened.insert(digest);
    } else if (const auto* reveal = std::get_if<SumReveal>(&message.body)) {
        round.reveals.try_emplace(message.worker, *reveal);
    }
}

Messages SumRounds::go_to(std::uint32_t round, Duration now) {
    floor_ = round < kRoundsBehind ? 0 : round - kRoundsBehind;
    rounds_.erase(rounds_.begin(), rounds_.lower_bound(floor_));
    auto out = keys_.go_to(round, now);
    append(out, shares_.go_to(round, now));
    append(out, opened_.go_to(round, now));
    append(out, tick(now));
    return out;
}

Messages SumRounds::begin(std::uint32_t number, const crypto::Key& secret, Duration now) {
    Messages out;
    if (!is_open(number) || rounds_[number].random) return out;
    auto& round = rounds_[number];
    round.random = std::make_shared<KeyRandom>(secret);
    auto sum = SecureSum::make({settings_.run, number, settings_.worker}, sum_settings(number),
                               *round.random);
    if (!sum.ok()) {
        round.is_out = true;
        complain(number, sum.error());
        return out;
    }
    const auto keys = sum->keys();
    const auto digest = digest_of(encode(keys));
    const auto* said = keys_.own_ready(number);
    if (said && said->payload != digest) {
        round.is_out = true;
        complain(number, {ErrorKind::not_found, "the keys that this worker has shown are lost"});
        return out;
    }
    round.sum = std::move(*sum);
    round.keys[digest] = keys;
    if (!said) {
        out.push_back({settings_.run, number, settings_.worker, keys});
        append(out, keys_.ready(number, {}, digest, now));
    }
    advance(number, now, out);
    return out;
}

Messages SumRounds::receive(const Message& message, Duration now) {
    Messages out;
    if (message.worker == settings_.worker) return out;
    if (message.subject == Subject::sum_keys) out = keys_.receive(message, now);
    if (message.subject == Subject::sum_shares) out = shares_.receive(message, now);
    if (message.subject == Subject::sum_opened) out = opened_.receive(message, now);
    if (!is_open(message.round)) return out;
    note(message);
    advance(message.round, now, out);
    return out;
}

Messages SumRounds::tick(Duration now) {
    auto out = keys_.tick(now);
    append(out, shares_.tick(now));
    append(out, opened_.tick(now));
    std::vector<std::uint32_t> numbers;
    for (const auto& [number, round] : rounds_) numbers.push_back(number);
    for (const auto number : numbers) advance(number, now, out);
    return out;
}

void SumRounds::heard(std::uint32_t worker, Duration now) {
    keys_.heard(worker, now);
    shares_.heard(worker, now);
    opened_.heard(worker, now);
}

void SumRounds::leave_out(std::uint32_t worker) {
    keys_.leave_out(worker);
    shares_.leave_out(worker);
    opened_.leave_out(worker);
}

void SumRounds::set_patience(const Patience& patience) {
    keys_.set_patience(patience);
    shares_.set_patience(patience);
    opened_.set_patience(patience);
}

void SumRounds::complain(std::uint32_t round, const Error& error) {
    complaints_.push_back("the secure sum of round " + std::to_string(round) + ": " +
                          error.message);
}

void SumRounds::advance(std::uint32_t number, Duration now, Messages& out) {
    if (!is_open(number)) return;
    auto& round = rounds_[number];
    check_keys_of(number, round, now, out);
    share(number, round, now, out);
    check_shares(number, round, now, out);
    open(number, round, now, out);
    settle(number, round);
    reveal(number, round, out);
    try_reveals(number, round);
}

void SumRounds::check_keys_of(std::uint32_t number, Round& round, Duration now, Messages& out) {
    for (const auto& digest : std::exchange(round.new_keys, {})) {
        const auto& keys = round.keys.at(digest);
        if (auto status = check_keys(keys); status.ok()) {
            append(out, keys_.stored(digest, now));
        } else {
            leave_out(keys.place.worker);
            complain(number, status.error());
        }
    }
}

void SumRounds::share(std::uint32_t number, Round& round, Duration now, Messages& out) {
    if (!round.sum || round.is_out || round.has_shared) return;
    const auto* value = keys_.decision(number);
    const auto keys = agreed_on(value, round.keys);
    if (keys.empty()) return;
    round.has_shared = true;
    round.is_out = !is_among(*value, settings_.worker);
    if (round.is_out) return;
    const auto shares = round.sum->share(keys, *round.random);
    if (!shares.ok()) {
        round.is_out = true;
        return complain(number, shares.error());
    }
    const auto digest = digest_of(encode(*shares));
    round.shares[digest] = *shares;
    if (shares_.own_ready(number)) return;  // said before a crash
    out.push_back({settings_.run, number, settings_.worker, *shares});
    append(out, shares_.ready(number, value->digest(), digest, now));
}

// Whether they are with all whose keys were agreed on, which everybody sees alike.
void SumRounds::check_shares(std::uint32_t number, Round& round, Duration now, Messages& out) {
    const auto* value = keys_.decision(number);
    if (value == nullptr) return;
    for (const auto& digest : std::exchange(round.new_shares, {})) {
        const auto& shares = round.shares.at(digest);
        if (is_among(*value, shares.place.worker) &&
            std::ranges::equal(shares.boxes, value->members, {}, &SumShares::Box::to,
                               &Member::worker)) {
            append(out, shares_.stored(digest, now));
            continue;
        }
        leave_out(shares.place.worker);
        complain(number, {ErrorKind::corrupt, "worker " + std::to_string(shares.place.worker) +
                                                  " shared with others than was agreed on"});
    }
}

void SumRounds::open(std::uint32_t number, Round& round, Duration now, Messages& out) {
    for (const auto& digest : std::exchange(round.new_opened, {}))
        append(out, opened_.stored(digest, now));
    if (!round.sum || round.is_out || !round.has_shared || round.has_opened) return;
    const auto* value = shares_.decision(number);
    const auto all = agreed_on(value, round.shares);
    if (all.empty()) return;
    round.has_opened = true;
    round.is_out = !is_among(*value, settings_.worker);
    if (round.is_out) return;
    SumOpened opened{{settings_.run, number, settings_.worker}, {}};
    for (const auto& shares : all) {
        const auto status = round.sum->check(shares);
        if (status.ok())
            opened.of.push_back(shares.place.worker);
        else
            complain(number, status.error());
    }
    const auto digest = digest_of(encode(opened));
    round.opened[digest] = opened;
    if (opened_.own_ready(number)) return;
    out.push_back({settings_.run, number, settings_.worker, opened});
    append(out, opened_.ready(number, value->digest(), digest, now));
}

void SumRounds::settle(std::uint32_t number, Round& round) {
    if (round.roster) return;
    const auto opened = agreed_on(opened_.decision(number), round.opened);
    const auto all = agreed_on(shares_.decision(number), round.shares);
    if (opened.empty() || all.empty()) return;
    round.roster = mutual(opened);
    for (const auto& shares : all)
        if (std::ranges::binary_search(*round.roster, shares.place.worker))
            round.roster_shares.push_back(shares);
    if (round.roster->size() < settings_.threshold)
        complain(number,
                 {ErrorKind::unavailable,
                  "too few workers can read what the others sealed to them; it has no sum"});
    round.is_out =
        round.is_out || !round.sum || !std::ranges::binary_search(*round.roster, settings_.worker);
    if (round.is_out) return;
    if (auto status = round.sum->gather(round.roster_shares); !status.ok()) {
        round.is_out = true;
        complain(number, status.error());
    }
}

void SumRounds::reveal(std::uint32_t number, Round& round, Messages& out) {
    if (!round.came || !round.roster || round.is_out || round.reveals.contains(settings_.worker))
        return;
    auto reveal = round.sum->reveal(*round.came);
    if (!reveal.ok()) {
        round.is_out = true;
        return complain(number, reveal.error());
    }
    round.reveals[settings_.worker] = *reveal;
    out.push_back({settings_.run, number, settings_.worker, std::move(*reveal)});
}

// Wrong shares are passed over while enough are right, so more reveals may help.
void SumRounds::try_reveals(std::uint32_t number, Round& round) {
    if (!round.came || !round.roster || round.transcript ||
        round.reveals.size() < settings_.threshold || round.reveals.size() == round.reveals_tried)
        return;
    round.reveals_tried = round.reveals.size();
    SumTranscript said{agreed_on(keys_.decision(number), round.keys), round.roster_shares, {}, {}};
    for (const auto worker : *round.came)
        said.values.push_back({{settings_.run, number, worker}, {}});
    for (const auto& [worker, reveal] : round.reveals) said.reveals.push_back(reveal);
    if (auto status = check_reveals(sum_settings(number), said); !status.ok())
        return complain(number, status.error());
    said.values.clear();
    round.transcript = std::make_shared<const SumTranscript>(std::move(said));
}

const std::vector<std::uint32_t>* SumRounds::roster(std::uint32_t round) const {
    const auto found = rounds_.find(round);
    return found == rounds_.end() || !found->second.roster ? nullptr : &*found->second.roster;
}

bool SumRounds::takes_part(std::uint32_t round) const {
    const auto found = rounds_.find(round);
    return found != rounds_.end() && found->second.sum && !found->second.is_out;
}

Result<MaskedValues> SumRounds::mask(std::uint32_t round, std::span<const std::uint32_t> values) {
    if (!roster(round) || !takes_part(round))
        return Error{ErrorKind::unavailable, "this worker is not on the roster of round " +
                                                 std::to_string(round) + "'s secure sum"};
    return rounds_.at(round).sum->mask(values);
}

Messages SumRounds::came(std::uint32_t round, const std::vector<std::uint32_t>& workers,
                         Duration now) {
    Messages out;
    if (!is_open(round) || rounds_[round].came) return out;
    rounds_[round].came = workers;
    advance(round, now, out);
    return out;
}

std::shared_ptr<const SumTranscript> SumRounds::transcript(std::uint32_t round) const {
    const auto found = rounds_.find(round);
    return found == rounds_.end() ? nullptr : found->second.transcript;
}

SumSettings SumRounds::sum_settings(std::uint32_t round) const {
    return {settings_.workers, settings_.threshold, settings_.values(round), settings_.summed};
}

}  // namespace mutirao::train

#include "train/secure_sum.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <string>
#include <tuple>

#include "base/codec.hpp"
#include "crypto/aead.hpp"
#include "crypto/chacha20.hpp"

namespace mutirao::train {

namespace {

constexpr std::size_t kPieceWords = 16384;  // of a mask at a time

std::string named(std::uint32_t worker) { return "worker " + std::to_string(worker); }

Error too_few(const char* what, std::size_t got, std::uint32_t threshold) {
    return {ErrorKind::unavailable, "a secure sum needs the " + std::string(what) + " of " +
                                        std::to_string(threshold) + " workers and has those of " +
                                        std::to_string(got)};
}

Status check_settings(const SumSettings& settings) {
    if (settings.workers >= 2 && settings.workers <= kSumWorkersMax &&
        settings.threshold <= settings.workers && 2 * settings.threshold > settings.workers &&
        settings.summed_at_least() >= 2 && settings.summed <= settings.threshold)
        return {};
    return Error{ErrorKind::invalid_argument,
                 "a secure sum is of 2 to " + std::to_string(kSumWorkersMax) +
                     " workers with a threshold above half of them, not of " +
                     std::to_string(settings.workers) + " with " +
                     std::to_string(settings.threshold)};
}

// Each worker at most once, all of this run and round.
template <class Message>
Status check_places(std::span<const Message> messages, const RunId& run, std::uint32_t round,
                    std::uint32_t workers) {
    std::vector<bool> seen(workers, false);
    for (const auto& message : messages) {
        const auto& place = message.place;
        if (place.run != run || place.round != round || place.worker >= workers ||
            seen[place.worker])
            return Error{ErrorKind::corrupt, "a message of " + named(place.worker) +
                                                 " is not of this secure sum, or came twice"};
        seen[place.worker] = true;
    }
    return {};
}

Bytes box_context(const SumPlace& from, std::uint32_t to) {
    Writer writer;
    writer.raw(from.run.span()).u(from.round).u(from.worker).u(to);
    return std::move(writer).take();
}

Result<crypto::Key> pair_seed(const crypto::Scalar& own, const crypto::GroupPoint& peer,
                              const SumPlace& place) {
    Writer writer;
    writer.raw(place.run.span()).u(place.round);
    return crypto::agreed_key(own, peer, "mutirao v1 secure sum mask", writer.bytes());
}

enum class Sign : std::uint8_t { add, subtract };

// values += or -= the seed's stream, as words.
void apply_mask(std::span<std::uint32_t> values, const crypto::Key& seed, Sign sign) {
    static_assert(std::endian::native == std::endian::little, "words are taken as they lie");
    static_assert(kPieceWords * sizeof(std::uint32_t) % crypto::kChaChaBlock == 0);
    std::vector<std::uint32_t> mask(std::min(values.size(), kPieceWords));
    for (std::size_t at = 0; at < values.size(); at += kPieceWords) {
        const auto piece = values.subspan(at, std::min(kPieceWords, values.size() - at));
        crypto::chacha20_stream(
            seed, static_cast<std::uint32_t>(at * sizeof(std::uint32_t) / crypto::kChaChaBlock),
            {reinterpret_cast<std::uint8_t*>(mask.data()), piece.size() * sizeof(std::uint32_t)});
        for (std::size_t i = 0; i < piece.size(); ++i)
            piece[i] += sign == Sign::add ? mask[i] : 0 - mask[i];
    }
}

// Of two workers the lower one adds their mask.
Sign sign_of(std::uint32_t worker, std::uint32_t other) {
    return worker < other ? Sign::add : Sign::subtract;
}
Sign opposite(Sign sign) { return sign == Sign::add ? Sign::subtract : Sign::add; }

crypto::Key own_mask(const crypto::Scalar& seed) {
    return crypto::blake3_derive_key("mutirao v1 secure sum own mask", seed.span());
}

}  // namespace

Status check_keys(const SumKeys& keys) {
    // Points of low order are so for every other key.
    static constexpr std::array<std::uint8_t, 32> kAny{1};
    TRY(const auto any, crypto::BoxSecretKey::from_bytes(kAny));
    const bool can_seal = crypto::agreed_key(any, keys.box_key, "mutirao v1 key check", {}).ok();
    if (can_seal && crypto::is_group_point(keys.mask_key)) return {};
    return Error{ErrorKind::corrupt, "a key of " + named(keys.place.worker) + " is none"};
}

Result<SecureSum> SecureSum::make(const SumPlace& place, const SumSettings& settings,
                                  Random& random) {
    TRY_VOID(check_settings(settings));
    if (place.worker >= settings.workers || place.round >= kRoundsMax || settings.values == 0)
        return Error{ErrorKind::invalid_argument,
                     named(place.worker) + " has no place in this secure sum"};
    return SecureSum(place, settings, random);
}

SecureSum::SecureSum(const SumPlace& place, const SumSettings& settings, Random& random)
    : place_(place),
      settings_(settings),
      box_key_(crypto::BoxSecretKey::generate(random)),
      mask_key_(crypto::random_scalar(random)),
      seed_(crypto::random_scalar(random)),
      peers_(settings.workers) {}

SumKeys SecureSum::keys() const {
    return {place_, box_key_.public_key(), crypto::point_of(mask_key_)};
}

Result<SumShares> SecureSum::share(std::span<const SumKeys> all, Random& random) {
    if (step_ != Step::keys)
        return Error{ErrorKind::invalid_argument, "the shares were made already"};
    TRY_VOID(check_places(all, place_.run, place_.round, settings_.workers));
    if (std::ranges::count(all, keys()) != 1)
        return Error{ErrorKind::invalid_argument, "this worker's own keys are not among the keys"};
    if (all.size() < settings_.threshold) return too_few("keys", all.size(), settings_.threshold);

    TRY(const auto seed,
        crypto::split_verifiably(seed_, settings_.threshold, settings_.workers, random));
    TRY(const auto mask_key,
        crypto::split_verifiably(mask_key_, settings_.threshold, settings_.workers, random));
    SumShares out{place_, seed.points, mask_key.points, {}};
    for (const auto& peer : all) {
        const auto to = peer.place.worker;
        Writer secret;
        secret.raw(seed.shares[to].bytes).raw(mask_key.shares[to].bytes);
        TRY(auto sealed,
            crypto::seal_to(peer.box_key, box_context(place_, to), secret.bytes(), random));
        out.boxes.push_back({to, std::move(sealed)});
        peers_[to] = Peer{peer, false, {}, {}};
    }
    std::ranges::sort(out.boxes, {}, &SumShares::Box::to);
    step_ = Step::shares;
    return out;
}

// Both shares that a worker sealed for this one.
Result<Bytes> SecureSum::opened_box(const SumShares& shares) const {
    const auto from = shares.place.worker;
    const auto box = std::ranges::find(shares.boxes, place_.worker, &SumShares::Box::to);
    if (from >= peers_.size() || !peers_[from] || box == shares.boxes.end())
        return Error{ErrorKind::corrupt, named(from) + " shares without keys, or not with us"};
    auto secret = crypto::open_box(box_key_, box_context(shares.place, place_.worker), box->sealed);
    if (!secret.ok() || secret->size() != 64)
        return Error{ErrorKind::corrupt, "the shares of " + named(from) + " do not open"};
    return secret;
}

Status SecureSum::check(const SumShares& shares) const {
    TRY_VOID(check_places(std::span(&shares, 1), place_.run, place_.round, settings_.workers));
    TRY(const auto secret, opened_box(shares));
    const auto [seed_share, mask_share] = shares_in(secret);
    const auto from = shares.place.worker;
    const auto& points = shares.mask_points;
    if (points.size() == settings_.threshold && shares.seed_points.size() == points.size() &&
        points.front() == peers_[from]->keys.mask_key &&
        crypto::fits(seed_share, shares.seed_points) && crypto::fits(mask_share, points))
        return {};
    return Error{ErrorKind::corrupt, "what " + named(from) + " shared is not what it shows"};
}

// Of a box: the seed's and the mask key's.
std::pair<crypto::KeyShare, crypto::KeyShare> SecureSum::shares_in(ByteSpan secret) const {
    std::pair<crypto::KeyShare, crypto::KeyShare> out;
    out.first.index = out.second.index = static_cast<std::uint8_t>(place_.worker + 1);
    std::copy_n(secret.begin(), 32, out.first.bytes.begin());
    std::copy_n(secret.begin() + 32, 32, out.second.bytes.begin());
    return out;
}

Status SecureSum::gather(std::span<const SumShares> all) {
    if (step_ != Step::shares)
        return Error{ErrorKind::invalid_argument, "shares are gathered once, after this worker's"};
    TRY_VOID(check_places(all, place_.run, place_.round, settings_.workers));
    if (all.size() < settings_.threshold) return too_few("shares", all.size(), settings_.threshold);
    auto peers = peers_;
    bool own = false;
    for (const auto& shares : all) {
        const auto from = shares.place.worker;
        own |= from == place_.worker;
        TRY(const auto secret, opened_box(shares));
        auto& peer = *peers[from];
        peer.shared = true;
        std::tie(peer.seed_share, peer.mask_key_share) = shares_in(secret);
    }
    if (!own) return Error{ErrorKind::invalid_argument, "this worker's own shares are missing"};
    peers_ = std::move(peers);
    step_ = Step::gathered;
    return {};
}

Result<MaskedValues> SecureSum::mask(std::span<const std::uint32_t> values) {
    if (step_ != Step::gathered || masked_ || values.size() != settings_.values)
        return Error{ErrorKind::invalid_argument,
                     "a worker masks its values once, between the shares and the reveal, and all "
                     "of them"};
    MaskedValues out{place_, {values.begin(), values.end()}};
    apply_mask(out.values, own_mask(seed_), Sign::add);
    for (const auto& peer : peers_) {
        if (!peer || !peer->shared || peer->keys.place.worker == place_.worker) continue;
        const auto other = peer->keys.place.worker;
        const auto seed = pair_seed(mask_key_, peer->keys.mask_key, place_);
        if (!seed.ok())
            return Error{ErrorKind::corrupt, "the mask key of " + named(other) + " is no key"};
        apply_mask(out.values, *seed, sign_of(place_.worker, other));
    }
    masked_ = true;
    return out;
}

Result<SumReveal> SecureSum::reveal(std::span<const std::uint32_t> came) {
    if (step_ != Step::gathered && step_ != Step::revealed)
        return Error{ErrorKind::invalid_argument, "no shares were gathered yet"};
    std::vector<std::uint32_t> sorted(came.begin(), came.end());
    std::ranges::sort(sorted);
    if (step_ == Step::revealed && sorted != came_)
        return Error{ErrorKind::permission_denied,
                     "shares were opened for another set of workers: a second answer would open "
                     "somebody's values"};
    for (std::size_t i = 0; i < sorted.size(); ++i)
        if (sorted[i] >= settings_.workers || !peers_[sorted[i]] || !peers_[sorted[i]]->shared ||
            (i > 0 && sorted[i] == sorted[i - 1]))
            return Error{ErrorKind::corrupt,
                         named(sorted[i]) + " did not share its keys, or is named twice"};
    if (sorted.size() < settings_.summed_at_least())
        return too_few("values", sorted.size(), settings_.summed_at_least());
    SumReveal out{place_, {}};
    for (const auto& peer : peers_) {
        if (!peer || !peer->shared) continue;
        const auto of = peer->keys.place.worker;
        const bool left = !std::ranges::binary_search(sorted, of);
        out.opened.push_back({of, left, left ? peer->mask_key_share : peer->seed_share});
    }
    came_ = std::move(sorted);
    step_ = Step::revealed;
    return out;
}

namespace {

class Unmasking {
  public:
    Unmasking(const SumSettings& settings, const SumTranscript& transcript)
        : settings_(settings), transcript_(transcript) {}

    Status check() {
        TRY_VOID(check_settings(settings_));
        TRY_VOID(read());
        for (const auto& [worker, shares] : shares_) {
            if (came_.contains(worker)) {
                TRY_VOID(secret(worker, false, shares->seed_points));
            } else {
                TRY_VOID(mask_key_of(worker, shares->mask_points));
            }
        }
        return {};
    }

    Result<std::vector<std::uint32_t>> run() {
        TRY_VOID(check_settings(settings_));
        TRY_VOID(read());
        std::vector<std::uint32_t> sum(settings_.values, 0);
        for (const auto& values : transcript_.values) {
            if (values.values.size() != sum.size() || !shares_.contains(values.place.worker))
                return Error{ErrorKind::corrupt, "the values of " + named(values.place.worker) +
                                                     " do not fit this secure sum"};
            for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values.values[i];
        }
        for (const auto& [worker, shares] : shares_) {
            if (came_.contains(worker)) {
                TRY(const auto seed, secret(worker, false, shares->seed_points));
                apply_mask(sum, own_mask(seed), Sign::subtract);
            } else {
                TRY_VOID(remove_pairs_of(worker, shares->mask_points, sum));
            }
        }
        return sum;
    }

  private:
    using Points = std::vector<crypto::GroupPoint>;

    Status read() {
        if (transcript_.values.size() < settings_.summed_at_least())
            return too_few("values", transcript_.values.size(), settings_.summed_at_least());
        const auto& place = transcript_.values.front().place;
        const auto check = [&](const auto& messages) {
            return check_places(std::span(messages), place.run, place.round, settings_.workers);
        };
        TRY_VOID(check(transcript_.keys));
        TRY_VOID(check(transcript_.shares));
        TRY_VOID(check(transcript_.values));
        TRY_VOID(check(transcript_.reveals));
        for (const auto& keys : transcript_.keys) keys_[keys.place.worker] = &keys;
        for (const auto& shares : transcript_.shares) shares_[shares.place.worker] = &shares;
        for (const auto& values : transcript_.values) came_[values.place.worker] = &values;
        return {};
    }

    // From the shares that were opened.
    Result<crypto::Scalar> secret(std::uint32_t of, bool left, const Points& points) const {
        std::vector<crypto::KeyShare> opened;
        for (const auto& reveal : transcript_.reveals)
            for (const auto& each : reveal.opened)
                if (each.of == of && each.left == left &&
                    each.share.index == reveal.place.worker + 1)
                    opened.push_back(each.share);
        if (opened.size() < settings_.threshold)
            return Error{ErrorKind::unavailable,
                         "the secure sum cannot be unmasked: of " + named(of) + "'s " +
                             (left ? "mask key" : "seed") + " " +
                             std::to_string(settings_.threshold) + " shares are needed and " +
                             std::to_string(opened.size()) + " were opened"};
        const auto combined = crypto::combine_scalar(opened, settings_.threshold);
        if (combined.ok() && !points.empty() && crypto::point_of(*combined) == points.front())
            return combined;
        // Somebody opened what is no share.
        std::erase_if(opened, [&](const auto& share) { return !crypto::fits(share, points); });
        if (opened.size() < settings_.threshold)
            return Error{ErrorKind::corrupt,
                         named(of) + ": too many opened what is no share of it"};
        return crypto::combine_scalar(opened, settings_.threshold);
    }

    Result<crypto::Scalar> mask_key_of(std::uint32_t left, const Points& points) const {
        TRY(const auto mask_key, secret(left, true, points));
        const auto keys = keys_.find(left);
        if (keys == keys_.end() || crypto::point_of(mask_key) != keys->second->mask_key)
            return Error{ErrorKind::corrupt, named(left) + " shared another key than it showed"};
        return mask_key;
    }

    // Masks that those who came share with one who left.
    Status remove_pairs_of(std::uint32_t left, const Points& points,
                           std::span<std::uint32_t> sum) const {
        TRY(const auto mask_key, mask_key_of(left, points));
        for (const auto& [worker, values] : came_) {
            const auto other = keys_.find(worker);
            if (other == keys_.end())
                return Error{ErrorKind::corrupt, "the keys of " + named(worker) + " are missing"};
            TRY(const auto seed, pair_seed(mask_key, other->second->mask_key, values->place));
            apply_mask(sum, seed, opposite(sign_of(worker, left)));
        }
        return {};
    }

    const SumSettings& settings_;
    const SumTranscript& transcript_;
    std::map<std::uint32_t, const SumKeys*> keys_;
    std::map<std::uint32_t, const SumShares*> shares_;
    std::map<std::uint32_t, const MaskedValues*> came_;
};

}  // namespace

std::vector<std::uint32_t> mutual(std::span<const SumOpened> all) {
    std::map<std::uint32_t, const SumOpened*> left;
    for (const auto& opened : all) left[opened.place.worker] = &opened;
    const auto opens = [](const SumOpened& opened, std::uint32_t of) {
        return std::ranges::binary_search(opened.of, of);
    };
    for (;;) {
        // By pairs that do not fit, then by complaints of one's own.
        std::pair<std::uint32_t, std::uint32_t> most{0, 0};
        std::uint32_t worst = 0;
        for (const auto& [worker, opened] : left) {
            std::pair<std::uint32_t, std::uint32_t> count{0, 0};
            for (const auto& [other, others] : left) {
                const bool complains = !opens(*opened, other);
                count.first += complains || !opens(*others, worker);
                count.second += complains;
            }
            if (count > most) most = count, worst = worker;
        }
        if (most.first == 0) break;
        left.erase(worst);
    }
    std::vector<std::uint32_t> out;
    for (const auto& [worker, opened] : left) out.push_back(worker);
    return out;
}

Status check_reveals(const SumSettings& settings, const SumTranscript& transcript) {
    return Unmasking(settings, transcript).check();
}

Result<std::vector<std::uint32_t>> unmasked_sum(const SumSettings& settings,
                                                const SumTranscript& transcript) {
    return Unmasking(settings, transcript).run();
}

}  // namespace mutirao::train

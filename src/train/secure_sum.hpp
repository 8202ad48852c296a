// The sum of many workers' values, and nothing else of any of them: secure summation with double
// masks that survives workers who leave (Bonawitz et al. 2017, CCS, "Practical Secure Aggregation
// for Privacy-Preserving Machine Learning", figure 4), in whole numbers modulo 2^32.
//
//   1. keys:    each worker shows two fresh keys, one to read boxes with, one for masks
//   2. shares:  to each other it seals a share of its mask key and of its own mask's seed, and
//   shows
//               what all can check theirs by (crypto/verifiable_shares.hpp)
//   3. values:  once it is known who shared: its numbers + its own mask + for each other worker a
//               mask that the two agree on, which the one adds and the other subtracts
//   4. reveal:  once it is known whose values came, each worker opens its share of the own-mask
//               seeds of those, and of the mask keys of those who shared but sent no values
//
// From `threshold` reveals anybody computes the sum of the values that came. Fewer than `threshold`
// workers together learn nothing of another one's values but the sum. A SecureSum answers step 4
// once: as the threshold is above half of the workers, nobody can collect enough shares of both
// masks of one worker by asking some about one set and some about another. Who speaks is proven
// outside: messages are to be signed by their workers.
//
// Cost for K workers and N values: 4 N bytes a worker instead of the codec's, (K + 1) N * 4 bytes
// of ChaCha20 to mask; to unmask, as many streams as values came plus K for each worker that left;
// 112 K bytes of boxes and 96 of points for each of the threshold; K agreements on keys of 0.2 ms,
// and to check all shares 0.2 ms for each pair of a worker and one of the threshold. No I/O; keys
// are used for one round. One thread at a time.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "crypto/sealed_box.hpp"
#include "crypto/verifiable_shares.hpp"
#include "train/payload.hpp"

namespace mutirao::train {

inline constexpr std::uint32_t kSumWorkersMax = crypto::kSharesMax;  // 255

// Which sum a message belongs to, and whose it is.
struct SumPlace {
    RunId run;
    std::uint32_t round = 0;
    std::uint32_t worker = 0;

    bool operator==(const SumPlace&) const = default;
};

struct SumKeys {
    SumPlace place;
    crypto::BoxPublicKey box_key;
    crypto::GroupPoint mask_key;

    bool operator==(const SumKeys&) const = default;
};

struct SumShares {
    struct Box {
        std::uint32_t to = 0;
        Bytes sealed;

        bool operator==(const Box&) const = default;
    };
    SumPlace place;
    // What both shares of each worker fit; as many as the threshold. The mask key's first is the
    // one that was shown.
    std::vector<crypto::GroupPoint> seed_points, mask_points;
    std::vector<Box> boxes;  // ascending by `to`, one for every worker

    bool operator==(const SumShares&) const = default;
};

// Whose boxes for this worker open. Who cannot read whom cannot be in one sum (mutual()).
struct SumOpened {
    SumPlace place;
    std::vector<std::uint32_t> of;  // ascending

    bool operator==(const SumOpened&) const = default;
};

struct MaskedValues {
    SumPlace place;
    std::vector<std::uint32_t> values;

    bool operator==(const MaskedValues&) const = default;
};

struct SumReveal {
    struct Opened {
        std::uint32_t of = 0;
        bool left = false;  // a share of its mask key, as it sent no values; else of its seed
        crypto::KeyShare share;

        bool operator==(const Opened&) const = default;
    };
    SumPlace place;
    std::vector<Opened> opened;  // ascending by `of`

    bool operator==(const SumReveal&) const = default;
};

// Canonical, little-endian: version u16, kind u8, run, round u32, worker u32, then the keys | the
// number of points u32, both lists of them, and boxes | the shares | the workers. Decoders answer
// corrupt to anything that the encoder would not have written. Masked values travel as a Payload's
// delta (fixed_point.hpp).
Bytes encode(const SumKeys& keys);
Bytes encode(const SumShares& shares);
Bytes encode(const SumReveal& reveal);
Bytes encode(const SumOpened& opened);
Result<SumKeys> decode_sum_keys(ByteSpan bytes);
Result<SumShares> decode_sum_shares(ByteSpan bytes);
Result<SumReveal> decode_sum_reveal(ByteSpan bytes);
Result<SumOpened> decode_sum_opened(ByteSpan bytes);

// The workers who can be in one sum, ascending: of those who spoke, so that each could open the
// boxes of all. While some cannot, the one in most such pairs is left out, and of equals the one
// who says so of more others: whoever seals bad boxes to several is out, and so is who only claims
// it of others. The same from the same list.
std::vector<std::uint32_t> mutual(std::span<const SumOpened> all);

// corrupt when nothing can be sealed to these keys, or agreed on with them. One such worker would
// keep all others from sharing.
Status check_keys(const SumKeys& keys);

struct SumSettings {
    std::uint32_t workers = 0;    // 2 to kSumWorkersMax
    std::uint32_t threshold = 0;  // above half of them
    std::size_t values = 0;       // of each worker
    // Workers whose values a sum is at least of, at most the threshold; 0: the threshold. Fewer
    // where some open shares and have no values of their own.
    std::uint32_t summed = 0;

    std::uint32_t summed_at_least() const { return summed == 0 ? threshold : summed; }
};

// One worker's side. Each step once, in order; every step answers unavailable, saying how many are
// needed, when fewer than `threshold` workers took part in the one before, and corrupt, naming the
// worker, when a message is not of this sum or comes twice. With a Random that gives the same bytes
// again, make() and share() give the same again: so a worker goes on with a sum after a crash.
class SecureSum {
  public:
    static Result<SecureSum> make(const SumPlace& place, const SumSettings& settings,
                                  Random& random);

    SumKeys keys() const;
    // `all` includes this worker's; the same at every worker.
    Result<SumShares> share(std::span<const SumKeys> all, Random& random);
    // After share(). corrupt when another worker's box for this one does not open, or what it has
    // is no share of what that worker shows: whoever sealed it is to be left out of `all` below.
    Status check(const SumShares& shares) const;
    // Takes the shares. `all` includes this worker's, and is the same at every worker that masks.
    Status gather(std::span<const SumShares> all);
    // Once, as two lists under one mask would give away their difference.
    Result<MaskedValues> mask(std::span<const std::uint32_t> values);
    // `came`: the workers whose masked values came; this one need not be among them.
    // permission_denied for a second, different set.
    Result<SumReveal> reveal(std::span<const std::uint32_t> came);

  private:
    struct Peer {
        SumKeys keys;
        bool shared = false;
        crypto::KeyShare seed_share, mask_key_share;  // of this peer's secrets, for this worker
    };
    SecureSum(const SumPlace& place, const SumSettings& settings, Random& random);
    Result<Bytes> opened_box(const SumShares& shares) const;
    std::pair<crypto::KeyShare, crypto::KeyShare> shares_in(ByteSpan secret) const;

    SumPlace place_;
    SumSettings settings_;
    crypto::BoxSecretKey box_key_;
    crypto::Scalar mask_key_, seed_;
    std::vector<std::optional<Peer>> peers_;  // by worker
    std::vector<std::uint32_t> came_;
    enum class Step : std::uint8_t { keys, shares, gathered, revealed } step_ = Step::keys;
    bool masked_ = false;
};

// All that was said in one sum, for whoever computes it.
struct SumTranscript {
    std::vector<SumKeys> keys;
    std::vector<SumShares> shares;
    std::vector<MaskedValues> values;
    std::vector<SumReveal> reveals;
};

// Whether the reveals open every secret that unmasked_sum() needs for the workers in
// transcript.values, whose numbers are not looked at. Errors as there.
Status check_reveals(const SumSettings& settings, const SumTranscript& transcript);

// The sum, modulo 2^32, of the values of all workers in transcript.values; the same at everybody
// who computes it. unavailable, naming the worker and how many shares are missing, below the
// threshold; corrupt when shares do not give what was committed to, or values differ in number.
Result<std::vector<std::uint32_t>> unmasked_sum(const SumSettings& settings,
                                                const SumTranscript& transcript);

}  // namespace mutirao::train

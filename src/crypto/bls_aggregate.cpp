#include "crypto/bls_aggregate.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "crypto/bls_points.hpp"
#include "crypto/hash.hpp"

namespace mutirao::crypto {
namespace {

using namespace bls_points;

constexpr std::size_t kWeightBits = 64;
using Weight = std::array<std::uint8_t, kWeightBits / 8>;  // little-endian

// One signature under test.
struct Part {
    std::uint32_t place;
    blst_p2_affine key;
    blst_p1_affine signature;  // on the curve, not infinity
    blst_p2 weighted_key;      // both times the weight, once there is one
    blst_p1 weighted_signature;
};
using Parts = std::span<const Part>;

// For each place a weight, odd and so never zero, that nobody knew when choosing the signatures.
std::vector<Weight> weights_of(std::span<const BlsVerifiedKey> keys, ByteSpan message,
                               std::span<const BlsSignature> signatures) {
    Writer statement;
    statement.u(std::uint64_t{keys.size()}).blob(message);
    for (std::size_t i = 0; i < keys.size(); ++i)
        statement.raw(keys[i].public_key().span()).raw(signatures[i].span());
    Bytes stream(keys.size() * sizeof(Weight));
    blake3_keyed_xof(domain_key("signature weights"), statement.bytes(), stream);
    std::vector<Weight> out(keys.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
        std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(i * sizeof(Weight)),
                    sizeof(Weight), out[i].begin());
        out[i][0] |= 1;
    }
    return out;
}

// The signatures of one message, and the questions about any of them.
class Statement {
  public:
    explicit Statement(ByteSpan message) : hash_(to_affine(hash_to_group(message, kSignDomain))) {}

    // Whether the plain sum is that of the right signatures; `sum` is set in any case.
    bool sum_is_right(Parts parts, blst_p1& sum) const {
        std::vector<const blst_p1_affine*> signatures;
        std::vector<const blst_p2_affine*> keys;
        for (const auto& part : parts) {
            signatures.push_back(&part.signature);
            keys.push_back(&part.key);
        }
        sum = {};
        blst_p2 key{};
        if (!parts.empty()) blst_p1s_add(&sum, signatures.data(), parts.size());
        if (!parts.empty()) blst_p2s_add(&key, keys.data(), parts.size());
        return blst_p1_in_g1(&sum) && is_signed(hash_, to_affine(key), to_affine(sum));
    }

    // Whether each signature is right; they are in the subgroup and have weights.
    bool all_are_right(Parts parts) const {
        blst_p1 signature{};
        blst_p2 key{};
        for (const auto& part : parts) {
            blst_p1_add_or_double(&signature, &signature, &part.weighted_signature);
            blst_p2_add_or_double(&key, &key, &part.weighted_key);
        }
        return is_signed(hash_, to_affine(key), to_affine(signature));
    }

    // Appends the places of the wrong ones among `parts`, at least one of which is wrong.
    void find_wrong(Parts parts, std::vector<std::uint32_t>& wrong) const {
        if (parts.size() == 1) {
            wrong.push_back(parts[0].place);
            return;
        }
        const auto left = parts.first(parts.size() / 2), right = parts.subspan(parts.size() / 2);
        const bool left_is_right = all_are_right(left);
        if (!left_is_right) find_wrong(left, wrong);
        // If the left half is right, the error is in the other, without asking.
        if (left_is_right || !all_are_right(right)) find_wrong(right, wrong);
    }

  private:
    blst_p1_affine hash_;
};

void apply_weights(std::vector<Part>& parts, const std::vector<Weight>& weights) {
    for (auto& part : parts) {
        const auto* weight = weights[part.place].data();
        blst_p1_from_affine(&part.weighted_signature, &part.signature);
        blst_p1_mult(&part.weighted_signature, &part.weighted_signature, weight, kWeightBits);
        blst_p2_from_affine(&part.weighted_key, &part.key);
        blst_p2_mult(&part.weighted_key, &part.weighted_key, weight, kWeightBits);
    }
}

void remove_places(std::vector<Part>& parts, const std::vector<std::uint32_t>& sorted) {
    std::erase_if(parts, [&](const Part& part) {
        return std::binary_search(sorted.begin(), sorted.end(), part.place);
    });
}

}  // namespace

Result<ValidAggregate> aggregate_valid(std::span<const BlsVerifiedKey> keys, ByteSpan message,
                                       std::span<const BlsSignature> signatures) {
    if (keys.empty() || keys.size() != signatures.size())
        return Error{ErrorKind::invalid_argument,
                     std::to_string(signatures.size()) + " signatures of " +
                         std::to_string(keys.size()) + " keys cannot be added up"};
    ValidAggregate out;
    std::vector<Part> parts;
    parts.reserve(keys.size());
    for (std::uint32_t i = 0; i < keys.size(); ++i) {
        Part part{};
        part.place = i;
        part.key = point_of(keys[i]);
        if (load_on_curve(signatures[i], part.signature))
            parts.push_back(part);
        else
            out.bad.push_back(i);
    }
    const Statement statement(message);
    blst_p1 sum;
    if (!statement.sum_is_right(parts, sum)) {
        for (const auto& part : parts)
            if (!blst_p1_affine_in_g1(&part.signature)) out.bad.push_back(part.place);
        std::sort(out.bad.begin(), out.bad.end());
        remove_places(parts, out.bad);
        apply_weights(parts, weights_of(keys, message, signatures));
        if (!parts.empty() && !statement.all_are_right(parts)) {
            statement.find_wrong(parts, out.bad);
            std::sort(out.bad.begin(), out.bad.end());
            remove_places(parts, out.bad);
        }
        if (parts.empty()) return Error{ErrorKind::corrupt, "no signature is right"};
        if (!statement.sum_is_right(parts, sum))
            return Error{ErrorKind::corrupt, "the signers' keys cancel out"};
    }
    out.signature = compress(sum);
    return out;
}

}  // namespace mutirao::crypto

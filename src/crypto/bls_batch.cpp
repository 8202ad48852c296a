#include "crypto/bls_batch.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/codec.hpp"
#include "crypto/bls_points.hpp"
#include "crypto/drawn_weights.hpp"
#include "crypto/hash.hpp"
#include "crypto/hash_to_group_each.hpp"
#include "crypto/load_points.hpp"
#include "crypto/pairing_terms.hpp"

namespace mutirao::crypto {
namespace {

using namespace bls_points;

bool same_keys(std::span<const BlsVerifiedKey> a, std::span<const BlsVerifiedKey> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.point() == y.point(); });
}

// Points of G1, each to be taken so many times.
struct Weighted {
    std::vector<blst_p1_affine> points;
    std::vector<Weight> weights;

    blst_p1_affine sum() const {
        // One array each, not one pointer each.
        const blst_p1_affine* const list[2] = {points.data(), nullptr};
        const std::uint8_t* const times[2] = {weights[0].data(), nullptr};
        const auto size = blst_p1s_mult_pippenger_scratch_sizeof(points.size());
        std::vector<limb_t> scratch(size / sizeof(limb_t) + 1);
        blst_p1 out;
        blst_p1s_mult_pippenger(&out, list, points.size(), times, kWeightBits, scratch.data());
        return to_affine(out);
    }
};

// Hashes of messages that the same keys signed.
struct Group {
    std::span<const BlsVerifiedKey> keys;
    Weighted hashes;
};

// nullopt when one of them is no point of the group, or infinity.
std::optional<std::vector<blst_p1_affine>> signatures_of(std::span<const AggregateClaim> claims) {
    std::vector<CompressedPoint> compressed;
    for (const auto& claim : claims) compressed.emplace_back(claim.aggregate.bytes);
    std::vector<blst_p1_affine> out(claims.size());
    const auto good = load_points(compressed, out);
    for (std::size_t i = 0; i < out.size(); ++i)
        if (!good[i] || blst_p1_affine_is_inf(&out[i])) return std::nullopt;
    return out;
}

std::vector<blst_p1_affine> hashes_of(std::span<const AggregateClaim> claims) {
    std::vector<ByteSpan> messages;
    for (const auto& claim : claims) messages.emplace_back(claim.message);
    return hash_each_to_group(messages, kSignDomain);
}

bool product_is_one(const std::vector<blst_p1_affine>& in_g1,
                    const std::vector<blst_p2_affine>& in_g2) {
    const blst_p1_affine* const left[2] = {in_g1.data(), nullptr};
    const blst_p2_affine* const right[2] = {in_g2.data(), nullptr};
    blst_fp12 product;
    blst_miller_loop_n(&product, right, left, in_g1.size());
    blst_final_exp(&product, &product);
    return blst_fp12_is_one(&product);
}

}  // namespace

namespace pairing_terms {

Bytes statement_of(std::span<const AggregateClaim> claims) {
    Writer statement;
    statement.u(std::uint64_t{claims.size()});
    for (const auto& claim : claims) {
        statement.u(std::uint64_t{claim.keys.size()});
        for (const auto& key : claim.keys)
            for (const auto word : key.point()) statement.u(word);
        statement.blob(claim.message).raw(claim.aggregate.span());
    }
    return std::move(statement).take();
}

std::optional<OfAggregates> of(std::span<const AggregateClaim> claims,
                               std::span<const Weight> weights) {
    for (const auto& claim : claims)
        if (claim.keys.empty()) return std::nullopt;
    const auto points = signatures_of(claims);
    if (!points) return std::nullopt;
    const auto hashes = hashes_of(claims);
    const Weighted signatures{*points, {weights.begin(), weights.end()}};
    std::vector<Group> groups;
    for (std::size_t i = 0; i < claims.size(); ++i) {
        const auto& claim = claims[i];
        auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& each) {
            return same_keys(each.keys, claim.keys);
        });
        if (group == groups.end()) group = groups.insert(group, Group{claim.keys, {}});
        group->hashes.points.push_back(hashes[i]);
        group->hashes.weights.push_back(weights[i]);
    }
    OfAggregates out{signatures.sum(), {}, {}};
    for (const auto& group : groups) {
        out.hashes.push_back(group.hashes.sum());
        out.keys.push_back(to_affine(sum_of(group.keys)));
        if (blst_p2_affine_is_inf(&out.keys.back())) return std::nullopt;
    }
    return out;
}

}  // namespace pairing_terms

bool verify_aggregates(std::span<const AggregateClaim> claims) {
    if (claims.empty()) return true;
    const auto weights =
        drawn_weights("aggregate weights", pairing_terms::statement_of(claims), claims.size());
    auto terms = pairing_terms::of(claims, weights);
    if (!terms) return false;
    blst_p2 minus_g2 = *blst_p2_generator();
    blst_p2_cneg(&minus_g2, true);
    terms->hashes.push_back(terms->signature);
    terms->keys.push_back(to_affine(minus_g2));
    return product_is_one(terms->hashes, terms->keys);
}

}  // namespace mutirao::crypto

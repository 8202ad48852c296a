#include "crypto/bls_batch.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/codec.hpp"
#include "crypto/bls_points.hpp"
#include "crypto/hash.hpp"

namespace mutirao::crypto {
namespace {

using namespace bls_points;

constexpr std::size_t kWeightBits = 128;
using Weight = std::array<std::uint8_t, kWeightBits / 8>;  // little-endian

bool same_keys(std::span<const BlsVerifiedKey> a, std::span<const BlsVerifiedKey> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.point() == y.point(); });
}

std::vector<Weight> weights_of(std::span<const AggregateClaim> claims) {
    Writer statement;
    statement.u(std::uint64_t{claims.size()});
    for (const auto& claim : claims) {
        statement.u(std::uint64_t{claim.keys.size()});
        for (const auto& key : claim.keys)
            for (const auto word : key.point()) statement.u(word);
        statement.blob(claim.message).raw(claim.aggregate.span());
    }
    Bytes stream(claims.size() * sizeof(Weight));
    blake3_keyed_xof(domain_key("aggregate weights"), statement.bytes(), stream);
    std::vector<Weight> out(claims.size());
    for (std::size_t i = 0; i < out.size(); ++i)
        std::memcpy(out[i].data(), stream.data() + i * sizeof(Weight), sizeof(Weight));
    return out;
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

bool verify_aggregates(std::span<const AggregateClaim> claims) {
    if (claims.empty()) return true;
    const auto weights = weights_of(claims);
    std::vector<Group> groups;
    Weighted signatures;
    for (std::size_t i = 0; i < claims.size(); ++i) {
        const auto& claim = claims[i];
        blst_p1_affine signature;
        if (claim.keys.empty() || !load_signature(claim.aggregate, signature)) return false;
        signatures.points.push_back(signature);
        signatures.weights.push_back(weights[i]);
        auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& each) {
            return same_keys(each.keys, claim.keys);
        });
        if (group == groups.end()) group = groups.insert(group, Group{claim.keys, {}});
        group->hashes.points.push_back(to_affine(hash_to_group(claim.message, kSignDomain)));
        group->hashes.weights.push_back(weights[i]);
    }
    blst_p2 minus_g2 = *blst_p2_generator();
    blst_p2_cneg(&minus_g2, true);
    std::vector<blst_p1_affine> in_g1{signatures.sum()};
    std::vector<blst_p2_affine> in_g2{to_affine(minus_g2)};
    for (const auto& group : groups) {
        in_g1.push_back(group.hashes.sum());
        in_g2.push_back(to_affine(sum_of(group.keys)));
        if (blst_p2_affine_is_inf(&in_g2.back())) return false;
    }
    return product_is_one(in_g1, in_g2);
}

}  // namespace mutirao::crypto

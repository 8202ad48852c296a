// Keys for this room's tests, and points that no honest encoder writes.
#pragma once

#include <blst.h>

#include "base/random.hpp"
#include "crypto/bls.hpp"

namespace mutirao::crypto {

inline BlsSecretKey key_of(std::uint64_t seed) {
    SeededRandom random(seed);
    return *BlsSecretKey::generate(random.fixed<Digest>().span());
}

// The flag bits of a compressed point: 0x80 compressed, 0x40 infinity, 0x20 the larger y.
template <class Point>
Point infinity() {
    Point out{};
    out.bytes[0] = 0xc0;
    return out;
}

// The first point on the curve, by x, that is not in the subgroup of prime order.
inline BlsSignature signature_outside_the_group() {
    for (std::uint8_t x = 1;; ++x) {
        BlsSignature out{};
        out.bytes[0] = 0x80;
        out.bytes[47] = x;
        blst_p1_affine point;
        if (blst_p1_uncompress(&point, out.bytes.data()) == BLST_SUCCESS &&
            !blst_p1_affine_in_g1(&point))
            return out;
    }
}

inline BlsPublicKey key_outside_the_group() {
    for (std::uint8_t x = 1;; ++x) {
        BlsPublicKey out{};
        out.bytes[0] = 0x80;
        out.bytes[95] = x;
        blst_p2_affine point;
        if (blst_p2_uncompress(&point, out.bytes.data()) == BLST_SUCCESS &&
            !blst_p2_affine_in_g2(&point))
            return out;
    }
}

template <class Point>
Point flipped(Point point, std::size_t bit) {
    point.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    return point;
}

}  // namespace mutirao::crypto

#include "crypto/verifiable_shares.hpp"

#include <algorithm>
#include <string>

#include "base/codec.hpp"
#include "crypto/bls_points.hpp"

namespace mutirao::crypto {

namespace {

constexpr std::size_t kScalarBits = 255, kIndexBits = 8;

blst_scalar load(std::span<const std::uint8_t, 32> little_endian) {
    blst_scalar out;
    blst_scalar_from_lendian(&out, little_endian.data());
    return out;
}

// None when the bytes are no number below the order.
std::optional<blst_fr> number_of(std::span<const std::uint8_t, 32> little_endian) {
    const auto scalar = load(little_endian);
    if (!blst_scalar_fr_check(&scalar)) return std::nullopt;
    blst_fr out;
    blst_fr_from_scalar(&out, &scalar);
    return out;
}

std::array<std::uint8_t, 32> bytes_of(const blst_fr& number) {
    blst_scalar scalar;
    blst_scalar_from_fr(&scalar, &number);
    std::array<std::uint8_t, 32> out;
    blst_lendian_from_scalar(out.data(), &scalar);
    return out;
}

blst_fr small(std::uint8_t value) {
    const std::uint64_t words[4] = {value, 0, 0, 0};
    blst_fr out;
    blst_fr_from_uint64(&out, words);
    return out;
}

std::span<const std::uint8_t, 32> span_of(const Scalar& scalar) {
    return std::span<const std::uint8_t, 32>(scalar.bytes);
}

bool load_point(const GroupPoint& in, blst_p1_affine& out) {
    return bls_points::load_signature(BlsSignature::from_bytes(in.span()).value(), out);
}

GroupPoint compressed(const blst_p1& point) {
    GroupPoint out;
    blst_p1_compress(out.bytes.data(), &point);
    return out;
}

Status check_counts(std::uint32_t threshold, std::uint32_t count) {
    if (threshold >= 1 && threshold <= count && count <= kSharesMax) return {};
    return Error{ErrorKind::invalid_argument, "a secret is split into 1 to 255 shares, not " +
                                                  std::to_string(count) + " of which " +
                                                  std::to_string(threshold) + " are needed"};
}

}  // namespace

Scalar random_scalar(Random& random) {
    for (;;) {
        auto bytes = random.fixed<Scalar>();
        bytes.bytes.back() &= 0x7f;
        const auto scalar = load(span_of(bytes));
        if (blst_sk_check(&scalar)) return bytes;
    }
}

GroupPoint point_of(const Scalar& scalar) {
    blst_p1 out;
    blst_p1_mult(&out, blst_p1_generator(), scalar.bytes.data(), kScalarBits);
    return compressed(out);
}

bool is_group_point(const GroupPoint& point) {
    blst_p1_affine out;
    return load_point(point, out);
}

Result<VerifiableShares> split_verifiably(const Scalar& secret, std::uint32_t threshold,
                                          std::uint32_t count, Random& random) {
    TRY_VOID(check_counts(threshold, count));
    VerifiableShares out;
    std::vector<blst_fr> coefficients;
    for (std::uint32_t i = 0; i < threshold; ++i) {
        const auto scalar = i == 0 ? secret : random_scalar(random);
        const auto number = number_of(span_of(scalar));
        if (!number) return Error{ErrorKind::invalid_argument, "the secret is no scalar"};
        coefficients.push_back(*number);
        out.points.push_back(point_of(scalar));
    }
    for (std::uint32_t index = 1; index <= count; ++index) {
        const auto at = small(static_cast<std::uint8_t>(index));
        auto value = coefficients.back();
        for (std::size_t i = coefficients.size() - 1; i-- > 0;) {
            blst_fr_mul(&value, &value, &at);
            blst_fr_add(&value, &value, &coefficients[i]);
        }
        out.shares.push_back({static_cast<std::uint8_t>(index), bytes_of(value)});
    }
    return out;
}

// Horner's rule over the points: the polynomial at the share's index, in the exponent.
bool fits(const KeyShare& share, std::span<const GroupPoint> points) {
    if (points.empty() || share.index == 0 || !number_of(share.bytes)) return false;
    blst_p1 sum;
    for (std::size_t i = points.size(); i-- > 0;) {
        blst_p1_affine point;
        if (!load_point(points[i], point)) return false;
        if (i + 1 == points.size()) {
            blst_p1_from_affine(&sum, &point);
            continue;
        }
        blst_p1_mult(&sum, &sum, &share.index, kIndexBits);
        blst_p1_add_or_double_affine(&sum, &sum, &point);
    }
    blst_p1 own;
    blst_p1_mult(&own, blst_p1_generator(), share.bytes.data(), kScalarBits);
    return blst_p1_is_equal(&own, &sum);
}

// Lagrange's interpolation at 0.
Result<Scalar> combine_scalar(std::span<const KeyShare> shares, std::uint32_t threshold) {
    if (shares.size() < threshold || threshold == 0)
        return Error{
            ErrorKind::unavailable,
            std::to_string(threshold) + " shares are needed, not " + std::to_string(shares.size())};
    shares = shares.first(threshold);
    auto sum = small(0);
    for (const auto& share : shares) {
        const auto value = number_of(share.bytes);
        if (!value) return Error{ErrorKind::corrupt, "a share is no number"};
        auto above = small(1), below = small(1);
        const auto here = small(share.index);
        std::size_t same = 0;
        for (const auto& other : shares) {
            if (other.index == share.index) {
                ++same;
                continue;
            }
            const auto there = small(other.index);
            blst_fr difference;
            blst_fr_sub(&difference, &there, &here);
            blst_fr_mul(&above, &above, &there);
            blst_fr_mul(&below, &below, &difference);
        }
        if (share.index == 0 || same != 1)
            return Error{ErrorKind::invalid_argument, "a share has no number, or one twice"};
        blst_fr_inverse(&below, &below);
        blst_fr_mul(&above, &above, &below);
        blst_fr_mul(&above, &above, &*value);
        blst_fr_add(&sum, &sum, &above);
    }
    const auto out = Scalar::from_bytes(bytes_of(sum)).value();
    const auto scalar = load(span_of(out));
    if (!blst_sk_check(&scalar)) return Error{ErrorKind::corrupt, "the shares give no secret"};
    return out;
}

Result<Key> agreed_key(const Scalar& own, const GroupPoint& peer, std::string_view context,
                       ByteSpan material) {
    blst_p1_affine point;
    if (!load_point(peer, point))
        return Error{ErrorKind::corrupt, "a key is no point of the group"};
    blst_p1 common;
    blst_p1_from_affine(&common, &point);
    blst_p1_mult(&common, &common, own.bytes.data(), kScalarBits);
    const auto mine = point_of(own);
    Writer out;
    out.raw(compressed(common).span()).raw(std::min(mine, peer).span());
    out.raw(std::max(mine, peer).span()).raw(material);
    return blake3_derive_key(context, out.bytes());
}

}  // namespace mutirao::crypto

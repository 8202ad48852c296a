#include "crypto/recover_each.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <secp256k1.h>

#include "crypto/group_scalar.hpp"
#include "crypto/has_ifma.hpp"
#include "crypto/hash.hpp"
#include "crypto/keccak_each.hpp"
#include "crypto/recover_lanes.hpp"

namespace mutirao::crypto {

namespace recover_lanes {

const Kernel* kernel() {
#if defined(__x86_64__)
    static const bool here = has_ifma();
    if (here) return &kIfmaKernel;
#endif
    return nullptr;
}

}  // namespace recover_lanes

namespace {

using namespace recover_lanes;
using group_scalar::Scalar;
using Bytes32 = std::array<std::uint8_t, 32>;

__extension__ typedef unsigned __int128 Wide;

constexpr std::size_t kWordBits = 52;
constexpr std::uint64_t kWordMask = (std::uint64_t{1} << kWordBits) - 1;
constexpr std::uint64_t kFold = 0x1000003d1;  // 2^256 - p
constexpr std::size_t kWorthIt = 2;           // signatures: eight take as long as two alone
constexpr std::size_t kInvertedAtOnce = 256;

std::array<std::uint64_t, kWords> words_of(const Scalar& number) {
    return {number[0] & kWordMask, (number[0] >> 52 | number[1] << 12) & kWordMask,
            (number[1] >> 40 | number[2] << 24) & kWordMask,
            (number[2] >> 28 | number[3] << 36) & kWordMask, number[3] >> 16};
}

void set(Numbers& numbers, std::size_t lane, const Scalar& number) {
    const auto words = words_of(number);
    for (std::size_t i = 0; i < kWords; ++i) numbers.words[i][lane] = words[i];
}

// Adds what is below 2^64; whether that went over 2^256.
bool add(Scalar& to, std::uint64_t small) {
    for (auto& word : to) {
        word += small;
        if (word >= small) return false;
        small = 1;
    }
    return true;
}

// Below p.
Scalar number_of(const Numbers& numbers, std::size_t lane) {
    const auto word = [&](std::size_t i) { return numbers.words[i][lane]; };
    Scalar out{word(0) | word(1) << 52, word(1) >> 12 | word(2) << 40,
               word(2) >> 24 | word(3) << 28, word(3) >> 36 | word(4) << 16};
    if (add(out, (word(4) >> 48) * kFold)) add(out, kFold);
    auto over = out;
    return add(over, kFold) ? over : out;
}

Scalar negative_in_field(const Scalar& number) {
    if (group_scalar::is_zero(number)) return number;
    // p - a = 2^256 - a - kFold
    Scalar out;
    for (std::size_t i = 0; i < 4; ++i) out[i] = ~number[i];
    std::uint64_t borrow = kFold - 1;
    for (auto& word : out) {
        const bool below = word < borrow;
        word -= borrow;
        borrow = below ? 1 : 0;
    }
    return out;
}

Point point_of(const secp256k1_context* context, const secp256k1_pubkey& key) {
    std::array<std::uint8_t, 65> bytes;
    auto size = bytes.size();
    secp256k1_ec_pubkey_serialize(context, bytes.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED);
    Point out;
    for (std::size_t i = 0; i < 2; ++i) {
        const std::span<const std::uint8_t, 32> number(bytes.data() + 1 + 32 * i, 32);
        const auto words = words_of(group_scalar::from_bytes(number));
        std::copy(words.begin(), words.end(), out.words + kWords * i);
    }
    return out;
}

// 6 ms.
std::unique_ptr<const Multiples> make_multiples() {
    const std::unique_ptr<secp256k1_context, void (*)(secp256k1_context*)> context(
        secp256k1_context_create(SECP256K1_CONTEXT_NONE), secp256k1_context_destroy);
    auto out = std::make_unique<Multiples>();
    Bytes32 scalar{};
    scalar.back() = 1;
    secp256k1_pubkey g, multiple;
    ENSURE(secp256k1_ec_pubkey_create(context.get(), &g, scalar.data()) == 1);
    multiple = g;
    for (auto& point : out->of_g) {
        point = point_of(context.get(), multiple);
        const auto last = multiple;
        const secp256k1_pubkey* const terms[2] = {&last, &g};
        ENSURE(secp256k1_ec_pubkey_combine(context.get(), &multiple, terms, 2) == 1);
    }
    // Any point would do that nobody meets by chance.
    const auto begin = keccak256(as_bytes(kWhereSumsBegin));
    ENSURE(secp256k1_ec_pubkey_create(context.get(), &multiple, begin.bytes.data()) == 1);
    out->begin = point_of(context.get(), multiple);
    scalar = {};
    scalar[15] = 1;  // 2^128
    ENSURE(secp256k1_ec_pubkey_tweak_mul(context.get(), &multiple, scalar.data()) == 1);
    ENSURE(secp256k1_ec_pubkey_negate(context.get(), &multiple) == 1);
    out->end = point_of(context.get(), multiple);
    return out;
}
const Multiples& multiples() {
    static const auto instance = make_multiples();
    return *instance;
}

// Signed digits, the lowest first: none is over half the base.
template <std::size_t Bits, class To>
void write_digits(const group_scalar::Half& half, std::size_t lane, To& to) {
    constexpr std::int64_t kBase = std::int64_t{1} << Bits;
    Wide left = Wide{half.size[1]} << 64 | half.size[0];
    std::int64_t carry = 0;
    for (auto& digits : to.at) {
        auto digit = static_cast<std::int64_t>(static_cast<std::uint64_t>(left) & (kBase - 1));
        digit += carry;
        left >>= Bits;
        carry = digit > kBase / 2 ? 1 : 0;
        digit -= carry * kBase;
        digits[lane] = half.negative ? -digit : digit;
    }
}

// What one signature says, once its numbers are known to be in range.
struct Candidate {
    std::size_t place;
    Scalar r, s, hash;
    bool odd;
};

std::optional<Candidate> candidate_of(std::size_t place, const SignedHash& asked) {
    const auto& [hash, signature] = asked;
    const Candidate out{place, group_scalar::from_bytes(signature.r.bytes),
                        group_scalar::from_bytes(signature.s.bytes),
                        group_scalar::reduced(group_scalar::from_bytes(hash.bytes)),
                        signature.y_parity == 1};
    if (signature.y_parity > 1 || group_scalar::is_zero(out.r) || group_scalar::is_zero(out.s) ||
        !group_scalar::is_below_order(out.r) || group_scalar::is_over_half(out.s))
        return std::nullopt;
    return out;
}

using PointBytes = std::array<std::uint8_t, 64>;

PointBytes bytes_of(const Scalar& x, const Scalar& y) {
    PointBytes out;
    for (std::size_t i = 0; i < 32; ++i) {
        out[i] = static_cast<std::uint8_t>(x[3 - i / 8] >> (56 - 8 * (i % 8)));
        out[32 + i] = static_cast<std::uint8_t>(y[3 - i / 8] >> (56 - 8 * (i % 8)));
    }
    return out;
}

Address address_of(const Digest& hash) {
    Address out;
    std::copy(hash.bytes.end() - Address::kSize, hash.bytes.end(), out.bytes.begin());
    return out;
}

// Q = (s R - hash G) / r for up to eight; a lane without one of its own repeats the first.
void recover_eight(const Kernel& kernel, std::span<const Candidate> some,
                   std::span<const Scalar> inverse_r, std::vector<std::optional<Address>>& out) {
    Terms terms;
    Numbers off, x, y, z;
    const auto each = [&](const auto& act) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) act(lane, lane < some.size() ? lane : 0);
    };
    each([&](auto lane, auto i) { set(terms.x, lane, some[i].r); });
    kernel.square_roots(terms.x, terms.y, off);
    each([&](auto lane, auto i) {
        const auto root = number_of(terms.y, lane);
        const bool odd = (root[0] & 1) != 0;
        set(terms.y, lane, odd == some[i].odd ? root : negative_in_field(root));
        const auto u1 = group_scalar::negative(group_scalar::product(some[i].hash, inverse_r[i]));
        const auto of_g = group_scalar::split(u1);
        const auto of_r = group_scalar::split(group_scalar::product(some[i].s, inverse_r[i]));
        write_digits<12>(of_g.a, lane, terms.a);
        write_digits<12>(of_g.b, lane, terms.b);
        write_digits<4>(of_r.a, lane, terms.c);
        write_digits<4>(of_r.b, lane, terms.d);
    });
    kernel.sums(multiples(), terms, x, y, z);
    std::array<PointBytes, kLanes> points;
    std::array<Digest, kLanes> hashes;
    for (std::size_t i = 0; i < kLanes; ++i) points[i] = bytes_of(number_of(x, i), number_of(y, i));
    const std::vector<ByteSpan> inputs(points.begin(), points.end());
    keccak256_each(inputs, hashes);
    for (std::size_t i = 0; i < some.size(); ++i)
        if (group_scalar::is_zero(number_of(off, i)) && !group_scalar::is_zero(number_of(z, i)))
            out[some[i].place] = address_of(hashes[i]);
}

}  // namespace

std::vector<Result<Address>> recover_each(std::span<const SignedHash> asked) {
    std::vector<std::optional<Address>> found(asked.size());
    const auto* const lanes = asked.size() < kWorthIt ? nullptr : kernel();
    std::vector<Candidate> some;
    std::vector<Scalar> inverse_r;
    for (std::size_t from = 0; lanes != nullptr && from < asked.size(); from += kInvertedAtOnce) {
        some.clear();
        inverse_r.clear();
        for (auto i = from; i < std::min(from + kInvertedAtOnce, asked.size()); ++i)
            if (const auto one = candidate_of(i, asked[i])) {
                some.push_back(*one);
                inverse_r.push_back(one->r);
            }
        group_scalar::invert_all(inverse_r);
        for (std::size_t at = 0; at + kWorthIt <= some.size(); at += kLanes) {
            const auto count = std::min(kLanes, some.size() - at);
            recover_eight(*lanes, std::span(some).subspan(at, count),
                          std::span(inverse_r).subspan(at, count), found);
        }
    }
    std::vector<Result<Address>> out;
    out.reserve(asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i)
        out.push_back(found[i] ? Result<Address>(*found[i])
                               : recover(asked[i].hash, asked[i].signature));
    return out;
}

}  // namespace mutirao::crypto

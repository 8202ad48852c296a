#include "crypto/aead.hpp"

#include <gtest/gtest.h>
#include <openssl/sha.h>
#include <rapidcheck.h>

#include "base/test_threads.hpp"
#include "crypto/test_vectors.hpp"

namespace mutirao::crypto {
namespace {

const Key kKey{{7, 7, 7}};
constexpr std::size_t kWhole = kSegmentSize + kTagSize;

ErrorKind kind_of(const Result<Bytes>& result) {
    EXPECT_FALSE(result.ok());
    return result.error().kind;
}

TEST(Aead, seals_in_place_and_on_several_threads_alike) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{5}, kSegmentSize, kSegmentSize + 1,
                                   3 * kSegmentSize, 4 * kSegmentSize + 999}) {
        const auto plain = pattern(size);
        Bytes segments(sealed_size(size));
        for (std::size_t i = 0; i < size; ++i) segments[place_to_seal(i)] = plain[i];
        ThreadExecutor executor;
        seal_in_place(kKey, 3, as_bytes("about"), segments, {&executor, 3});
        EXPECT_EQ(segments, seal(kKey, 3, as_bytes("about"), plain)) << size;
        EXPECT_EQ(*open(kKey, 3, as_bytes("about"), segments), plain) << size;
    }
}

TEST(Aead, gives_the_bytes_of_another_implementation) {
    const auto file = read_vectors(MUTIRAO_VECTORS "/crypto/sealed.json");
    const auto key = fixed_at<Key>(file, "key");
    EXPECT_EQ(commit_key(key), fixed_at<Digest>(file, "key_commitment"));
    const auto associated = bytes_at(file, "associated");
    for (const auto& m : file.at("messages").as_array()) {
        const auto plain = pattern(m.at("plain_size").to_number<std::size_t>());
        const auto sequence = m.at("sequence").to_number<std::uint32_t>();
        const auto sealed = seal(key, sequence, associated, plain);
        SCOPED_TRACE(plain.size());
        EXPECT_EQ(sealed.size(), m.at("sealed_size").to_number<std::size_t>());
        EXPECT_EQ(sealed_size(plain.size()), sealed.size());
        if (m.as_object().contains("sealed")) {
            EXPECT_EQ(sealed, bytes_at(m, "sealed"));
        }
        Digest hash;
        SHA256(sealed.data(), sealed.size(), hash.bytes.data());
        EXPECT_EQ(hash, fixed_at<Digest>(m, "sealed_sha256"));
        EXPECT_EQ(*open(key, sequence, associated, sealed), plain);
    }
}

TEST(Aead, opens_what_was_sealed_and_nothing_else) {
    EXPECT_TRUE(rc::check([](const Bytes& plain, const Bytes& associated, std::uint32_t sequence) {
        const auto sealed = seal(kKey, sequence, associated, plain);
        RC_ASSERT(*open(kKey, sequence, associated, sealed) == plain);
        auto other_key = kKey;
        other_key.bytes[*rc::gen::inRange<std::size_t>(0, 32)] ^= 1;
        RC_ASSERT(kind_of(open(other_key, sequence, associated, sealed)) ==
                  ErrorKind::permission_denied);
        RC_ASSERT(kind_of(open(kKey, sequence + 1, associated, sealed)) ==
                  ErrorKind::permission_denied);
        auto other = associated;
        other.push_back(0);
        RC_ASSERT(kind_of(open(kKey, sequence, other, sealed)) == ErrorKind::permission_denied);
    }));
}

TEST(Aead, refuses_every_flipped_bit) {
    const auto sealed = seal(kKey, 1, as_bytes("a"), pattern(50));
    for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
        auto changed = sealed;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        ASSERT_EQ(kind_of(open(kKey, 1, as_bytes("a"), changed)), ErrorKind::permission_denied)
            << bit;
    }
}

TEST(Aead, refuses_every_other_length) {
    const auto sealed = seal(kKey, 1, {}, pattern(50));
    for (std::size_t size = 0; size < sealed.size(); ++size)
        EXPECT_EQ(kind_of(open(kKey, 1, {}, ByteSpan(sealed).first(size))),
                  size < kTagSize ? ErrorKind::corrupt : ErrorKind::permission_denied)
            << size;
    auto longer = sealed;
    longer.push_back(0);
    EXPECT_EQ(kind_of(open(kKey, 1, {}, longer)), ErrorKind::permission_denied);
}

TEST(Aead, refuses_segments_cut_swapped_repeated_or_taken_from_another_message) {
    const auto sealed = seal(kKey, 1, {}, pattern(3 * kSegmentSize));
    const auto other = seal(kKey, 2, {}, pattern(3 * kSegmentSize));
    const auto segment = [&](const Bytes& from, std::size_t i) {
        return ByteSpan(from).subspan(i * kWhole, kWhole);
    };
    const auto joined = [](std::initializer_list<ByteSpan> parts) {
        Bytes out;
        for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
        return out;
    };
    const auto a = segment(sealed, 0), b = segment(sealed, 1), c = segment(sealed, 2);
    ASSERT_TRUE(open(kKey, 1, {}, joined({a, b, c})).ok());
    for (const auto& wrong :
         {joined({a}), joined({a, b}), joined({b, c}), joined({a, c}), joined({b, a, c}),
          joined({a, c, b}), joined({a, b, c, c}), joined({a, b, b, c}),
          joined({segment(other, 0), b, c}), joined({a, b, segment(other, 2)}),
          joined({a, b, c.first(c.size() - 1)}), joined({a, b.first(100)})})
        EXPECT_EQ(kind_of(open(kKey, 1, {}, wrong)), ErrorKind::permission_denied) << wrong.size();
    // Sizes that no sealed message has: a last segment that is empty, or shorter than a tag.
    for (const std::size_t more : {1u, 15u, 16u})
        EXPECT_EQ(kind_of(open(kKey, 1, {}, joined({a, b.first(more)}))), ErrorKind::corrupt);
}

TEST(Aead, an_empty_message_is_authenticated_too) {
    const auto sealed = seal(kKey, 1, {}, {});
    EXPECT_EQ(sealed.size(), kTagSize);
    EXPECT_EQ(*open(kKey, 1, {}, sealed), Bytes{});
    EXPECT_EQ(kind_of(open(kKey, 1, {}, Bytes(kTagSize))), ErrorKind::permission_denied);
}

TEST(CommitKey, tells_keys_apart) {
    auto other = kKey;
    other.bytes[31] ^= 0x80;
    EXPECT_NE(commit_key(kKey), commit_key(other));
}

}  // namespace
}  // namespace mutirao::crypto

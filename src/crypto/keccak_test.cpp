#include <gtest/gtest.h>

#include "crypto/hash.hpp"
#include "crypto/keccak_each.hpp"
#include "crypto/test_vectors.hpp"

namespace mutirao::crypto {
namespace {

TEST(Keccak256, gives_the_hashes_of_ethers) {
    const auto file = read_vectors(MUTIRAO_VECTORS "/crypto/accounts.json");
    for (const auto& c : file.at("keccak").as_array()) {
        const auto size = c.at("size").to_number<std::size_t>();
        EXPECT_EQ(keccak256(pattern(size)).hex(), text_at(c, "hash")) << size;
    }
}

// Keccak-256 with the original padding, as on https://keccak.team and in Ethereum's yellow paper
// (the hash of nothing) and the Solidity documentation's "abc".
TEST(Keccak256, gives_the_published_hashes) {
    EXPECT_EQ(keccak256({}).hex(),
              "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    EXPECT_EQ(keccak256(as_bytes("abc")).hex(),
              "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
}

TEST(Keccak256, of_each_is_that_of_one) {
    for (std::size_t count = 0; count < 40; ++count) {
        std::vector<Bytes> bytes;
        for (std::size_t i = 0; i < count; ++i)
            bytes.push_back(pattern((i * i * 37 + count) % 700));
        for (const std::size_t edge : {135u, 136u, 137u, 271u, 272u})
            bytes.push_back(pattern(edge));
        const std::vector<ByteSpan> inputs(bytes.begin(), bytes.end());
        std::vector<Digest> out(inputs.size());
        keccak256_each(inputs, out);
        for (std::size_t i = 0; i < inputs.size(); ++i) EXPECT_EQ(out[i], keccak256(inputs[i]));
    }
}

// What the lanes do where there are any, and what is done without them.
TEST(Keccak256, of_few_is_the_published_one) {
    for (const std::size_t count : {1u, 2u, 3u, 9u}) {
        const std::vector<ByteSpan> inputs(count, as_bytes("abc"));
        std::vector<Digest> out(count);
        keccak256_each(inputs, out);
        for (const auto& digest : out)
            EXPECT_EQ(digest.hex(),
                      "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    }
}

}  // namespace
}  // namespace mutirao::crypto

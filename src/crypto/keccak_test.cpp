#include <gtest/gtest.h>

#include "crypto/hash.hpp"
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

}  // namespace
}  // namespace mutirao::crypto

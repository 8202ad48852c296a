#include "crypto/chacha20.hpp"

#include <gtest/gtest.h>

namespace mutirao::crypto {
namespace {

// RFC 8439 appendix A.1, test vectors 1 and 2 (key 0, blocks 0 and 1) and 3 (key ending in 1).
TEST(ChaCha20, gives_the_stream_of_rfc_8439) {
    Bytes out(128);
    chacha20_stream({}, 0, out);
    EXPECT_EQ(to_hex(out),
              "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
              "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
              "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
              "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
    Bytes second(64);
    chacha20_stream({}, 1, second);
    EXPECT_TRUE(std::equal(second.begin(), second.end(), out.begin() + 64));
    Key key;
    key.bytes[31] = 1;
    chacha20_stream(key, 1, second);
    EXPECT_EQ(to_hex(second),
              "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
              "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0");
}

}  // namespace
}  // namespace mutirao::crypto

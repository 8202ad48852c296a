#include "train/secure_sum.hpp"

// One message of each kind has one encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const ByteSpan bytes(data, size);
    if (const auto keys = train::decode_sum_keys(bytes))
        ENSURE(train::encode(*keys) == to_bytes(bytes));
    if (const auto shares = train::decode_sum_shares(bytes))
        ENSURE(train::encode(*shares) == to_bytes(bytes));
    if (const auto reveal = train::decode_sum_reveal(bytes))
        ENSURE(train::encode(*reveal) == to_bytes(bytes));
    if (const auto opened = train::decode_sum_opened(bytes))
        ENSURE(train::encode(*opened) == to_bytes(bytes));
    return 0;
}

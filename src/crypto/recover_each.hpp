// Signers of many signatures at once. Any thread.
#pragma once

#include <span>
#include <vector>

#include "crypto/account.hpp"

namespace mutirao::crypto {

struct SignedHash {
    Digest hash;
    AccountSignature signature;
};

// recover() of each. About 12 us each on a busy Zen 4 core, where the processor has AVX-512's IFMA
// and there are eight or more; elsewhere what recover() takes. The first call with two or more
// makes a table in 6 ms.
std::vector<Result<Address>> recover_each(std::span<const SignedHash> asked);

}  // namespace mutirao::crypto

// Signatures, keys and address texts from outside: whatever is taken must write back the same.
#include "crypto/recover_each.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const ByteSpan input(data, size);
    if (size > Digest::kSize) {
        const auto hash = *Digest::from_bytes(input.first(Digest::kSize));
        const auto rest = input.subspan(Digest::kSize);
        if (const auto signature = crypto::AccountSignature::from_bytes(rest); signature.ok()) {
            ENSURE(signature->to_bytes() == to_bytes(rest));
            const auto alone = crypto::recover(hash, *signature);
            const crypto::SignedHash twice[] = {{hash, *signature}, {hash, *signature}};
            for (const auto& one : crypto::recover_each(twice))
                ENSURE(one.ok() == alone.ok() && (!one.ok() || *one == *alone));
        }
    }
    if (const auto key = crypto::AccountKey::from_bytes(input); key.ok()) {
        const Digest hash{{1}};
        ENSURE(*crypto::recover(hash, key->sign(hash)) == key->address());
    }
    if (const auto address = crypto::address_from_text(as_text(input)); address.ok())
        ENSURE(*crypto::address_from_text(crypto::to_checksum_text(*address)) == *address);
    return 0;
}

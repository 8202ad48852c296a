// Wallet files from outside. Files whose numbers have more than four digits are left out: what they
// test is the same, and scrypt would take most of the time.
#include "crypto/keystore.hpp"

namespace {

bool has_a_long_number(std::string_view text) {
    std::size_t digits = 0;
    bool in_string = false;
    for (const char c : text) {
        if (c == '"') in_string = !in_string;
        digits = !in_string && c >= '0' && c <= '9' ? digits + 1 : 0;
        if (digits > 4) return true;
    }
    return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto text = as_text({data, size});
    if (has_a_long_number(text)) return 0;
    if (const auto key = crypto::read_keystore(text, "secret"); key.ok())
        ENSURE(crypto::AccountKey::from_bytes(key->secret()).ok());
    return 0;
}

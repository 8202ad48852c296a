#include "block/row_order.hpp"

#include <numeric>

#include "crypto/hash.hpp"

namespace mutirao::block {

std::optional<std::vector<std::uint32_t>> permute(std::uint32_t count, ByteSpan stream) {
    std::vector<std::uint32_t> out(count);
    std::iota(out.begin(), out.end(), 0);
    std::size_t at = 0;
    for (std::uint32_t left = count; left > 1; --left) {
        std::uint32_t word, chosen;
        do {
            if (stream.size() - at < 4) return std::nullopt;
            word = static_cast<std::uint32_t>(stream[at] | stream[at + 1] << 8 |
                                              stream[at + 2] << 16) |
                   static_cast<std::uint32_t>(stream[at + 3]) << 24;
            at += 4;
            chosen = word % left;
            // Taken when the whole run of `left` words that it lies in is below 2^32.
        } while (std::uint64_t{word} - chosen + left > std::uint64_t{1} << 32);
        std::swap(out[left - 1], out[chosen]);
    }
    return out;
}

RowOrder RowOrder::strided(std::uint32_t rows, std::uint32_t slots) {
    ENSURE(slots > 0 && rows % slots == 0, "rows that do not fill their slots");
    RowOrder out;
    out.slots_ = slots;
    return out;
}

RowOrder RowOrder::shuffled(ByteSpan seed, std::uint32_t rows, std::uint32_t slots) {
    RowOrder out = strided(rows, slots);
    // A word is skipped less than once in 2^18 draws, so this is nearly always enough.
    constexpr std::uint32_t kSpareWords = 16;
    Bytes stream((std::size_t{rows} + kSpareWords) * 4);
    for (;; stream.resize(stream.size() * 2)) {
        crypto::blake3_keyed_xof(crypto::domain_key("permutation"), seed, stream);
        auto permuted = permute(rows, stream);
        if (!permuted) continue;
        out.rows_ = std::move(*permuted);
        break;
    }
    out.places_.resize(rows);
    for (std::uint32_t place = 0; place < rows; ++place) out.places_[out.rows_[place]] = place;
    return out;
}

}  // namespace mutirao::block

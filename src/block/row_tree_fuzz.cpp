#include <algorithm>

#include "base/codec.hpp"
#include "block/row_tree.hpp"

namespace mutirao::block {
namespace {

constexpr std::uint32_t kRows = 16;

const RowTree& tree() {
    static const RowTree made = [] {
        std::vector<Digest> digests(kRows);
        for (std::uint32_t i = 0; i < kRows; ++i)
            digests[i].bytes.fill(static_cast<std::uint8_t>(i));
        return RowTree(digests);
    }();
    return made;
}

// A count, rows with their digests, then a proof: u8, u32 | 32 bytes each, 32 bytes each. The width
// is the block's and no sender's: a narrower tree has this one's inner nodes for its rows.
Status verify(Reader& in) {
    TRY(auto count, in.u<std::uint8_t>());
    std::vector<PlacedDigest> placed;
    std::vector<std::uint32_t> rows;
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(auto row, in.u<std::uint32_t>());
        TRY(auto digest, in.fixed<Digest>());
        placed.push_back({row, digest});
        rows.push_back(row);
    }
    std::vector<Digest> proof;
    while (in.remaining() >= Digest::kSize) {
        TRY(auto digest, in.fixed<Digest>());
        proof.push_back(digest);
    }
    TRY_VOID(verify_rows(kRows, placed, proof, tree().root()));
    // Only the rows of the tree, with the proof that it makes, are under its root.
    for (const auto& [row, digest] : placed) ENSURE(digest == tree().rows()[row]);
    ENSURE(proof == tree().prove(rows));
    return {};
}

}  // namespace
}  // namespace mutirao::block

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    mutirao::Reader in({data, size});
    (void)mutirao::block::verify(in);
    return 0;
}

// From rows back to content, under the canonical-content rule. protocol.md section 5.
#include <algorithm>

#include "block/statement.hpp"

namespace mutirao::block {

namespace {

// Whole slots by their leaves.
std::uint32_t rows_of_agreeing_leaves(const StatementCheck& check,
                                      std::span<const Digest> digests) {
    const auto& header = check.header();
    const auto leaves = slot_leaves(check.order(), header, digests);
    std::uint32_t rows = 0;
    for (std::uint32_t slot = 0; slot < header.slots; ++slot)
        if (leaves[slot] == check.statement().leaves[slot]) rows += header.rows_per_slot();
    return rows;
}

// Rows under rows_root.
std::uint32_t rows_of_agreeing_tree(const StatementCheck& check, std::span<const Digest> digests,
                                    std::span<const ProvenDigests> proven) {
    const RowTree tree(digests);
    if (tree.root() == check.statement().rows_root) return check.header().rows;
    std::vector<bool> agreeing(digests.size());
    for (const auto& share : proven) tree.mark_agreeing(share.rows(), share.proof(), agreeing);
    return static_cast<std::uint32_t>(std::count(agreeing.begin(), agreeing.end(), true));
}

}  // namespace

Result<Bytes> recover_content(const StatementCheck& check, std::span<const coding::Row> rows,
                              std::span<const ProvenDigests> proven, const Threads& threads) {
    const auto& header = check.header();
    for (const auto& share : proven)
        if (share.root() != check.statement().rows_root)
            return Error{ErrorKind::invalid_argument,
                         "the digests were proven to be under another block's rows root"};
    Bytes data(std::size_t{header.data_rows} * header.row_size);
    TRY_VOID(coding::decode(header.shape(), rows, data, threads));
    const auto digests = encode_and_hash(header.shape(), data, {}, threads);

    const std::uint32_t rows_agreeing = header.version == Profile::sampled
                                            ? rows_of_agreeing_tree(check, digests, proven)
                                            : rows_of_agreeing_leaves(check, digests);
    const std::uint32_t rows_needed = (header.rows + header.data_rows + 1) / 2;
    if (rows_agreeing < rows_needed)
        return Error{ErrorKind::unavailable,
                     "unresolved: only " + std::to_string(rows_agreeing) + " of " +
                         std::to_string(header.rows) + " rows agree with the commitment, " +
                         std::to_string(rows_needed) + " needed; more rows must be fetched"};
    // From here on the decoded data is the only one that can reach this point, so every reader that
    // does comes to the same verdict. Padding is zero in the one canonical form of the content.
    if (std::any_of(data.begin() + static_cast<std::ptrdiff_t>(header.length), data.end(),
                    [](std::uint8_t byte) { return byte != 0; }))
        return Error{ErrorKind::corrupt, "the block's padding is not zero"};
    data.resize(header.length);
    return data;
}

}  // namespace mutirao::block

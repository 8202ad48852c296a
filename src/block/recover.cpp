// From rows back to content, under the canonical-content rule. protocol.md section 5.
#include <algorithm>

#include "block/statement.hpp"

namespace mutirao::block {

Result<Bytes> recover_content(const StatementCheck& check, std::span<const coding::Row> rows) {
    const auto& header = check.header();
    const auto& statement = check.statement();
    Bytes data(std::size_t{header.data_rows} * header.row_size);
    TRY_VOID(coding::decode(header.shape(), rows, data));
    coding::RowBuffer parity(header.shape().parity_size());
    const auto digests = encode_and_hash(header.shape(), data, parity.span());

    const auto leaves = slot_leaves(check.order(), header, digests);
    std::uint32_t rows_matching = 0;
    for (std::uint32_t slot = 0; slot < header.slots; ++slot)
        if (leaves[slot] == statement.leaves[slot]) rows_matching += header.rows_per_slot();
    const std::uint32_t rows_needed = (header.rows + header.data_rows) / 2 + 1;
    if (rows_matching < rows_needed)
        return Error{ErrorKind::unavailable,
                     "unresolved: only " + std::to_string(rows_matching) + " of " +
                         std::to_string(header.rows) + " rows agree with the commitment, " +
                         std::to_string(rows_needed) + " needed; more rows must be fetched"};
    // From here on the decoded data is the only one that can reach this point, so every reader that
    // does comes to the same verdict. Rows that do not agree leave the tree's digests unknown.
    if (header.version == Profile::sampled && rows_matching == header.rows &&
        RowTree(digests).root() != statement.rows_root)
        return Error{ErrorKind::corrupt, "the block's rows root is not that of its rows"};
    // Padding is zero in the one canonical form of the content.
    if (std::any_of(data.begin() + static_cast<std::ptrdiff_t>(header.length), data.end(),
                    [](std::uint8_t byte) { return byte != 0; }))
        return Error{ErrorKind::corrupt, "the block's padding is not zero"};
    data.resize(header.length);
    return data;
}

}  // namespace mutirao::block

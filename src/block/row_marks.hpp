// Digests and folds of rows that lie anywhere, made in one pass over them. Pure; any thread.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/parallel.hpp"
#include "coding/fold.hpp"

namespace mutirao::block {

struct RowMarks {
    std::vector<Digest> digests;  // r_i of each row, in the order given
    Bytes folds;                  // coding::kFoldSize bytes of each row
};

// Every row has challenge.row_size() bytes. Sixteen rows go through the cache together, a kilobyte
// of columns at a time, so that each byte is read from memory once. Working memory: about 50 KiB a
// thread. Cost: 0.14 ns a byte for the digest and 0.07 ns for the fold with AVX-512 and GFNI.
RowMarks mark_rows(std::span<const ByteSpan> rows, const coding::FoldChallenge& challenge,
                   const Threads& threads = {});

// The digests alone. All rows have the same size, a multiple of 128 bytes.
std::vector<Digest> digest_rows(std::span<const ByteSpan> rows, const Threads& threads = {});

}  // namespace mutirao::block

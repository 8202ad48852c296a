// Rows and their digests, made in one pass over the data. Pure; any thread.
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "base/parallel.hpp"
#include "coding/coding.hpp"

namespace mutirao::block {

// r_i = BLAKE3_keyed(K_row, row).
Digest row_digest(ByteSpan row);

// Encodes `data` (k rows) into `parity` (n - k rows) as coding::encode does, and returns the
// digests of all n rows, in row order; n is a multiple of 16. Rows are hashed sixteen at a time
// while the stripe that they were coded in is in the cache. Working memory: that of coding::encode,
// and 32 bytes for each kilobyte of the n rows. With an empty `parity` the digests are all that is
// kept.
std::vector<Digest> encode_and_hash(const coding::Shape& shape, ByteSpan data,
                                    MutableByteSpan parity, const Threads& threads = {});

}  // namespace mutirao::block

// Rows and their digests, made in one pass over the data. Pure; any thread.
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "coding/coding.hpp"

namespace mutirao::block {

// r_i = BLAKE3_keyed(K_row, row).
Digest row_digest(ByteSpan row);

// Encodes `data` (k rows) into `parity` (n - k rows) as coding::encode does, and returns the digests
// of all n rows, in row order.
std::vector<Digest> encode_and_hash(const coding::Shape& shape, ByteSpan data,
                                    MutableByteSpan parity);

}  // namespace mutirao::block

#include "block/coded_rows.hpp"

#include "crypto/hash.hpp"

namespace mutirao::block {

Digest row_digest(ByteSpan row) { return crypto::blake3_keyed(crypto::domain_key("row"), row); }

std::vector<Digest> encode_and_hash(const coding::Shape& shape, ByteSpan data,
                                    MutableByteSpan parity) {
    coding::encode(shape, data, parity);
    std::vector<Digest> digests;
    digests.reserve(shape.rows);
    for (const auto rows : {data, ByteSpan(parity)})
        for (std::size_t at = 0; at < rows.size(); at += shape.row_size)
            digests.push_back(row_digest(rows.subspan(at, shape.row_size)));
    return digests;
}

}  // namespace mutirao::block

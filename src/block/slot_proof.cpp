#include "block/slot_proof.hpp"

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::block {
namespace {

// One vector's weight may be any: a combination of one is the vector itself.
const Digest kWeight{};

Error differs(const char* what) {
    return {ErrorKind::permission_denied, std::string("the proof of the slot is wrong: ") + what};
}

}  // namespace

Bytes SlotProof::encode() const {
    Writer out;
    out.raw(opening.span()).u(static_cast<std::uint32_t>(digests.size()));
    for (const auto& digest : digests) out.raw(digest.span());
    out.blob(row);
    return std::move(out).take();
}

Result<SlotProof> SlotProof::decode(ByteSpan bytes) {
    Reader in(bytes);
    SlotProof out;
    TRY(out.opening, in.fixed<crypto::KzgProof>());
    TRY(const auto count, in.u<std::uint32_t>());
    if (count == 0 || count > kRowsMax)
        return Error{ErrorKind::corrupt, "a slot has 1 to " + std::to_string(kRowsMax) + " rows"};
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(const auto digest, in.fixed<Digest>());
        out.digests.push_back(digest);
    }
    TRY(const auto row, in.blob(kRowSizeMax));
    out.row = to_bytes(row);
    TRY_VOID(in.finish());
    return out;
}

std::uint32_t drawn_row(const Digest& draw, std::size_t rows) {
    ENSURE(rows > 0, "a slot has rows");
    const auto hash = crypto::blake3_keyed(crypto::domain_key("drawn row"), draw.span());
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) number |= std::uint64_t{hash.bytes[i]} << (8 * i);
    return static_cast<std::uint32_t>(number % rows);
}

SlotProof prove_slot(const Statement& statement, std::uint32_t slot, std::vector<Digest> digests,
                     Bytes row) {
    std::vector<crypto::Scalar> leaves;
    for (const auto& leaf : statement.leaves) leaves.push_back(crypto::to_scalar(leaf));
    const std::span<const crypto::Scalar> vector(leaves);
    return {crypto::open_slot({&vector, 1}, {&kWeight, 1}, slot), std::move(digests),
            std::move(row)};
}

Status verify_slot_proof(const crypto::KzgCommitment& commitment, std::uint32_t slot,
                         const Digest& draw, const SlotProof& proof) {
    if (proof.digests.empty()) return differs("it names no row");
    if (row_digest(proof.row) != proof.digests[drawn_row(draw, proof.digests.size())])
        return differs("the row is not the one that was drawn");
    const auto leaf = crypto::to_scalar(slot_leaf(slot, proof.digests));
    if (!crypto::verify_slot({&commitment, 1}, {&leaf, 1}, {&kWeight, 1}, slot, proof.opening))
        return differs("the commitment does not open to these rows");
    return {};
}

}  // namespace mutirao::block

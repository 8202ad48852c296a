#include "block/fraud_proof.hpp"

#include "base/codec.hpp"

namespace mutirao::block {
namespace {

constexpr std::uint16_t kVersion = 1;

}  // namespace

Bytes FraudProof::encode() const {
    Writer out;
    out.u(kVersion).raw(statement.encode()).u(row);
    for (const auto& digest : digests) out.raw(digest.span());
    out.raw(bytes);
    return std::move(out).take();
}

Result<FraudProof> FraudProof::decode(ByteSpan bytes) {
    Reader in(bytes);
    FraudProof proof;
    TRY(auto version, in.u<std::uint16_t>());
    if (version != kVersion)
        return Error{ErrorKind::corrupt,
                     "fraud proof version " + std::to_string(version) + " is not known"};
    const auto statement_at = in.offset();
    TRY(auto header_bytes, in.raw(Header::kSize));
    TRY(auto header, Header::decode(header_bytes));
    const auto statement_size = Statement::encoded_size(header);
    TRY_VOID(in.raw(statement_size - Header::kSize));
    TRY(proof.statement, Statement::decode(bytes.subspan(statement_at, statement_size)));
    TRY(proof.row, in.u<std::uint32_t>());
    if (proof.row >= header.rows)
        return Error{ErrorKind::corrupt, "a fraud proof about row " + std::to_string(proof.row) +
                                             " of a block of " + std::to_string(header.rows)};
    for (std::uint32_t j = 0; j < header.rows_per_slot(); ++j) {
        TRY(auto digest, in.fixed<Digest>());
        proof.digests.push_back(digest);
    }
    TRY(auto row, in.raw(header.row_size));
    proof.bytes = to_bytes(row);
    TRY_VOID(in.finish());
    return proof;
}

Result<FraudProof> prove_bad_row(const StatementCheck& check, const coding::Row& row,
                                 std::span<const Digest> digests) {
    if (row.index >= check.header().rows)
        return Error{ErrorKind::corrupt, "there is no row " + std::to_string(row.index)};
    TRY_VOID(check.check_committed(check.order().slot_of(row.index), digests, row));
    if (check.row_folds(row.index, row.bytes))
        return Error{ErrorKind::invalid_argument, "row " + std::to_string(row.index) +
                                                      " belongs to the code: no fraud to prove"};
    return FraudProof{
        check.statement(), row.index, {digests.begin(), digests.end()}, to_bytes(row.bytes)};
}

std::string_view to_string(FraudVerdict verdict) {
    switch (verdict) {
        case FraudVerdict::proven: return "proven";
        case FraudVerdict::other_block: return "other_block";
        case FraudVerdict::row_not_committed: return "row_not_committed";
        case FraudVerdict::row_is_good: return "row_is_good";
    }
    return "unknown";
}

FraudVerdict verify_fraud(const BlockId& id, const FraudProof& proof) {
    const auto check = StatementCheck::open(id, proof.statement);
    if (!check.ok()) return FraudVerdict::other_block;
    if (proof.row >= check->header().rows) return FraudVerdict::row_not_committed;
    const coding::Row row{proof.row, proof.bytes};
    if (!check->check_committed(check->order().slot_of(row.index), proof.digests, row).ok())
        return FraudVerdict::row_not_committed;
    return check->row_folds(row.index, row.bytes) ? FraudVerdict::row_is_good
                                                  : FraudVerdict::proven;
}

}  // namespace mutirao::block

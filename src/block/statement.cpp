#include "block/statement.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::block {
namespace {

// B("seed"; header | rows_root): what profile S draws the challenge from. Leaves and commitment are
// not in it, so trying others gives nobody another challenge.
Digest sampled_seed(const Statement& statement) {
    Bytes input = statement.header.encode();
    input.insert(input.end(), statement.rows_root.bytes.begin(), statement.rows_root.bytes.end());
    return crypto::blake3_keyed(crypto::domain_key("seed"), input);
}

// seed | B("z"; Z): what profile S draws the order from. With Z in it, nobody can fit folds to the
// rows of a node that is already known.
Bytes order_seed(const Statement& statement) {
    Bytes seed = to_bytes(sampled_seed(statement).span());
    const auto folds = crypto::blake3_keyed(crypto::domain_key("z"), statement.folds);
    seed.insert(seed.end(), folds.bytes.begin(), folds.bytes.end());
    return seed;
}

bool is_sampled(const Statement& statement) { return statement.header.version == Profile::sampled; }

std::vector<crypto::Scalar> leaf_scalars(std::span<const Digest> leaves) {
    std::vector<crypto::Scalar> scalars;
    scalars.reserve(leaves.size());
    for (const auto& leaf : leaves) scalars.push_back(crypto::to_scalar(leaf));
    return scalars;
}

// The folds of the data rows.
Bytes fold_data(const coding::Shape& shape, ByteSpan challenge, ByteSpan data,
                const Threads& threads) {
    Bytes folds(std::size_t{shape.data_rows} * coding::kFoldSize);
    const coding::FoldChallenge prepared(challenge);
    constexpr std::size_t kAtOnce = coding::kFoldRowsMax;
    run_parallel(threads, shape.data_rows / kAtOnce, [&](unsigned, std::size_t i) {
        prepared.fold_rows(data.data() + i * kAtOnce * shape.row_size, shape.row_size, kAtOnce,
                           MutableByteSpan(folds).subspan(i * kAtOnce * coding::kFoldSize,
                                                          kAtOnce * coding::kFoldSize));
    });
    return folds;
}

}  // namespace

BlockId Statement::id() const {
    crypto::KeyedHasher hasher(crypto::domain_key("id"));
    hasher.update(header.encode()).update(root().span()).update(commitment.span());
    hasher.update(crypto::blake3_keyed(crypto::domain_key("z"), folds).span());
    return BlockId{hasher.digest().bytes};
}

Digest Statement::root() const {
    crypto::KeyedHasher hasher(crypto::domain_key("vec"));
    hasher.update(header.encode());
    if (is_sampled(*this)) hasher.update(rows_root.span());
    for (const auto& leaf : leaves) hasher.update(leaf.span());
    return hasher.digest();
}

RowOrder Statement::row_order() const {
    if (is_sampled(*this)) return RowOrder::shuffled(order_seed(*this), header.rows, header.slots);
    return RowOrder::strided(header.rows, header.slots);
}

Bytes Statement::fold_challenge() const {
    Bytes seed;
    if (!is_sampled(*this)) seed = header.encode();
    const Digest fixed = is_sampled(*this) ? sampled_seed(*this) : root();
    seed.insert(seed.end(), fixed.bytes.begin(), fixed.bytes.end());
    Bytes challenge(std::size_t{coding::kFoldCoordinates} * header.row_size);
    crypto::blake3_keyed_xof(crypto::domain_key("fold"), seed, challenge);
    return challenge;
}

Bytes Statement::encode() const {
    Writer out;
    out.raw(header.encode());
    if (is_sampled(*this)) out.raw(rows_root.span());
    for (const auto& leaf : leaves) out.raw(leaf.span());
    out.raw(commitment.span()).raw(folds);
    return std::move(out).take();
}

std::size_t Statement::encoded_size(const Header& header) {
    const std::size_t root_size = header.version == Profile::sampled ? Digest::kSize : 0;
    return Header::kSize + root_size + std::size_t{kSlotCount} * Digest::kSize +
           crypto::KzgCommitment::kSize + std::size_t{header.data_rows} * coding::kFoldSize;
}

Result<Statement> Statement::decode(ByteSpan bytes) {
    Reader in(bytes);
    Statement statement;
    TRY(auto header, in.raw(Header::kSize));
    TRY(statement.header, Header::decode(header));
    if (is_sampled(statement)) {
        TRY(statement.rows_root, in.fixed<Digest>());
    }
    statement.leaves.reserve(kSlotCount);
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot) {
        TRY(auto leaf, in.fixed<Digest>());
        statement.leaves.push_back(leaf);
    }
    TRY(statement.commitment, in.fixed<crypto::KzgCommitment>());
    TRY(auto folds, in.raw(std::size_t{statement.header.data_rows} * coding::kFoldSize));
    statement.folds = to_bytes(folds);
    TRY_VOID(in.finish());
    return statement;
}

ByteSpan CodedBlock::row(std::uint32_t index) const {
    const std::size_t size = statement.header.row_size;
    return rows.span().subspan(index * size, size);
}

SlotRows CodedBlock::slot(std::uint32_t slot) const {
    SlotRows out{slot, {}};
    for (std::uint32_t j = 0; j < statement.header.rows_per_slot(); ++j)
        out.rows.push_back(row(order.row_at(slot, j)));
    return out;
}

std::vector<Digest> CodedBlock::prove_share(std::span<const std::uint32_t> slots) const {
    if (!is_sampled(statement)) return {};
    std::vector<std::uint32_t> indices;
    for (const auto slot : slots)
        for (std::uint32_t j = 0; j < statement.header.rows_per_slot(); ++j)
            indices.push_back(order.row_at(slot, j));
    std::sort(indices.begin(), indices.end());
    return tree.prove(indices);
}

Digest slot_leaf(std::uint32_t slot, std::span<const Digest> row_digests) {
    Writer out;
    out.u(slot);
    for (const auto& digest : row_digests) out.raw(digest.span());
    return crypto::blake3_keyed(crypto::domain_key("slot"), out.bytes());
}

std::vector<Digest> slot_leaves(const RowOrder& order, const Header& header,
                                std::span<const Digest> row_digests) {
    std::vector<Digest> leaves;
    leaves.reserve(header.slots);
    std::vector<Digest> of_slot(header.rows_per_slot());
    for (std::uint32_t slot = 0; slot < header.slots; ++slot) {
        for (std::uint32_t j = 0; j < of_slot.size(); ++j)
            of_slot[j] = row_digests[order.row_at(slot, j)];
        leaves.push_back(slot_leaf(slot, of_slot));
    }
    return leaves;
}

Result<CodedBlock> code_block(ByteSpan content, Header header, const Threads& threads) {
    TRY(const auto shaped, header_for(content.size(), header.version));
    coding::RowBuffer rows;
    rows.reserve(std::size_t{shaped.rows} * shaped.row_size);
    rows.resize(content.size());
    std::copy(content.begin(), content.end(), rows.begin());
    return code_in_place(std::move(rows), header, threads);
}

Result<CodedBlock> code_in_place(coding::RowBuffer rows, Header header, const Threads& threads) {
    TRY(auto shaped, header_for(rows.size(), header.version));
    shaped.cipher = header.cipher;
    shaped.key_commitment = header.key_commitment;
    shaped.extra = header.extra;
    const auto shape = shaped.shape();

    CodedBlock coded;
    auto& statement = coded.statement;
    statement.header = shaped;
    rows.resize(shape.data_size() + shape.parity_size());
    std::fill(rows.begin() + shaped.length, rows.begin() + shape.data_size(), std::uint8_t{0});
    coded.rows = std::move(rows);
    const auto data = coded.rows.span().first(shape.data_size());
    const auto digests =
        encode_and_hash(shape, data, coded.rows.span().subspan(data.size()), threads);

    if (is_sampled(statement)) {
        coded.tree = RowTree(digests);
        statement.rows_root = coded.tree.root();
        statement.folds = fold_data(shape, statement.fold_challenge(), data, threads);
    }
    coded.order = statement.row_order();
    statement.leaves = slot_leaves(coded.order, shaped, digests);
    statement.commitment = crypto::commit(leaf_scalars(statement.leaves), threads);
    if (!is_sampled(statement))  // here the challenge comes from the leaves
        statement.folds = fold_data(shape, statement.fold_challenge(), data, threads);
    return coded;
}

Result<CodedBlock> seal_and_code(coding::RowBuffer rows, const Sealing& sealing, Header header,
                                 const Threads& threads) {
    crypto::seal_in_place(sealing.key, sealing.sequence, sealing.associated, rows.span(), threads);
    header.cipher = Cipher::aes_256_gcm;
    header.key_commitment = crypto::commit_key(sealing.key);
    return code_in_place(std::move(rows), header, threads);
}

Status check_commitments(std::span<const Statement* const> statements, const Digest& weights_seed) {
    std::vector<std::vector<crypto::Scalar>> scalars;
    std::vector<std::span<const crypto::Scalar>> vectors;
    std::vector<crypto::KzgCommitment> commitments;
    for (const auto* statement : statements) {
        scalars.push_back(leaf_scalars(statement->leaves));
        commitments.push_back(statement->commitment);
    }
    vectors.reserve(scalars.size());
    for (const auto& vector : scalars) vectors.emplace_back(vector);
    if (!crypto::verify_commitments(commitments, vectors, weights_seed))
        return Error{ErrorKind::corrupt,
                     "the KZG commitment is not that of the block's slot digests"};
    return {};
}

Digest commitment_challenge(const BlockId& id) {
    return crypto::blake3_keyed(crypto::domain_key("commitment challenge"), id.span());
}

crypto::KzgValue leaf_value(const Statement& statement, const BlockId& id) {
    return crypto::evaluate(leaf_scalars(statement.leaves), commitment_challenge(id));
}

crypto::KzgProof open_leaves(const Statement& statement, const BlockId& id,
                             const Threads& threads) {
    return crypto::open_point(leaf_scalars(statement.leaves), commitment_challenge(id), threads);
}

bool check_opening(const BlockId& id, const crypto::KzgCommitment& commitment,
                   const crypto::KzgValue& value, const crypto::KzgProof& proof) {
    return crypto::verify_point(commitment, commitment_challenge(id), value, proof);
}

}  // namespace mutirao::block

#include "coding/block_measures.hpp"

#include <algorithm>
#include <cstring>

#include "base/random.hpp"
#include "block/statement.hpp"
#include "coding/peak_memory.hpp"
#include "coding/sample.hpp"
#include "crypto/aead.hpp"

namespace mutirao::bench {
namespace {

constexpr std::size_t kTags = kBlockSize / crypto::kSegmentSize * crypto::kTagSize;
constexpr std::size_t kPlainSize = kBlockSize - kTags;  // sealed, it fills a block
// c-kzg's unit: a blob holds 31 bytes in each of 4096 field elements.
constexpr std::size_t kBlobSize = std::size_t{4096} * 31;
constexpr std::size_t kBlobs = (kBlockSize + kBlobSize - 1) / kBlobSize;
static_assert(kBlobs == 265);

constexpr Goal at_least(double number) { return {Goal::Of::value_at_least, number}; }
constexpr Goal at_most(double number) { return {Goal::Of::value_at_most, number}; }

// A disperser that goes from block to block: it keeps the memory of the rows. The plaintext is laid
// out where it will be sealed, as whoever receives it does with each piece that comes in.
class Disperser {
  public:
    void lay_out(ByteSpan plain) {
        rows_.reserve(3 * kBlockSize);
        rows_.resize(crypto::sealed_size(plain.size()));
        for (std::size_t at = 0; at < plain.size(); at += crypto::kSegmentSize)
            std::memcpy(rows_.data() + crypto::place_to_seal(at), plain.data() + at,
                        std::min(crypto::kSegmentSize, plain.size() - at));
    }
    // All that a disperser computes for a block: encryption, code, digests of rows and slots, folds
    // and the commitment to the slots.
    void disperse(const Threads& threads = {}) {
        static const crypto::Key key = SeededRandom(2).fixed<crypto::Key>();
        auto coded = block::seal_and_code(std::move(rows_), {key, 0, {}}, {}, threads);
        ENSURE(coded.ok(), "seal_and_code failed");
        coded_ = std::move(coded).value();
    }
    const block::CodedBlock& coded() const { return coded_; }
    // For the next one.
    void take_back() { rows_ = std::move(coded_.rows); }

  private:
    coding::RowBuffer rows_;
    block::CodedBlock coded_;
};

block::CodedBlock disperse(ByteSpan plain) {
    Disperser disperser;
    disperser.lay_out(plain);
    disperser.disperse();
    return disperser.coded();
}

// The slots of a node with every eighth one.
std::vector<block::SlotRows> share_of(const block::CodedBlock& coded) {
    std::vector<block::SlotRows> share;
    for (std::uint32_t slot = 3; slot < block::kSlotCount; slot += 8)
        share.push_back(coded.slot(slot));
    return share;
}

// What a node does with a share that arrived, before it signs.
Status check_share(const BlockId& id, const block::Statement& statement,
                   std::span<const block::SlotRows> share) {
    TRY(const auto check, block::StatementCheck::open(id, statement));
    return check.check_share(share);
}

void ensure_right(const block::CodedBlock& coded) {
    ENSURE(check_share(coded.statement.id(), coded.statement, share_of(coded)).ok(),
           "the dispersed block is wrong");
    const auto* statement = &coded.statement;
    ENSURE(block::check_commitments({&statement, 1}, SeededRandom(3).fixed<Digest>()).ok(),
           "the commitment is wrong");
}

}  // namespace

std::vector<Row> memory_measures(ByteSpan data) {
    const auto bytes = peak_memory([&] {
        Disperser disperser;
        disperser.lay_out(data.first(kPlainSize));
        disperser.disperse();
        return disperser.coded().rows.size() == 3 * kBlockSize;
    });
    Row row{"memory for dispersing a block, beside the block",
            {},
            "x the block",
            "",
            {},
            at_most(3),
            ""};
    if (bytes)
        // The block itself is laid out inside: what the caller holds in any case.
        row.value = static_cast<double>(*bytes) / kBlockSize - 1;
    else
        row.note = "this system does not tell";
    return {row};
}

std::vector<Row> dispersal_measures(ByteSpan data, Peers& peers, int rounds) {
    const auto plain = data.first(kPlainSize);
    Disperser disperser;
    disperser.lay_out(plain);
    disperser.disperse();
    ensure_right(disperser.coded());
    const auto id = disperser.coded().statement.id();
    const Contestant own{"Mutirão", [&]() -> Result<double> {
                             disperser.take_back();
                             disperser.lay_out(plain);
                             const double ms = timed_ms([&] { disperser.disperse(); });
                             ENSURE(disperser.coded().statement.id() == id,
                                    "another block than before");
                             return ms;
                         }};
    // Of c-kzg a few blobs are timed; a block's time is theirs, 265 / blobs times.
    const int blobs = 2;
    auto theirs = peers.contestant("ckzg", "prove " + std::to_string(blobs));
    theirs.run = [run = theirs.run]() -> Result<double> {
        TRY(const double ms, run());
        return ms * kBlobs / blobs;
    };
    auto rows = speed_rows("disperse a block: encrypt, code, hash, fold, commit", plain.size(),
                           compete({own, theirs}, std::min(rounds, 8)));
    rows.front().goal = at_least(600);
    rows.push_back(rows.front());
    rows.front().peer = "", rows.front().peer_value = {}, rows.front().note = "";
    rows.back().goal = Goal{Goal::Of::ratio_at_least, 1000};
    if (rows.back().peer_value)
        rows.back().note =
            "commitments, cells and cell proofs of 265 blobs, precompute 8; 2 were "
            "timed";
    return rows;
}

std::vector<Row> share_measures(ByteSpan data, Peers& peers, int rounds) {
    const auto coded = disperse(data.first(kPlainSize));
    const auto id = coded.statement.id();
    const auto share = share_of(coded);
    const Contestant own{"Mutirão", [&]() -> Result<double> {
                             bool right = false;
                             const double ms = timed_ms(
                                 [&] { right = check_share(id, coded.statement, share).ok(); });
                             ENSURE(right, "a good share was refused");
                             return ms;
                         }};
    const int blobs = 8;
    auto theirs = peers.contestant("ckzg", "verify " + std::to_string(blobs) + " 16");
    theirs.run = [run = theirs.run]() -> Result<double> {
        TRY(const double ms, run());
        return ms * kBlobs / blobs;
    };
    auto rows = time_rows("a node checks its eighth of a block", compete({own, theirs}, rounds));
    rows.front().goal = at_most(4);
    if (rows.front().peer_value)
        rows.front().note =
            "16 cell proofs of each of 265 blobs; 8 blobs, in one batch, were timed";
    return rows;
}

std::vector<Row> audit_measures(int rounds) {
    constexpr std::uint32_t kBlocks = 64, kSlot = 77;
    SeededRandom random(11);
    std::vector<std::vector<crypto::Scalar>> slots(kBlocks);
    std::vector<std::span<const crypto::Scalar>> vectors;
    std::vector<crypto::KzgCommitment> commitments;
    std::vector<crypto::CheckedCommitment> checked;  // as the ledger keeps them once certified
    std::vector<crypto::Scalar> values;
    std::vector<Digest> gammas;
    for (auto& vector : slots) {
        for (std::uint32_t i = 0; i < crypto::kSlots; ++i)
            vector.push_back(crypto::to_scalar(random.fixed<Digest>()));
        vectors.emplace_back(vector);
        commitments.push_back(crypto::commit(vector));
        checked.push_back(crypto::CheckedCommitment::check(commitments.back()).value());
        values.push_back(vector[kSlot]);
        gammas.push_back(random.fixed<Digest>());
    }
    crypto::KzgProof proof;
    const Contestant prover{
        "Mutirão", [&]() -> Result<double> {
            return timed_ms([&] { proof = crypto::open_slot(vectors, gammas, kSlot); });
        }};
    const auto verifier = [&](const auto& known) {
        return Contestant{"Mutirão", [&]() -> Result<double> {
                              bool right = false;
                              const double ms = timed_ms([&] {
                                  right = crypto::verify_slot(known, values, gammas, kSlot, proof);
                              });
                              ENSURE(right, "a good proof was refused");
                              return ms;
                          }};
    };
    const std::span<const crypto::CheckedCommitment> certified(checked);
    const std::span<const crypto::KzgCommitment> unchecked(commitments);
    std::vector<Row> rows =
        time_rows("audit: open one slot of 64 blocks", compete({prover}, rounds));
    rows.front().goal = at_most(8);
    auto verified = time_rows("audit: verify it, certified commitments",
                              compete({verifier(certified)}, rounds));
    verified.front().goal = at_most(4);
    verified.front().note = "each was checked once, when its block was certified";
    rows.push_back(verified.front());
    rows.push_back(time_rows("audit: verify it, commitments never seen before",
                             compete({verifier(unchecked)}, rounds))
                       .front());
    values[0] = crypto::to_scalar(random.fixed<Digest>());
    ENSURE(!crypto::verify_slot(certified, values, gammas, kSlot, proof),
           "a wrong value was accepted");
    rows.push_back(
        {"audit: size of that opening", crypto::KzgProof::kSize, "bytes", "", {}, at_most(48), ""});
    return rows;
}

}  // namespace mutirao::bench

// The bytes of the format, against vectors that another implementation wrote
// (vectors/block/generate.cjs). Changing them is a change of the protocol.
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

#include "base/codec.hpp"
#include "block/certificate.hpp"
#include "block/fraud_proof.hpp"
#include "block/stated_block_test.hpp"

namespace mutirao::block {
namespace {

constexpr std::uint64_t kChain = 8021, kEpoch = 3;

struct Vector {
    std::string name;
    std::size_t length = 0;
    std::uint16_t version = 0;
    std::int64_t junk = -1;  // a row that the disperser changed
    std::map<std::string, std::string> facts;
};

std::vector<Vector> read_vectors() {
    std::ifstream file(MUTIRAO_VECTORS "/block/blocks.txt");
    std::vector<Vector> out;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string name, value;
        words >> name >> value;
        if (name == "#") continue;
        if (name == "block") {
            auto& vector = out.emplace_back();
            vector.name = value;
            words >> vector.length >> vector.version >> vector.junk;
        } else {
            out.back().facts[name] = value;
        }
    }
    return out;
}

CodedBlock block_of(const Vector& vector) {
    Bytes content(vector.length);
    for (std::size_t i = 0; i < content.size(); ++i)
        content[i] = static_cast<std::uint8_t>(i * i + 7 * i + (i >> 8));
    Header header;
    header.version = static_cast<Profile>(vector.version);
    header.cipher = Cipher::aes_256_gcm;
    header.key_commitment.bytes.fill(0xc0);
    header.extra.bytes.fill(0xee);
    auto coded = code_block(content, header).value();
    if (vector.junk < 0) return coded;
    row_of(coded, static_cast<std::uint32_t>(vector.junk))[0] ^= 1;
    state_again(coded);
    return coded;
}

std::string digest_of(std::span<const Digest> digests) {
    Writer out;
    for (const auto& digest : digests) out.raw(digest.span());
    return crypto::blake3(out.bytes()).hex();
}

std::string order_digest(const CodedBlock& coded) {
    const auto& header = coded.statement.header;
    Writer out;
    for (std::uint32_t place = 0; place < header.rows; ++place)
        out.u(coded.order.row_at(place % header.slots, place / header.slots));
    return crypto::blake3(out.bytes()).hex();
}

std::string fraud_proof_digest(const CodedBlock& coded, std::uint32_t row) {
    const auto slot = coded.order.slot_of(row);
    const auto proof =
        prove_bad_row(open(coded), {row, coded.row(row)}, slot_digests(coded, slot)).value();
    EXPECT_EQ(verify_fraud(coded.statement.id(), proof), FraudVerdict::proven);
    return crypto::blake3(proof.encode()).hex();
}

TEST(Golden, blocks_are_those_of_the_specification) {
    const auto vectors = read_vectors();
    ASSERT_EQ(vectors.size(), 7u);
    for (const auto& vector : vectors) {
        SCOPED_TRACE(vector.name);
        const auto coded = block_of(vector);
        const auto& statement = coded.statement;
        const auto certificate = certificate_for(statement, kEpoch);
        std::map<std::string, std::string> facts{
            {"header", to_hex(statement.header.encode())},
            {"header_digest", statement.header.digest().hex()},
            {"last_row", to_hex(coded.row(statement.header.rows - 1))},
            {"root", statement.root().hex()},
            {"commitment", statement.commitment.hex()},
            {"first_folds", to_hex(ByteSpan(statement.folds).first(32))},
            {"id", statement.id().hex()},
            {"opening", open_leaves(statement, statement.id()).hex()},
            {"signed", to_hex(availability_message(kChain, certificate))},
        };
        if (vector.version == 2) {
            facts["rows_root"] = statement.rows_root.hex();
            facts["order_digest"] = order_digest(coded);
            facts["share_proof_digest"] = digest_of(coded.prove_share(std::vector{3u, 200u}));
        }
        if (vector.junk >= 0)
            facts["fraud_proof_digest"] =
                fraud_proof_digest(coded, static_cast<std::uint32_t>(vector.junk));
        EXPECT_EQ(facts, vector.facts);
    }
}

}  // namespace
}  // namespace mutirao::block

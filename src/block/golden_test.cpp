// The bytes of the format, against vectors that another implementation wrote
// (vectors/block/generate.cjs). Changing them is a change of the protocol.
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

#include "block/certificate.hpp"
#include "block/statement.hpp"

namespace mutirao::block {
namespace {

constexpr std::uint64_t kChain = 8021, kEpoch = 3;

struct Vector {
    std::string name;
    std::size_t length = 0;
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
            out.push_back({value, 0, {}});
            words >> out.back().length;
        } else {
            out.back().facts[name] = value;
        }
    }
    return out;
}

TEST(Golden, blocks_are_those_of_the_specification) {
    const auto vectors = read_vectors();
    ASSERT_EQ(vectors.size(), 3u);
    for (const auto& vector : vectors) {
        SCOPED_TRACE(vector.name);
        Bytes content(vector.length);
        for (std::size_t i = 0; i < content.size(); ++i)
            content[i] = static_cast<std::uint8_t>(i * i + 7 * i + (i >> 8));
        Header header;
        header.cipher = Cipher::aes_256_gcm;
        header.key_commitment.bytes.fill(0xc0);
        header.extra.bytes.fill(0xee);
        const auto coded = code_block(content, header).value();
        const auto& statement = coded.statement;
        const auto certificate = certificate_for(statement, kEpoch);
        const std::map<std::string, std::string> facts{
            {"header", to_hex(statement.header.encode())},
            {"header_digest", statement.header.digest().hex()},
            {"last_row", to_hex(coded.row(statement.header.rows - 1))},
            {"root", statement.root().hex()},
            {"commitment", statement.commitment.hex()},
            {"first_folds", to_hex(ByteSpan(statement.folds).first(32))},
            {"id", statement.id().hex()},
            {"signed", to_hex(availability_message(kChain, certificate))},
        };
        EXPECT_EQ(facts, vector.facts);
    }
}

}  // namespace
}  // namespace mutirao::block

#include "cli/comet_home.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <map>

#include "base/random.hpp"

namespace mutirao::cli {
namespace {

crypto::Ed25519Key key(const char* seed) {
    return crypto::Ed25519Key::from_seed(from_hex(seed).value()).value();
}

CometNetwork network() {
    SeededRandom random(1);
    CometNetwork out;
    out.chain_id = "mutirao-1";
    out.genesis_time_ms = 1'790'000'000'007;
    out.first_height = 12;
    out.state_hash.bytes.fill(0xab);
    for (const auto* name : {"one", "two"})
        out.validators.push_back({name, crypto::Ed25519Key::generate(random),
                                  crypto::Ed25519Key::generate(random), "127.0.0.1:7001",
                                  "127.0.0.1:7002", "/a \"b\"/abci.sock"});
    return out;
}

// RFC 8032's first key as CometBFT v0.40 writes it: priv_validator_key.json of its file format.
TEST(CometHome, writes_keys_as_cometbft_does) {
    auto given = network();
    given.validators[0].signing =
        key("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    const auto files = comet_home(given, 0);
    const std::map<std::string, std::string> by_path(files.begin(), files.end());
    EXPECT_EQ(by_path.at("config/priv_validator_key.json"),
              "{\"address\":\"21FE31DFA154A261626BF854046FD2271B7BED4B\",\"pub_key\":{\"type\":"
              "\"tendermint/PubKeyEd25519\",\"value\":\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUR"
              "o=\"},\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"nWGxne/9WmC6h"
              "Er0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==\"}}\n");
}

TEST(CometHome, reads_the_keys_that_it_and_cometbft_write) {
    const auto given = network();
    const auto files = comet_home(given, 1);
    const std::map<std::string, std::string> by_path(files.begin(), files.end());
    const auto text = by_path.at("config/priv_validator_key.json");
    const auto read = comet_signing_key(text);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->seed, given.validators[1].signing.seed);
    EXPECT_EQ(comet_address(*read), comet_address(given.validators[1].signing));
    for (const std::size_t size : {std::size_t{0}, text.size() / 2, text.size() - 4})
        EXPECT_FALSE(comet_signing_key(text.substr(0, size)).ok());
    auto other = text;
    other.replace(other.find("PrivKeyEd25519"), 14, "PrivKeySecp256");
    EXPECT_FALSE(comet_signing_key(other).ok());
    other = text;
    auto& digit = other[other.rfind("==") - 20];  // of the public half
    digit = digit == 'A' ? 'B' : 'A';
    EXPECT_FALSE(comet_signing_key(other).ok());
}

TEST(CometHome, genesis_names_the_state_and_all_validators_and_is_the_same_for_all) {
    const auto given = network();
    const auto text = comet_home(given, 0)[0].second;
    EXPECT_EQ(comet_home(given, 1)[0].second, text);
    const auto genesis = boost::json::parse(text).as_object();
    EXPECT_EQ(genesis.at("genesis_time").as_string(), "2026-09-21T14:13:20.007Z");
    EXPECT_EQ(genesis.at("initial_height").as_string(), "12");
    EXPECT_EQ(genesis.at("app_state").at("state_hash").as_string(),
              boost::json::string_view(given.state_hash.hex()));
    ASSERT_EQ(genesis.at("validators").as_array().size(), 2u);
    EXPECT_EQ(genesis.at("validators").at(1).at("address").as_string(),
              boost::json::string_view(comet_address(given.validators[1].signing)));
}

TEST(CometHome, configuration_names_the_others_and_quotes_what_needs_it) {
    const auto given = network();
    const auto text = comet_home(given, 0)[1].second;
    EXPECT_NE(text.find("proxy_app = \"unix:///a \\\"b\\\"/abci.sock\""), std::string::npos);
    EXPECT_NE(text.find("persistent_peers = \"" + comet_node_id(given.validators[1].node) +
                        "@127.0.0.1:7001\""),
              std::string::npos);
    EXPECT_EQ(text.find(comet_node_id(given.validators[0].node)), std::string::npos);
    EXPECT_NE(text.find("laddr = \"tcp://127.0.0.1:7001\""), std::string::npos);
    auto apart = given;
    apart.validators[0].p2p = "v1.example:26656";
    EXPECT_NE(comet_home(apart, 0)[1].second.find("laddr = \"tcp://0.0.0.0:26656\""),
              std::string::npos);
}

}  // namespace
}  // namespace mutirao::cli

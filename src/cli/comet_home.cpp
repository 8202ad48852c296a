#include "cli/comet_home.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "consensus/block.hpp"

namespace mutirao::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kAddressSize = 20;
// Room for the transactions, their lengths, evidence, and a commit of hundreds of validators: v0.40
// counts 3.4 KB for each, whatever its key.
constexpr std::size_t kBlockMax = 4 << 20;
static_assert(kBlockMax > 2 * consensus::kBlockBytesMax);

// RFC 4648, section 4.
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(ByteSpan bytes) {
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i)
            group = group << 8 | (at + i < bytes.size() ? bytes[at + i] : 0);
        for (std::size_t i = 0; i < 4; ++i)
            out += i > bytes.size() - at ? '=' : kDigits[group >> (18 - 6 * i) & 63];
    }
    return out;
}

// The bytes that base64() would have written as this text.
Result<Bytes> from_base64(std::string_view text) {
    Bytes out;
    for (std::size_t at = 0; at < text.size(); at += 4) {
        std::uint32_t group = 0;
        for (const char digit : text.substr(at, 4)) {
            const auto value = digit == '=' ? 0 : kDigits.find(digit);
            if (value == std::string_view::npos) break;
            group = group << 6 | static_cast<std::uint32_t>(value);
        }
        for (int shift = 16; shift >= 0; shift -= 8)
            out.push_back(static_cast<std::uint8_t>(group >> shift));
    }
    const auto padding = text.size() - std::min(text.size(), text.find_last_not_of('=') + 1);
    out.resize(out.size() - std::min(out.size(), padding));
    if (base64(out) != text) return Error{ErrorKind::invalid_argument, "this is no base64"};
    return out;
}

// 2026-11-26T03:00:00.123Z, by days since the epoch (Hinnant, chrono-compatible date algorithms).
std::string rfc3339(std::uint64_t unix_ms) {
    const auto whole = std::chrono::milliseconds(unix_ms);
    const auto day = std::chrono::floor<std::chrono::days>(whole);
    const std::chrono::year_month_day date{std::chrono::sys_days(day)};
    const std::chrono::hh_mm_ss time(whole - day);
    std::array<char, 64> out{};
    std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                  static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()),
                  static_cast<int>(time.subseconds().count()));
    return out.data();
}

std::string address_of(const crypto::Ed25519Key& key) {
    return to_hex(crypto::sha256(key.public_key.span()).span().first(kAddressSize));
}

json::object public_key(const crypto::Ed25519Key& key) {
    return {{"type", "tendermint/PubKeyEd25519"}, {"value", base64(key.public_key.span())}};
}

json::object private_key(const crypto::Ed25519Key& key) {
    Bytes both = to_bytes(key.seed.span());
    const auto shown = key.public_key.span();
    both.insert(both.end(), shown.begin(), shown.end());
    return {{"type", "tendermint/PrivKeyEd25519"}, {"value", base64(both)}};
}

// CometBFT writes 64-bit numbers as strings.
json::object consensus_parameters() {
    return {{"block", {{"max_bytes", std::to_string(kBlockMax)}, {"max_gas", "-1"}}},
            {"evidence",
             {{"max_age_num_blocks", "100000"},
              {"max_age_duration", "172800000000000"},  // two days
              {"max_bytes", std::to_string(256 << 10)}}},
            {"validator", {{"pub_key_types", {"ed25519"}}}},
            {"version", {{"app", "1"}}},
            {"abci", {{"vote_extensions_enable_height", "0"}}}};
}

std::string genesis(const CometNetwork& network) {
    json::array validators;
    for (const auto& one : network.validators)
        validators.push_back({{"address", comet_address(one.signing)},
                              {"pub_key", public_key(one.signing)},
                              {"power", std::to_string(one.power)},
                              {"name", one.name}});
    return json::serialize(json::object{{"genesis_time", rfc3339(network.genesis_time_ms)},
                                        {"chain_id", network.chain_id},
                                        {"initial_height", std::to_string(network.first_height)},
                                        {"consensus_params", consensus_parameters()},
                                        {"validators", std::move(validators)},
                                        {"app_hash", ""},
                                        {"app_state", {{"state_hash", network.state_hash.hex()}}}});
}

// TOML's strings are JSON's.
std::string quoted(std::string_view text) { return json::serialize(json::string(text)); }

std::string configuration(const CometNetwork& network, std::size_t validator) {
    const auto& self = network.validators[validator];
    std::string peers;
    for (const auto& other : network.validators) {
        if (&other == &self) continue;
        if (!peers.empty()) peers += ',';
        peers += comet_node_id(other.node) + "@" + other.p2p;
    }
    const auto port = self.p2p.substr(self.p2p.rfind(':'));
    const bool is_local = self.p2p.starts_with("127.");
    const std::string listen = (is_local ? "127.0.0.1" : "0.0.0.0") + port;
    return "proxy_app = " + quoted("unix://" + self.abci_socket) +
           "\nabci = \"socket\"\nmoniker = " + quoted(self.name) +
           "\nlog_level = \"error\"\n\n[rpc]\nladdr = " + quoted("tcp://" + self.rpc) +
           "\n\n[p2p]\nladdr = " + quoted("tcp://" + listen) +
           "\nexternal_address = " + quoted(self.p2p) + "\npersistent_peers = " + quoted(peers) +
           "\n# Validators may share a machine or a private network.\n"
           "addr_book_strict = false\nallow_duplicate_ip = true\n"
           "pex = false\nflush_throttle_timeout = \"10ms\"\nsend_rate = 20480000\n"
           "recv_rate = 20480000\nmax_packet_msg_payload_size = 65536\n"
           "# Who was away is called again soon.\n"
           "persistent_peers_max_dial_period = \"2s\"\n\n[mempool]\n"
           "# The ledger keeps what waits. \"app\": CometBFT tells other ledgers of it.\n"
           "type = " +
           quoted(network.mempool) +
           "\nrecheck = false\nmax_tx_bytes = " + std::to_string(consensus::kTransactionMax) +
           "\nreap_interval = \"20ms\"\n\n[consensus]\ntimeout_propose = \"1s\"\n"
           "timeout_propose_delta = \"500ms\"\ntimeout_prevote = \"300ms\"\n"
           "timeout_prevote_delta = \"100ms\"\ntimeout_precommit = \"300ms\"\n"
           "timeout_precommit_delta = \"100ms\"\n"
           "# The pace of blocks: with few transactions there is one each 250 ms or so.\n"
           "timeout_commit = \"200ms\"\npeer_gossip_sleep_duration = \"10ms\"\n"
           "# The mempool does not say when transactions come, and each block changes the state\n"
           "# hash, which the next one must name: without empty blocks the chain would stop.\n"
           "create_empty_blocks = true\n\n[storage]\ndiscard_abci_responses = true\n\n"
           "[tx_index]\nindexer = \"null\"\n";
}

}  // namespace

Result<crypto::Ed25519Key> comet_signing_key(std::string_view file) {
    const Error refused{ErrorKind::invalid_argument,
                        "this is no priv_validator_key.json with an Ed25519 key"};
    json::error_code failed;
    const auto value = json::parse(file, failed);
    if (failed || !value.is_object()) return refused;
    const auto* found = value.get_object().if_contains("priv_key");
    if (found == nullptr || !found->is_object()) return refused;
    const auto* type = found->get_object().if_contains("type");
    const auto* secret = found->get_object().if_contains("value");
    if (type == nullptr || *type != "tendermint/PrivKeyEd25519" || secret == nullptr ||
        !secret->is_string())
        return refused;
    const auto bytes = from_base64(std::string_view(secret->get_string()));
    if (!bytes.ok() || bytes->size() != 64) return refused;
    TRY(const auto key, crypto::Ed25519Key::from_seed(ByteSpan(*bytes).first(32)));
    if (to_bytes(key.public_key.span()) != to_bytes(ByteSpan(*bytes).last(32))) return refused;
    return key;
}

std::string comet_node_id(const crypto::Ed25519Key& key) { return address_of(key); }

std::string comet_address(const crypto::Ed25519Key& key) {
    auto out = address_of(key);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
    return out;
}

CometFiles comet_home(const CometNetwork& network, std::size_t validator) {
    const auto& self = network.validators.at(validator);
    const auto text = [](const json::object& object) { return json::serialize(object) + "\n"; };
    return {{"config/genesis.json", genesis(network) + "\n"},
            {"config/config.toml", configuration(network, validator)},
            {"config/node_key.json", text({{"priv_key", private_key(self.node)}})},
            {"config/priv_validator_key.json", text({{"address", comet_address(self.signing)},
                                                     {"pub_key", public_key(self.signing)},
                                                     {"priv_key", private_key(self.signing)}})},
            {"data/priv_validator_state.json", text({{"height", "0"}, {"round", 0}, {"step", 0}})}};
}

}  // namespace mutirao::cli

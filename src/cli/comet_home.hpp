// The home folder of a CometBFT node that drives our ledger: keys, genesis and configuration, as
// CometBFT v0.38 to v0.40 read them (docs/core/configuration.md and spec/core/genesis.md there;
// what a configuration does not name has CometBFT's default). Pure; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "crypto/ed25519.hpp"

namespace mutirao::cli {

struct CometValidator {
    std::string name;
    crypto::Ed25519Key signing;  // its votes
    crypto::Ed25519Key node;     // its connections
    std::string p2p;             // HOST:PORT, for the other validators
    std::string rpc;             // HOST:PORT, CometBFT's own JSON-RPC
    std::string abci_socket;     // path of the socket at which the ledger answers
    Address account = {};        // that the ledger knows it by
    std::uint64_t power = 10;    // votes at first
};

struct CometNetwork {
    std::string chain_id;  // at most 50 bytes
    std::uint64_t genesis_time_ms = 0;
    std::uint64_t first_height = 1;  // later than 1 where a ledger goes on from another engine
    Digest state_hash;               // before the first block
    // "app": CometBFT carries transactions between ledgers (from v0.40 on). "nop": each validator
    // proposes only what was sent to itself (v0.38).
    std::string mempool = "app";
    std::vector<CometValidator> validators;
};

// Files of the home folder, by their path in it.
using CometFiles = std::vector<std::pair<std::string, std::string>>;
CometFiles comet_home(const CometNetwork& network, std::size_t validator);

// The key in a priv_validator_key.json. invalid_argument, saying so, for what is none of Ed25519.
Result<crypto::Ed25519Key> comet_signing_key(std::string_view file);

// How CometBFT names a key: 40 hexadecimal digits, upper case for a validator's.
std::string comet_node_id(const crypto::Ed25519Key& key);
std::string comet_address(const crypto::Ed25519Key& key);

}  // namespace mutirao::cli

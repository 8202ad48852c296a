// What a network looks like right now: one plain HTML page without scripts or outside assets, and
// the same as JSON. Pure; any thread. Every text comes from strangers and is escaped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/figures.hpp"
#include "gateway/loss_chart.hpp"

namespace mutirao::gateway {

struct NodeStatus {
    std::string role;      // "storage", "ledger", ...
    std::string address;   // account, 0x...
    std::string endpoint;  // "127.0.0.1:4000"
    bool up = false;
    std::uint64_t slots = 0;  // stored
    std::uint64_t bytes = 0;  // stored
};

// A block of the ledger.
struct LedgerBlockStatus {
    std::uint64_t height = 0;
    std::uint64_t unix_ms = 0;
    std::uint32_t transactions = 0;
    std::uint32_t certificates = 0;
};

// A certified data block.
struct CertificateStatus {
    std::uint64_t height = 0;  // ledger block that carries it
    std::string block_id;      // hex
    std::uint64_t length = 0;  // bytes of content
    std::uint32_t signed_slots = 0;
    std::uint32_t slots = 0;  // in all
    std::uint64_t bytes = 0;  // of the certificate itself
};

struct ObjectStatus {
    std::string name;
    std::uint64_t size = 0;  // bytes
    std::uint32_t blocks = 0;
    std::string owner;
};

struct TrainingStatus {
    std::string name;
    std::string state;  // "running", "finished", ...
    std::vector<LossPoint> losses;
    double tokens_per_second = 0;
    std::uint64_t bytes_exchanged = 0;
    std::uint64_t allreduce_bytes = 0;  // what plain all-reduce would have exchanged
};

struct ModelShare {
    std::string owner;
    std::uint32_t ppm = 0;
};

struct ModelStatus {
    std::string name;
    std::string id;     // hex
    std::string price;  // "0.001 MUT per 1000 tokens"
    std::vector<ModelShare> shares;
};

struct PaymentStatus {
    std::uint64_t height = 0;
    std::string to;
    std::string amount;  // "0.25 MUT"
    std::string why;
};

struct StatusSnapshot {
    std::string network;  // a name for the page's title
    std::uint64_t unix_ms = 0;
    std::vector<NodeStatus> nodes;
    std::vector<LedgerBlockStatus> blocks;        // newest first
    std::vector<CertificateStatus> certificates;  // newest first
    std::vector<ObjectStatus> objects;
    std::optional<TrainingStatus> training;  // the latest run
    std::vector<ModelStatus> models;
    std::vector<PaymentStatus> payments;  // newest first
    std::uint64_t consensus_bytes = 0;    // carried by consensus so far
    std::uint64_t stored_bytes = 0;       // fragments on all nodes
    std::string ethereum_url;             // for wallets; empty when there is none
};

// The page's source of facts. Any thread; cheap enough to be asked every second.
class NetworkStatus {
  public:
    virtual ~NetworkStatus() = default;
    virtual StatusSnapshot snapshot() = 0;
};

// The first of pt and en that the reader prefers (RFC 9110 section 12.5.4, by quality); Portuguese
// when the header names neither.
Language choose_language(std::string_view accept_language);

inline constexpr std::size_t kRowsShown = 100;  // of each table; the page says how many more

std::string status_page(const StatusSnapshot& snapshot, Language language);
std::string status_json(const StatusSnapshot& snapshot);
// The chart of the snapshot's run, or an empty one.
std::string status_chart(const StatusSnapshot& snapshot, Language language);

}  // namespace mutirao::gateway

// What was taken and waits for a block, as wallets ask for it: by hash, and the next nonce of an
// account. The engine decides what waits; this only remembers what was handed to it.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "consensus/engine.hpp"
#include "ledger/memo.hpp"

namespace mutirao::node {

// Any thread may call.
class EthPool {
  public:
    // The engine has taken it. One of its sender with its nonce, if it is known, is forgotten.
    void add(const Digest& hash, ByteSpan raw, const ledger::AdmittedPtr& admitted);
    // A block holds these.
    void remove(const std::vector<Digest>& hashes);

    // A sender and a nonce of its.
    using Turn = std::pair<Address, std::uint64_t>;
    // Batches of the data lane, whose transactions are found by their turns only.
    void add_batch(const Digest& batch, std::vector<Turn> turns);
    void remove_batches(std::span<const Digest> batches);
    // Whether one of them holds it: 0.1 us a batch.
    bool is_in_batch(const Turn& turn) const;

    std::optional<Bytes> find(const Digest& hash) const;
    // What is known to wait of `sender` with `nonce`.
    std::optional<Bytes> rival(const Address& sender, std::uint64_t nonce) const;
    // Bytes of what is known of `sender`, from `nonce` on in an unbroken row. Recovers the senders
    // of transactions that nobody asked about before, 50 us each.
    std::vector<Bytes> row(const Address& sender, std::uint64_t nonce);

    std::uint64_t taken() const;
    // Hashes of those taken from number `from` on, as far as they are remembered.
    std::vector<Digest> taken_since(std::uint64_t from) const;

  private:
    struct Entry {
        Bytes raw;
        std::optional<Turn> of;  // once recovered
    };
    void forget(const Digest& hash);
    void recover_senders();

    mutable std::mutex mutex_;  // guards everything below
    std::unordered_map<Digest, Entry> entries_;
    std::vector<Digest> unknown_;  // whose senders were not recovered
    std::unordered_map<Address, std::map<std::uint64_t, Digest>> by_sender_;
    std::unordered_map<Digest, std::vector<Turn>> batches_;  // each one's turns ascend
    std::deque<Digest> order_;                               // the latest taken
    std::uint64_t taken_ = 0;
};

// More than the engine lets wait; those that it dropped are forgotten by age.
inline constexpr std::size_t kPoolRemembered = 2 * consensus::kWaitingMax;

}  // namespace mutirao::node

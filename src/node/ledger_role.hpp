// The ledger role: the state machine behind a consensus engine, answering mutirao.v1.Ledger.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "consensus/state_export.hpp"
#include "net/caller.hpp"
#include "node/eth_ledger.hpp"
#include "node/lane_peers.hpp"
#include "node/lane_queue.hpp"
#include "node/ledger_application.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {

// serve() may be called from any thread; tick() from one. Once open, it answers whatever concerns
// the state, and new blocks; old blocks, events and receipts are read beside, by
// `options.snapshots` where that is given, and who asks for them waits.
class LedgerRole {
  public:
    // Begins the chain of "genesis" in the role's folder, or goes on with it, by the engine of
    // engine_of(). `threads` help to check signatures; they must outlive the role. By `door`
    // batches come from other machines, where there are any; its tasks must have run before the
    // role goes.
    static Result<std::unique_ptr<LedgerRole>> open(Disk& disk, Clock& clock,
                                                    consensus::EngineOptions options,
                                                    const Threads& threads = {},
                                                    std::optional<LaneDoor> door = {});
    // The state after the last block of a folder that no process runs, batches of the data lane
    // included, and its hash.
    struct Exported {
        consensus::StateExport state;
        Digest state_hash;
    };
    static Result<Exported> export_state(Disk& disk, Clock& clock,
                                         const consensus::EngineOptions& options,
                                         const Threads& threads = {});

    // Waits until it reads no old blocks any more.
    ~LedgerRole();

    Result<Bytes> serve(std::string_view method, ByteSpan request) const {
        return service_.serve(method, request);
    }
    // As serve(), and what only other keepers may ask.
    Result<Bytes> answer(const net::Caller& caller, std::string_view method, ByteSpan request);
    // Who keeps batches now.
    LaneKeepersPtr keepers() const { return lane_->keepers(); }
    // Waits for no other machine any more, nor for old blocks, so that calls that do return. Any
    // thread.
    void stop();
    // What wallets and Ethereum's programs see (gateway/ethrpc.hpp).
    EthLedger& ethereum() { return ethereum_; }
    // Where they reach it; told to others in Status.
    void set_ethereum_url(std::string url) { ethereum_url_ = std::move(url); }
    // Begins a connection of CometBFT's; empty unless that is the engine.
    consensus::Conversation converse() { return engine_->converse(); }
    // Makes a block when transactions wait. An error is final: the role must be opened again.
    Status tick();

  private:
    LedgerRole(ledger::Ledger ledger, Clock& clock, const Threads& threads)
        : application_(std::move(ledger), threads),
          chain_id_(application_.ledger().genesis().chain_id),
          ethereum_(application_.ledger(), clock,
                    [this](auto transactions) { application_.check_signatures(transactions); }),
          clock_(clock) {}
    // A role with its genesis and its lane, and no engine yet.
    static Result<std::unique_ptr<LedgerRole>> begin(Disk& disk, Clock& clock,
                                                     const consensus::EngineOptions& options,
                                                     const Threads& threads,
                                                     std::optional<LaneDoor> door);

    // The data lane: ledger_role_lane.cpp.
    Status open_lane(Disk& disk, const consensus::EngineOptions& options,
                     std::optional<LaneDoor> door);
    // Those that the last run has kept and not brought into a block; by `solo`, at once.
    Status submit_kept_batches();
    // The same while blocks come: whoever was to bring them may be gone.
    void tend_batches();
    Result<Bytes> put_batch(ByteSpan request);
    Result<Bytes> keep_batch(const net::Caller& caller, ByteSpan request);
    Result<lane::Certificate> certify_batch(const lane::BatchStatement& batch, ByteSpan encoded,
                                            std::uint64_t until);
    // Hands over a batch that is kept and certified.
    Status submit_batch(const lane::Certificate& certificate,
                        std::span<const ledger::AdmittedPtr> transactions);
    void seek_batches(std::span<const ByteSpan> block);
    Status await_batches(std::span<const ByteSpan> block);
    Status bring_batch(const lane::Certificate& certificate);
    struct Tip {
        std::uint64_t height = 0, next = 0;  // committed; and the author's next batch
    };
    Result<Tip> tip_of(const Address& author) const;

    // What is only looked at, which the engine has left on the disk: ledger_role_old.cpp. On
    // `executor`, or at once.
    void begin_reading_old(Executor* executor);
    Status read_old();
    class Reading;

    void on_block(const consensus::Block& block);
    void on_forgotten(std::uint64_t first);
    void add_methods();
    Result<ledger::Receipt> wait_for_receipt(const Digest& hash, Duration wait);

    std::unique_ptr<LedgerLane> lane_;
    std::unique_ptr<LanePeers> peers_;  // where there may be other keepers
    LaneQueue queue_;
    std::atomic<unsigned> gathering_ = 0;  // batches that are being certified
    std::atomic<bool> stopping_ = false;
    std::mutex seeking_mutex_;                       // guards seeking_
    std::set<Digest> seeking_;                       // batches that are being fetched
    std::map<Digest, std::uint64_t> without_block_;  // tick()'s: since when it has seen each
    std::uint64_t tended_ = 0;                       // likewise, at which height
    LedgerApplication application_;
    const std::uint64_t chain_id_;
    EthLedger ethereum_;
    std::string ethereum_url_;
    Clock& clock_;
    std::unique_ptr<consensus::Engine> engine_;
    wire::Service service_;
    std::mutex block_mutex_;  // held to wait for, and to announce, a new block
    std::condition_variable block_made_;
    std::shared_ptr<Reading> reading_;
};

inline constexpr std::string_view kGenesisFile = "genesis";
// In the same folder: which engine it is for (solo where there is none), and where CometBFT calls.
inline constexpr std::string_view kEngineFile = "engine";
inline constexpr std::string_view kAbciSocket = "abci.sock";
Result<std::string> engine_of(Disk& disk);

}  // namespace mutirao::node

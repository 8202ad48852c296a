// Four validators' ledgers in one process, with the data lane between them; the test plays each
// one's CometBFT (consensus/test_comet.hpp).
#pragma once

#include <atomic>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "base/memory_disk.hpp"
#include "base/test_threads.hpp"
#include "consensus/test_comet.hpp"
#include "lane/test_batches.hpp"
#include "ledger/test_chain.hpp"
#include "mutirao/v1/ledger.pb.h"
#include "net/address.hpp"
#include "node/ledger_role.hpp"
#include "node/test_transfers.hpp"

namespace mutirao::node {

using consensus::AbciCall;
using consensus::Died;
using ledger::Amount;
using ledger::wallet;

inline constexpr std::uint32_t kValidators = 4;

inline std::string endpoint(std::uint32_t number) {
    return "v" + std::to_string(number) + ".example:1";
}
inline std::string peer(std::uint32_t number) {
    return net::peer_name(wallet(static_cast<int>(number)).address(), endpoint(number));
}

inline ledger::Genesis genesis() {
    auto out = ledger::TestChain::genesis();
    for (std::uint32_t i = 0; i < kValidators; ++i) {
        const auto seed = ledger::digest_of("consensus " + std::to_string(i));
        out.validators.push_back({wallet(static_cast<int>(i)).address(),
                                  crypto::Ed25519Key::from_seed(seed.span())->public_key,
                                  wallet(9).address(), ledger::kOneMut.times(1000).value(),
                                  lane::keeper_key(i).public_key(), endpoint(i)});
    }
    return out;
}

// A thread for every task; any thread posts.
class LaneThreads final : public Executor {
  public:
    void post(std::function<void()> task) override {
        const std::lock_guard lock(mutex_);
        threads_.post(std::move(task));
    }

  private:
    std::mutex mutex_;  // guards threads_
    ThreadExecutor threads_;
};

class LaneLedger;
using World = std::map<std::string, LaneLedger*>;

// One ledger, and the disk that outlives its processes. The first kValidators are validators.
class LaneLedger : public consensus::AbciTalk, public Network, public Clock, public Executor {
  public:
    LaneLedger(World& world, std::uint32_t number) : number(number), world_(world) {
        world_[peer(number)] = this;
        EXPECT_TRUE(disk.write_file_atomic(kGenesisFile, ledger::encode_record(genesis())).ok());
        open();
        init_chain(status().first);
    }
    // A new process on the same disk.
    void open() {
        close();
        die_at.clear();
        consensus::EngineOptions options;
        options.engine = "cometbft";
        options.proposer = lane::keeper_key(number);
        options.snapshot_every = 3;
        options.at_point = [this](std::string_view point) {
            if (point == die_at) throw Died{};
        };
        role = LedgerRole::open(disk, *this, std::move(options), {}, LaneDoor{*this, *this, more})
                   .value();
        talk = role->converse();
    }
    void close() {
        talk = {};
        role.reset();
    }
    Result<Bytes> put(const lane::Batch& batch) { return role->serve(kPutBatch, batch.encode()); }
    // State hash and height.
    std::pair<Digest, std::uint64_t> status() const {
        const auto answer = role->serve("/mutirao.v1.Ledger/Status", {}).value();
        v1::LedgerStatusReply reply;
        EXPECT_TRUE(reply.ParseFromArray(answer.data(), static_cast<int>(answer.size())));
        return {Digest::from_bytes(as_bytes(reply.state_hash())).value(), reply.height()};
    }
    std::uint64_t received() const {
        return static_cast<std::uint64_t>(role->ethereum().account(kPayee)->balance.wei());
    }
    bool has(const lane::Batch& batch) const {
        return role->serve(kGetBatch, batch.statement().encode()).ok();
    }

    Duration monotonic() override { return Duration(unix_ms() * 1'000'000); }
    std::uint64_t unix_ms() override { return now_ms_++; }
    void sleep(Duration) override {
        ++slept;
        if (on_sleep) on_sleep();
    }
    void post(std::function<void()> task) override { threads ? threads->post(task) : task(); }
    Result<Bytes> call(const std::string& to, std::string_view method, ByteSpan request,
                       Duration) override {
        const auto at = world_.find(to);
        if (at == world_.end() || at->second->role == nullptr || is_cut || at->second->is_cut)
            return Error{ErrorKind::unavailable, "nobody listens at " + to};
        {
            const std::lock_guard lock(mutex_);
            ++calls[std::string(method)];
        }
        const net::Caller caller{wallet(static_cast<int>(number)).address(), "127.0.0.1"};
        return at->second->role->answer(caller, method, request);
    }

    const std::uint32_t number;
    std::string die_at;   // the point at which this process ends
    bool is_cut = false;  // from the others' ledgers, not from consensus
    unsigned slept = 0;
    std::function<void()> on_sleep;
    std::map<std::string, unsigned> calls;
    std::vector<std::string> more;  // ledgers that may have batches, beside the keepers
    Executor* threads = nullptr;    // none: whoever posts a task runs it
    MemoryDisk disk;
    std::unique_ptr<LedgerRole> role;

  private:
    World& world_;
    std::atomic<std::uint64_t> now_ms_ = ledger::kStartMs;
    std::mutex mutex_;  // guards calls
};

class LaneNetwork : public ::testing::Test {
  protected:
    LaneNetwork() {
        for (std::uint32_t i = 0; i < kValidators; ++i)
            all.push_back(std::make_unique<LaneLedger>(world, i));
    }
    LaneLedger& at(std::size_t number) { return *all[number]; }
    // The next block is this one, at everybody who runs.
    void decide(const std::vector<Bytes>& content) {
        blocks.push_back(content);
        for (auto& one : all) {
            if (one->role == nullptr) continue;
            one->decide(blocks.size(), content);
            ASSERT_TRUE(one->role->tick().ok());
        }
        agree();
    }
    void agree() {
        std::set<Digest> states;
        for (auto& one : all)
            if (one->role != nullptr) states.insert(one->status().first);
        EXPECT_EQ(states.size(), 1u);
    }
    // What CometBFT carries from one ledger to the others.
    void gossip(LaneLedger& from) {
        for (const auto& raw : consensus::all(from.ask(AbciCall::reap_txs), 1))
            for (auto& one : all)
                if (one->role != nullptr && one.get() != &from)
                    one->ask(AbciCall::insert_tx, consensus::WireWriter().bytes(1, raw).take());
    }
    // A certificate that no ledger made, of whoever is at these places.
    Bytes certified(const lane::Batch& batch, const std::vector<std::uint32_t>& signers,
                    std::uint64_t until = 1000) {
        const auto now = at(0).role->keepers();
        auto keepers = now->keepers;
        std::fill(keepers.votes.begin(), keepers.votes.end(), 0);  // as if these were a quorum
        const auto statement = batch.statement();
        std::vector<lane::Acknowledgement> given;
        for (const auto place : signers) {
            keepers.votes[place] = 1;
            std::uint32_t number = 0;
            while (now->accounts[place] != wallet(static_cast<int>(number)).address()) ++number;
            const auto message = statement.kept_message(lane::kChain, until);
            given.push_back({place, lane::keeper_key(number).sign(message)});
        }
        return lane::certify(statement, until, keepers, lane::kChain, given)->encode();
    }

    World world;
    std::vector<std::unique_ptr<LaneLedger>> all;
    std::vector<std::vector<Bytes>> blocks;
};

}  // namespace mutirao::node

// CometBFT's side of ABCI, as spec/abci/abci++_comet_expected_behavior.md has it: one validator's
// ledger on a disk that outlives processes, and the handshake and replay with which CometBFT finds
// it again (consensus/replay.go, Handshaker.ReplayBlocks).
#pragma once

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "consensus/abci_messages.hpp"
#include "consensus/comet.hpp"
#include "consensus/test_application.hpp"

namespace mutirao::consensus {

struct Died {};

inline Bytes step(std::string_view text) { return to_bytes(as_bytes(text)); }

// The fields of an answer with one number.
inline std::vector<Bytes> all(ByteSpan body, std::uint32_t number) {
    std::vector<Bytes> out;
    EXPECT_TRUE(each_field(body, [&](const WireField& field) {
                    if (field.number == number) out.push_back(to_bytes(field.bytes));
                }).ok());
    return out;
}
inline std::uint64_t number(ByteSpan body, std::uint32_t field) {
    return number_field(body, field).value();
}

// What CometBFT says over one connection of a ledger's.
struct AbciTalk {
    // The body of the answer.
    Bytes ask(AbciCall call, ByteSpan body = {}) {
        const auto request = static_cast<std::uint32_t>(call);
        const auto answer = talk(abci_frame(WireWriter().element(request, body).take())).value();
        AbciFrames frames;
        frames.feed(answer);
        const auto response = frames.next().value().value();
        std::uint32_t answered = 0;
        Bytes out;
        EXPECT_TRUE(each_field(response, [&](const WireField& field) {
                        answered = field.number;
                        out = to_bytes(field.bytes);
                    }).ok());
        refused = answered != request + 1;
        return out;
    }
    void init_chain(const Digest& state_hash, std::uint64_t first_height = 1) {
        const auto state = "{\"state_hash\":\"" + state_hash.hex() + "\"}";
        ask(AbciCall::init_chain, WireWriter().text(5, state).number(6, first_height).take());
        ASSERT_FALSE(refused);
    }
    static Bytes block(std::uint64_t height, const std::vector<Bytes>& transactions,
                       ByteSpan misbehaviour = {}) {
        WireWriter out;
        for (const auto& transaction : transactions) out.element(1, transaction);
        const auto time = WireWriter().number(1, 100 + height).number(2, 5'000'000).take();
        return out.bytes(3, misbehaviour).number(5, height).element(6, time).take();
    }
    std::vector<Bytes> prepare(std::uint64_t bytes_max = 1 << 20) {
        return all(ask(AbciCall::prepare_proposal, WireWriter().number(1, bytes_max).take()), 1);
    }
    bool accepts(std::uint64_t height, const std::vector<Bytes>& transactions) {
        return number(ask(AbciCall::process_proposal, block(height, transactions)), 1) == 1;
    }
    Bytes finalize(std::uint64_t height, const std::vector<Bytes>& transactions) {
        auto out = ask(AbciCall::finalize_block, block(height, transactions));
        EXPECT_FALSE(refused) << height;
        return out;
    }
    void commit() {
        ask(AbciCall::commit);
        EXPECT_FALSE(refused);
    }
    void decide(std::uint64_t height, const std::vector<Bytes>& transactions) {
        finalize(height, transactions);
        commit();
    }
    std::uint64_t height_told() { return number(ask(AbciCall::info), 4); }

    Conversation talk;
    bool refused = false;  // the last question
};

// The ledger's half of a validator.
struct TestLedger : AbciTalk {
    class NoClock final : public Clock {
      public:
        Duration monotonic() override { return {}; }
        std::uint64_t unix_ms() override { return 0; }
        void sleep(Duration) override {}
    };

    static EngineOptions options() {
        EngineOptions out;
        out.engine = "cometbft";
        out.proposer = crypto::BlsSecretKey::generate(Bytes(32, 1)).value();
        out.snapshot_every = 3;
        return out;
    }
    // A new process on the same disk.
    void open() {
        die_at.clear();
        auto chosen = options();
        chosen.at_point = [this](std::string_view point) {
            if (point == die_at) throw Died{};
        };
        engine.reset();
        application = std::make_unique<Counters>();
        engine = open_engine(disk, clock, *application, std::move(chosen)).value();
        talk = engine->converse();
    }
    void init_chain(std::uint64_t first_height = 1) {
        AbciTalk::init_chain(application->state_hash(), first_height);
    }

    std::string die_at;  // the point at which this process ends
    MemoryDisk disk;
    NoClock clock;
    std::unique_ptr<Counters> application;
    std::unique_ptr<Engine> engine;
};

// A whole validator: the ledger, and what its CometBFT has stored.
struct TestValidator {
    // Where its CometBFT may end, in the order of one block.
    enum class Stop { never, block_stored, finalized, committed };

    // Both halves run this decided block; throws Died where one of them ends.
    void decide(const std::vector<Bytes>& transactions, Stop stop = Stop::never) {
        blocks.push_back(transactions);
        if (stop == Stop::block_stored) throw Died{};
        run(blocks.size(), stop);
    }
    // What one half lacks after a crash of either comes from what CometBFT stored.
    void handshake() {
        const auto app = ledger.height_told();
        if (app == 0) ledger.init_chain();
        ASSERT_LE(app, blocks.size()) << "CometBFT gives up on a ledger that is ahead of it";
        ASSERT_GE(blocks.size(), state_height);
        ASSERT_LE(blocks.size(), state_height + 1);
        for (auto height = app + 1; height <= blocks.size(); ++height) run(height, Stop::never);
        // Where Commit was the last that happened, the stored answer is all that is needed.
        state_height = blocks.size();
        EXPECT_EQ(ledger.application->height(), blocks.size());
    }

    TestLedger ledger;
    std::vector<std::vector<Bytes>> blocks;  // CometBFT's store
    std::vector<Bytes> answers;              // to FinalizeBlock, by height
    std::uint64_t state_height = 0;

  private:
    void run(std::uint64_t height, Stop stop) {
        const auto answer = ledger.finalize(height, blocks[height - 1]);
        if (answers.size() < height) answers.push_back(answer);
        EXPECT_EQ(answer, answers[height - 1]) << "a replay of block " << height << " differs";
        if (stop == Stop::finalized) throw Died{};
        ledger.commit();
        if (stop == Stop::committed) throw Died{};
        state_height = std::max(state_height, height);
    }
};

}  // namespace mutirao::consensus

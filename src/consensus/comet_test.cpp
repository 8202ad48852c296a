// Drives the engine as CometBFT does (spec/abci/abci++_comet_expected_behavior.md): handshake,
// proposals of several rounds, decided blocks, a replay after a crash at each point, state sync.
#include "consensus/comet.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "consensus/abci_wire.hpp"
#include "consensus/test_application.hpp"

namespace mutirao::consensus {
namespace {

class TestClock final : public Clock {
  public:
    Duration monotonic() override { return {}; }
    std::uint64_t unix_ms() override { return 0; }
    void sleep(Duration) override {}
};

Bytes step(std::string_view text) { return to_bytes(as_bytes(text)); }

// The fields of an answer with one number.
std::vector<Bytes> all(ByteSpan body, std::uint32_t number) {
    std::vector<Bytes> out;
    EXPECT_TRUE(each_field(body, [&](const WireField& field) {
                    if (field.number == number) out.push_back(to_bytes(field.bytes));
                }).ok());
    return out;
}
std::uint64_t number(ByteSpan body, std::uint32_t field_number) {
    std::uint64_t out = 0;
    EXPECT_TRUE(each_field(body, [&](const WireField& field) {
                    if (field.number == field_number) out = field.value;
                }).ok());
    return out;
}

struct Died {};

// One validator's ledger: a disk that outlives the processes on it.
struct Validator {
    void open() {
        die_at.clear();
        EngineOptions options;
        options.engine = "cometbft";
        options.proposer = crypto::BlsSecretKey::generate(Bytes(32, 1)).value();
        options.snapshot_every = 3;
        options.at_point = [this](std::string_view point) {
            if (point == die_at) throw Died{};
        };
        engine.reset();
        application = std::make_unique<Counters>();
        engine = open_engine(disk, clock, *application, std::move(options)).value();
        talk = engine->converse();
    }
    // The body of the answer; `request` is the number of Request's field.
    Bytes ask(std::uint32_t request, ByteSpan body = {}) {
        const auto framed = abci_frame(WireWriter().element(request, body).take());
        const auto answer = talk(framed).value();
        AbciFrames frames;
        frames.feed(answer);
        const auto response = frames.next().value().value();
        answered = 0;
        Bytes out;
        EXPECT_TRUE(each_field(response, [&](const WireField& field) {
                        answered = field.number;
                        out = to_bytes(field.bytes);
                    }).ok());
        return out;
    }
    void init_chain() {
        const auto state = "{\"state_hash\":\"" + application->state_hash().hex() + "\"}";
        ask(5, WireWriter().text(5, state).number(6, 1).take());
        ASSERT_EQ(answered, 6u);
    }
    static Bytes block(std::uint64_t height, const std::vector<Bytes>& transactions) {
        WireWriter out;
        for (const auto& transaction : transactions) out.element(1, transaction);
        const auto time = WireWriter().number(1, 100 + height).number(2, 5'000'000).take();
        return out.number(5, height).element(6, time).take();
    }
    std::vector<Bytes> prepare() { return all(ask(16, WireWriter().number(1, 1 << 20).take()), 1); }
    std::uint64_t process(std::uint64_t height, const std::vector<Bytes>& transactions) {
        return number(ask(17, block(height, transactions)), 1);
    }
    Bytes finalize(std::uint64_t height, const std::vector<Bytes>& transactions) {
        return ask(20, block(height, transactions));
    }
    void decide(std::uint64_t height, const std::vector<Bytes>& transactions) {
        finalize(height, transactions);
        ASSERT_EQ(answered, 21u);
        ask(11);
        ASSERT_EQ(answered, 12u);
    }
    std::uint64_t height_told() { return number(ask(3), 4); }

    std::string die_at;  // the point at which this process ends
    MemoryDisk disk;
    TestClock clock;
    std::unique_ptr<Counters> application;
    std::unique_ptr<Engine> engine;
    Conversation talk;
    std::uint32_t answered = 0;
};

TEST(Comet, validators_that_decide_the_same_blocks_have_the_same_state_and_blocks) {
    Validator first, second;
    for (auto* one : {&first, &second}) {
        one->open();
        one->init_chain();
    }
    ASSERT_TRUE(first.engine->submit(step("a2")).ok());
    ASSERT_TRUE(first.engine->submit(step("a1")).ok());
    EXPECT_TRUE(first.engine->is_waiting(step("a1")));
    // Told to the other one, and once only.
    for (const auto& transaction : all(first.ask(22), 1))
        EXPECT_EQ(number(second.ask(21, WireWriter().bytes(1, transaction).take()), 1), 0u);
    EXPECT_TRUE(all(first.ask(22), 1).empty());
    EXPECT_TRUE(second.engine->is_waiting(step("a2")));

    const auto proposal = second.prepare();
    EXPECT_EQ(proposal, (std::vector{step("a1"), step("a2")}));
    EXPECT_EQ(first.process(1, proposal), 1u);
    const auto result = first.finalize(1, proposal);
    EXPECT_EQ(all(result, 2).size(), 2u);
    EXPECT_EQ(second.finalize(1, proposal), result);
    EXPECT_EQ(first.application->height(), 0u);  // nothing is final before Commit
    for (auto* one : {&first, &second}) one->ask(11);
    EXPECT_EQ(first.application->counter('a'), 2u);
    EXPECT_EQ(first.application->time_ms(), 101'005u);
    EXPECT_FALSE(first.engine->is_waiting(step("a1")));
    EXPECT_TRUE(first.engine->make_block().value());
    EXPECT_FALSE(first.engine->make_block().value());
    EXPECT_EQ(first.engine->blocks(1, 9).at(0).hash, second.engine->blocks(1, 9).at(0).hash);
    EXPECT_EQ(all(first.ask(6, WireWriter().text(1, "a").take()), 7).at(0), (Bytes{2, 0, 0, 0}));
}

TEST(Comet, rounds_that_fail_leave_no_trace) {
    Validator validator;
    validator.open();
    validator.init_chain();
    const auto before = validator.application->state_hash();
    EXPECT_EQ(validator.process(1, {step("a1")}), 1u);
    EXPECT_EQ(validator.process(1, {step("a2")}), 2u);  // cannot run
    EXPECT_EQ(validator.process(2, {step("a1")}), 2u);  // another height
    EXPECT_EQ(validator.process(1, {Bytes(kTransactionMax + 1, 'a')}), 2u);
    EXPECT_EQ(validator.process(1, {step("b1")}), 1u);
    EXPECT_EQ(validator.application->state_hash(), before);
    validator.decide(1, {step("b1")});
    EXPECT_EQ(validator.application->counter('a'), 0u);
    EXPECT_EQ(validator.application->counter('b'), 1u);
}

TEST(Comet, after_a_crash_at_any_point_the_replayed_block_gives_equal_bytes) {
    Validator unharmed;
    unharmed.open();
    unharmed.init_chain();
    for (std::uint64_t h = 1; h <= 2; ++h) unharmed.decide(h, {step("a" + std::to_string(h))});
    const auto expected = unharmed.finalize(3, {step("a3")});
    unharmed.ask(11);
    for (const std::string point :
         {"after_finalize", "block_before_append", "block_after_append", "block_after_sync",
          "after_commit", "snapshot_before_write", "snapshot_after_write"}) {
        SCOPED_TRACE(point);
        Validator validator;
        validator.open();
        validator.init_chain();
        for (std::uint64_t h = 1; h <= 2; ++h) validator.decide(h, {step("a" + std::to_string(h))});
        validator.die_at = point;
        EXPECT_THROW(validator.decide(3, {step("a3")}), Died);
        validator.open();
        // CometBFT stored block 3: it replays exactly what the ledger lacks, and never less.
        const auto height = validator.height_told();
        ASSERT_TRUE(height == 2 || height == 3) << height;
        if (height == 2) {
            EXPECT_EQ(validator.finalize(3, {step("a3")}), expected);
            validator.ask(11);
        }
        EXPECT_EQ(validator.application->state_hash(), unharmed.application->state_hash());
        EXPECT_EQ(validator.engine->blocks(3, 1).at(0).hash,
                  unharmed.engine->blocks(3, 1).at(0).hash);
    }
}

TEST(Comet, a_late_validator_begins_at_a_snapshot_and_goes_on) {
    Validator old, late;
    old.open();
    old.init_chain();
    for (std::uint64_t h = 1; h <= 3; ++h) old.decide(h, {step("a" + std::to_string(h))});
    const auto snapshot = all(old.ask(12), 1).at(0);
    const auto chunk = all(old.ask(14, WireWriter().number(1, 3).number(2, 1).take()), 1).at(0);
    late.open();
    const auto offer = [&](ByteSpan hash) {
        return number(late.ask(13, WireWriter().element(1, snapshot).bytes(2, hash).take()), 1);
    };
    const auto apply = [&](ByteSpan bytes) {
        return number(late.ask(15, WireWriter().bytes(2, bytes).take()), 1);
    };
    // Not the state that the light client verified: refused, and nothing of it stays.
    ASSERT_EQ(offer(Bytes(32, 7)), 1u);
    EXPECT_EQ(apply(chunk), 5u);
    EXPECT_EQ(late.application->height(), 0u);
    ASSERT_EQ(offer(old.application->state_hash().span()), 1u);
    auto damaged = chunk;
    damaged.back() ^= 1;
    EXPECT_EQ(apply(damaged), 3u);
    EXPECT_EQ(apply(chunk), 1u);
    EXPECT_EQ(late.height_told(), 3u);
    for (auto* one : {&old, &late}) one->decide(4, {step("a4")});
    late.open();
    EXPECT_EQ(late.application->state_hash(), old.application->state_hash());
    EXPECT_EQ(late.engine->blocks(4, 1).at(0).hash, old.engine->blocks(4, 1).at(0).hash);
}

TEST(Comet, answers_in_order_however_bytes_arrive_and_refuses_in_words) {
    Validator validator;
    validator.open();
    Bytes two = abci_frame(WireWriter().element(1, WireWriter().text(1, "oi").take()).take());
    const auto flush = abci_frame(WireWriter().element(2, {}).take());
    two.insert(two.end(), flush.begin(), flush.end());
    Bytes answers;
    for (const auto byte : two) {
        const auto part = validator.talk(Bytes{byte}).value();
        answers.insert(answers.end(), part.begin(), part.end());
    }
    EXPECT_EQ(answers, (Bytes{6, 0x12, 4, 0x0a, 2, 'o', 'i', 2, 0x1a, 0}));
    for (const std::uint32_t request : {4U, 11U}) {  // unknown; Commit without a block
        EXPECT_FALSE(all(validator.ask(request), 1).at(0).empty());
        EXPECT_EQ(validator.answered, 1u);
    }
    validator.ask(5, WireWriter().text(5, "{}").take());  // another network's genesis
    EXPECT_EQ(validator.answered, 1u);
    auto other = validator.engine->converse();
    EXPECT_FALSE(other(Bytes{0xff, 0xff, 0xff, 0xff, 0x7f}).ok());  // 34 GB
    EXPECT_EQ(validator.height_told(), 0u);                         // the first one goes on
}

}  // namespace
}  // namespace mutirao::consensus

// A thousand histories of two hundred nodes: what is certified is never lost, and nothing is
// certified that honest nodes do not hold.
#include "sim/fragment_world.hpp"

#include <cstdlib>
#include <gtest/gtest.h>

namespace mutirao::sim {
namespace {

constexpr std::uint32_t kNodes = 200;
// $MUTIRAO_SIM_SEEDS: how many; forty take ten seconds.
std::uint64_t seeds() {
    const char* text = std::getenv("MUTIRAO_SIM_SEEDS");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 40;
}

struct Sample {
    Bytes content;
    std::shared_ptr<const block::CodedBlock> block;
};

// Blocks are coded once for all histories.
const std::vector<Sample>& samples() {
    static const std::vector<Sample> all = [] {
        std::vector<Sample> out;
        SeededRandom random(4);
        for (const std::size_t size : {700u, 30'000u, 90'000u}) {
            Sample sample{Bytes(size), nullptr};
            random.fill(sample.content);
            sample.block = std::make_shared<const block::CodedBlock>(
                block::code_block(sample.content, {}).value());
            out.push_back(std::move(sample));
        }
        return out;
    }();
    return all;
}

// Gives nodes that are well a fault, as long as those nodes hold at most `slots` of the block.
std::set<std::uint32_t> strike(FragmentWorld& world, const BlockId& id, std::uint32_t slots,
                               std::vector<Fault> faults, const std::set<std::uint32_t>& spare) {
    const auto held = world.committee().placement->slots_held(id);
    std::set<std::uint32_t> struck;
    for (int tries = 0; tries < 400; ++tries) {
        const auto node = static_cast<std::uint32_t>(world.random().below(world.size()));
        if (spare.contains(node) || struck.contains(node) || held[node] > slots) continue;
        slots -= held[node];
        struck.insert(node);
        world.set_fault(node, faults[world.random().below(faults.size())]);
    }
    return struck;
}

void heal(FragmentWorld& world, const std::set<std::uint32_t>& nodes) {
    for (const auto node : nodes) world.set_fault(node, Fault::none);
}

// Returns whether the block was certified.
bool run_history(std::uint64_t seed) {
    FragmentWorld world(kNodes, seed);
    const auto& sample = samples()[seed % samples().size()];
    const auto id = sample.block->statement.id();
    // Liars are with us from the beginning to the end; liars and those that are down when the block
    // is read hold less than a third together. Others are only away while it is written.
    const auto of_liars = static_cast<std::uint32_t>(world.random().below(60));
    const auto liars = strike(world, id, of_liars, {Fault::forgets, Fault::garbles}, {});
    const auto away = strike(world, id, static_cast<std::uint32_t>(world.random().below(110)),
                             {Fault::down, Fault::loses_words, Fault::full}, liars);
    const auto dispersal = world.disperse(sample.block);
    heal(world, away);
    if (!dispersal.ok()) {
        EXPECT_EQ(dispersal.error().kind, ErrorKind::unavailable) << seed;
        return false;
    }
    // The certificate is one, and every honest signer has what it signed for, also after a crash.
    const auto& certificate = dispersal->certificate;
    const auto signers = block::signers_in(certificate.signers, kNodes).value();
    std::vector<crypto::BlsVerifiedKey> keys;
    std::uint32_t slots = 0;
    for (const auto member : signers) {
        keys.push_back(world.committee().keys[member]);
        slots +=
            static_cast<std::uint32_t>(world.committee().placement->slots_of(id, member).size());
        if (!liars.contains(member)) {
            EXPECT_TRUE(world.holds_share(member, id)) << seed << ": node " << member;
        }
    }
    EXPECT_GE(slots, block::kAvailableSlots) << seed;
    EXPECT_TRUE(block::verify_certificate(certificate, kSimChain, keys).ok()) << seed;
    for (int round = 0; round < 2; ++round) {
        const auto gone =
            strike(world, id, 84 - of_liars, {Fault::down, Fault::loses_words}, liars);
        for (int i = 0; i < 20; ++i)
            world.crash(static_cast<std::uint32_t>(world.random().below(kNodes)));
        world.clock().sleep(std::chrono::minutes(2));
        const auto content = world.read(id);
        EXPECT_TRUE(content.ok()) << "seed " << seed << ": " << content.error().message;
        if (content.ok()) {
            EXPECT_EQ(*content, sample.content) << seed;
        }
        heal(world, gone);
    }
    return true;
}

TEST(FragmentWorld, no_certified_block_is_lost_and_none_is_certified_that_is_not_stored) {
    std::uint64_t certified = 0;
    for (std::uint64_t seed = 1; seed <= seeds() && !testing::Test::HasFailure(); ++seed)
        certified += run_history(seed);
    // Otherwise the histories would show nothing.
    EXPECT_GT(certified, seeds() / 2);
    EXPECT_LT(certified, seeds());
}

TEST(FragmentWorld, disks_that_rot_are_read_around) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        FragmentWorld world(40, seed);
        const auto& sample = samples()[1];
        ASSERT_TRUE(world.disperse(sample.block).ok());
        for (std::uint32_t node = 0; node < 20; ++node) world.rot(node);
        const auto content = world.read(sample.block->statement.id());
        ASSERT_TRUE(content.ok()) << content.error().message;
        EXPECT_EQ(*content, sample.content);
    }
}

TEST(FragmentWorld, the_same_seed_is_the_same_run) {
    const auto trace = [](std::uint64_t seed) {
        FragmentWorld world(40, seed);
        const auto id = samples()[0].block->statement.id();
        strike(world, id, 60, {Fault::down, Fault::loses_words, Fault::garbles}, {});
        const auto dispersal = world.disperse(samples()[0].block);
        return dispersal.ok() ? dispersal->certificate.encode() : Bytes{};
    };
    EXPECT_EQ(trace(5), trace(5));
}

}  // namespace
}  // namespace mutirao::sim

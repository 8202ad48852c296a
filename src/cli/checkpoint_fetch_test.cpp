#include "cli/checkpoint_fetch.hpp"

#include <array>
#include <atomic>
#include <gtest/gtest.h>
#include <thread>

#include "base/memory_disk.hpp"
#include "node/kept_checkpoints.hpp"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::cli {
namespace {

using node::wire::to_field;

// Trainers of one run, which have the same checkpoint.
class Trainers final : public Network {
  public:
    explicit Trainers(const Bytes& file) { kept_.keep(4, file); }
    Result<Bytes> call(const std::string& peer, std::string_view method, ByteSpan bytes,
                       Duration) override {
        if (method != "/mutirao.v1.Train/Checkpoint") return Error{ErrorKind::unimplemented, ""};
        v1::CheckpointRequest request;
        TRY_VOID(node::wire::parse(bytes, request));
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // others are asked meanwhile
        const auto asked = ++asked_[static_cast<std::size_t>(peer.back() - '0')];
        if (peer == "dead-1" && asked > 3) return Error{ErrorKind::unavailable, "it died"};
        TRY(const auto blob, node::wire::fixed_field<Digest>(request.blob()));
        TRY(auto data, request.list() ? kept_.list(blob) : kept_.chunk(blob, request.chunk()));
        if (peer == "liar-2") data.back() ^= 1;
        v1::CheckpointReply reply;
        reply.set_data(to_field(data));
        return node::wire::serialize(reply);
    }
    Digest blob() const { return kept_.names().front().blob; }
    int asked(std::size_t i) const { return asked_[i]; }

  private:
    node::KeptCheckpoints kept_;
    std::array<std::atomic<int>, 4> asked_{};
};

Bytes some_file() {
    Bytes out(40 * train::kChunkBytes + 77);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i * i >> 9);
    return out;
}

TEST(CheckpointFetch, comes_whole_from_several_though_one_dies_and_one_lies) {
    const auto file = some_file();
    Trainers trainers(file);
    MemoryDisk disk;
    node::KeptChunks kept(disk, "fetches");
    const auto got = fetch_checkpoint(trainers, {"well-0", "dead-1", "liar-2", "well-3"}, {},
                                      {4, trainers.blob(), {0, 1, 2, 3}}, kept);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(*got, file);
    EXPECT_GT(trainers.asked(0), 1);
    EXPECT_GT(trainers.asked(3), 1);
    EXPECT_TRUE(disk.list("fetches").value().empty());
}

TEST(CheckpointFetch, goes_on_with_what_came_before_it_was_cut_off) {
    const auto file = some_file();
    Trainers trainers(file);
    MemoryDisk disk;
    {
        node::KeptChunks kept(disk, "fetches");
        EXPECT_FALSE(
            fetch_checkpoint(trainers, {"", "dead-1"}, {}, {4, trainers.blob(), {1}}, kept).ok());
    }
    ASSERT_EQ(disk.list("fetches").value().size(), 1u);
    const auto path = "fetches/" + disk.list("fetches").value()[0];
    auto part = disk.open(path).value();
    ASSERT_TRUE(part->append(Bytes{3, 0, 0}).ok());  // torn
    node::KeptChunks kept(disk, "fetches");
    const auto got = fetch_checkpoint(trainers, {"well-0"}, {}, {4, trainers.blob(), {0}}, kept);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(*got, file);
    // Two of the 41 chunks came before, and the list.
    EXPECT_EQ(trainers.asked(0), 39);
    EXPECT_TRUE(disk.list("fetches").value().empty());
}

TEST(CheckpointFetch, says_why_when_nobody_is_left) {
    Trainers trainers(some_file());
    MemoryDisk disk;
    node::KeptChunks kept(disk, "fetches");
    const auto got = fetch_checkpoint(trainers, {"", "dead-1", "liar-2"}, {},
                                      {4, trainers.blob(), {0, 1, 2}}, kept);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().kind, ErrorKind::unavailable);
    EXPECT_NE(got.error().message.find(": trainer "), std::string::npos) << got.error().message;
    const auto none = fetch_checkpoint(trainers, {""}, {}, {4, trainers.blob(), {0}}, kept);
    ASSERT_FALSE(none.ok());
    EXPECT_NE(none.error().message.find("can be called"), std::string::npos);
}

v1::ProgressReply saying(std::vector<std::pair<std::uint32_t, std::uint8_t>> checkpoints) {
    v1::ProgressReply out;
    out.set_rounds_total(10);
    for (const auto& [round, fill] : checkpoints) {
        auto& named = *out.add_checkpoints();
        named.set_round(round);
        Digest blob;
        blob.bytes.fill(fill);
        named.set_blob(to_field(blob.span()));
    }
    return out;
}

TEST(CheckpointFetch, takes_the_newest_that_more_than_half_name_alike) {
    EXPECT_FALSE(newest_checkpoint({saying({}), saying({})}));
    // One is ahead, one is behind; one claims a round of its own, and twice.
    const auto offer = newest_checkpoint({saying({{2, 1}, {4, 2}}), saying({{4, 2}, {6, 3}}),
                                          saying({{4, 2}}), saying({{8, 9}, {8, 9}, {8, 9}})});
    ASSERT_TRUE(offer);
    EXPECT_EQ(offer->round, 4u);
    EXPECT_EQ(offer->blob.bytes[0], 2);
    EXPECT_EQ(offer->holders, (std::vector<std::uint32_t>{0, 1, 2}));
    // Nor is anybody counted who cannot be reached.
    std::vector<v1::ProgressReply> two{saying({{4, 2}}), saying({{4, 2}})};
    EXPECT_TRUE(newest_checkpoint(two));
    two[1].set_phase("missing");
    EXPECT_FALSE(newest_checkpoint(two));
    // Half is not enough, and the end is no round along the way.
    EXPECT_FALSE(newest_checkpoint({saying({{4, 2}}), saying({{4, 3}})}));
    EXPECT_FALSE(newest_checkpoint({saying({{10, 2}}), saying({{10, 2}})}));
}

TEST(CheckpointFetch, the_finished_one_is_of_all_who_finished_with_it) {
    std::vector<v1::ProgressReply> all{saying({{10, 1}}), saying({{8, 2}, {10, 3}}),
                                       saying({{10, 3}}), saying({{8, 2}})};
    for (const std::size_t i : {1u, 2u}) all[i].set_phase("finished");
    const auto offer = finished_checkpoint(all, 1);
    ASSERT_TRUE(offer.ok());
    EXPECT_EQ(offer->holders, (std::vector<std::uint32_t>{1, 2}));
    EXPECT_EQ(offer->blob.bytes[0], 3);
    EXPECT_EQ(finished_checkpoint({saying({})}, 0).error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace mutirao::cli

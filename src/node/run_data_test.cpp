#include "node/run_data.hpp"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>

#include "base/test_threads.hpp"
#include "dataset/prepare.hpp"

namespace mutirao::node {
namespace {

constexpr std::uint32_t kSide = 100;
constexpr std::size_t kPicture = kSide * kSide + 1;

// A file of so many pictures of two classes, whose pixels follow from their positions; it is
// nowhere in memory.
class Pictures final : public RunObject {
  public:
    explicit Pictures(std::uint64_t count)
        : head_(dataset::ImageSet{kSide, kSide, 1, {"folha", "praga"}, {}}.encode()),
          size_(head_.size() + count * kPicture) {}
    std::uint64_t size() const override { return size_; }
    Result<Bytes> read(std::uint64_t offset, std::uint64_t size) override {
        read_ += size;
        Bytes out(size);
        for (std::uint64_t i = 0; i < size; ++i) {
            const auto at = offset + i;
            const auto place = at - head_.size();
            out[i] = at < head_.size()                  ? head_[at]
                     : place % kPicture == kPicture - 1 ? static_cast<std::uint8_t>(place >> 5 & 1)
                                                        : static_cast<std::uint8_t>(place * 7 >> 3);
        }
        return out;
    }
    std::uint64_t bytes_read() const { return read_; }

  private:
    const Bytes head_;
    const std::uint64_t size_;
    std::atomic<std::uint64_t> read_ = 0;
};

class NoTime final : public Clock {
  public:
    Duration monotonic() override { return Duration(0); }
    std::uint64_t unix_ms() override { return 0; }
    void sleep(Duration) override {}
};

train::RunSettings picture_settings() {
    auto settings = train::preset("mutirao").value();
    settings.model = model::ImageConfig{kSide, kSide, 1, 2, 1, 1};
    return settings;
}

TEST(RunData, pictures_come_by_shards_and_are_those_of_the_whole_file) {
    NoTime clock;
    ThreadExecutor executor;
    const auto settings = picture_settings();
    const auto file = std::make_shared<Pictures>(10'000);  // 100 MB
    const ShardPorts ports{clock, executor, [] { return false; }};
    const auto data = read_run_data(settings, {file}, ports).value();
    EXPECT_LT(file->bytes_read(), 1u << 20);
    auto sampler = data.sampler(settings).value();
    const auto batch = sampler.read_batch(0, 0, 64).value();
    const auto held_out = sampler.read_held_out(16).value();
    EXPECT_LT(file->bytes_read(), 50'000'000u);

    const auto whole = file->read(0, file->size()).value();
    const ByteSpan owners[] = {whole};
    const auto prepared = dataset::prepare(settings.model, owners).value();
    EXPECT_EQ(data.preparation, prepared.preparation);
    auto expected = train::Sampler::make(train::data_in_memory({prepared.examples[0]}),
                                         settings.model.example(), settings.seed)
                        .value();
    EXPECT_EQ(batch, expected.training_batch(0, 0, 64));
    EXPECT_EQ(held_out, expected.held_out(16));
}

TEST(RunData, files_that_are_no_pictures_are_refused_by_their_owner) {
    class Text final : public RunObject {
      public:
        std::uint64_t size() const override { return 40; }
        Result<Bytes> read(std::uint64_t, std::uint64_t size) override { return Bytes(size, 'a'); }
    };
    NoTime clock;
    ThreadExecutor executor;
    const ShardPorts ports{clock, executor, [] { return false; }};
    const auto refused = read_run_data(
        picture_settings(), {std::make_shared<Pictures>(100), std::make_shared<Text>()}, ports);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("owner 1"), std::string::npos);
}

}  // namespace
}  // namespace mutirao::node

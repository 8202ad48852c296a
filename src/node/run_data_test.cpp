#include "node/run_data.hpp"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>

#include "base/test_threads.hpp"
#include "dataset/prepare.hpp"
#include "node/test_objects.hpp"

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

train::RunSettings picture_settings() {
    auto settings = train::preset("mutirao").value();
    settings.model = model::ImageConfig{kSide, kSide, 1, 2, 1, 1};
    return settings;
}

TEST(RunData, pictures_come_by_shards_and_are_those_of_the_whole_file) {
    SleepClock clock;
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
    SleepClock clock;
    ThreadExecutor executor;
    const ShardPorts ports{clock, executor, [] { return false; }};
    const auto refused = read_run_data(
        picture_settings(), {std::make_shared<Pictures>(100), std::make_shared<Text>()}, ports);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("owner 1"), std::string::npos);
}

train::RunSettings settings_of(const model::ModelConfig& model) {
    auto settings = train::preset("mutirao").value();
    settings.model = model;
    return settings;
}

std::string verse(std::uint64_t number) {
    return std::string(number % 3 == 0 ? "quem planta\n" : "colhe milho ") +
           (number % 5 < 2 ? "e reparte, ou " : "e a terra da\n ");
}

// The batches and the held-out rows of these data.
std::vector<Bytes> some_of(train::Sampler sampler) {
    std::vector<Bytes> out;
    for (std::uint64_t step = 0; step < 20; ++step)
        out.push_back(sampler.read_batch(1, 50 * step, 32).value());
    out.push_back(sampler.read_held_out(16).value());
    return out;
}

TEST(RunData, large_texts_are_encoded_when_they_are_read_and_few_of_them_are_held) {
    SleepClock clock;
    ThreadExecutor executor;
    const auto settings = settings_of(model::GptConfig{1, 16, 2, 64, 300});
    const auto text = std::make_shared<Lines>("", 1'600'000, verse);  // 40 MB
    const auto note = std::make_shared<Lines>("", 200, verse);
    const ShardPorts ports{clock, executor, [] { return false; }};
    const auto data = read_run_data(settings, {text, note}, ports).value();
    EXPECT_TRUE(data.examples.empty());
    EXPECT_LE(text->bytes_read(), 36u << 20);
    EXPECT_NE(data.digest(), Digest{});
    const auto examples = some_of(data.sampler(settings).value());
    EXPECT_EQ(examples, some_of(data.sampler_of_others(settings).value()));
    const auto held = std::dynamic_pointer_cast<RunShards>(data.source)->figures().bytes_held_most;
    EXPECT_GT(held, 0u);
    EXPECT_LE(held, 40u << 20);

    const auto texts = std::vector{read_whole(*text).value(), read_whole(*note).value()};
    EXPECT_EQ(examples, some_of(train::Sampler::make(train::data_in_memory({texts[0], texts[1]}),
                                                     settings.model.example(), settings.seed, {},
                                                     data.windows)
                                    .value()));
    const auto loss = data.loss_per_byte(settings, examples.back(), 2.0).value();
    EXPECT_GT(loss, 0.1);
    EXPECT_LT(loss, 1.9);  // tokens are longer than bytes
}

TEST(RunData, small_texts_are_encoded_in_memory_as_before) {
    SleepClock clock;
    ThreadExecutor executor;
    const auto settings = settings_of(model::GptConfig{1, 16, 2, 64, 300});
    const auto text = std::make_shared<Lines>("", 20'000, verse);
    const auto data =
        read_run_data(settings, {text}, {clock, executor, [] { return false; }}).value();
    const auto whole = read_whole(*text).value();
    const ByteSpan owners[] = {whole};
    const auto prepared = dataset::prepare(settings.model, owners).value();
    EXPECT_EQ(data.preparation, prepared.preparation);
    EXPECT_EQ(data.examples, prepared.examples);
    EXPECT_EQ(data.source, data.source_of_others);
}

TEST(RunData, tables_come_by_shards_and_are_those_of_the_whole_file) {
    SleepClock clock;
    ThreadExecutor executor;
    const auto settings = settings_of(model::TabularConfig{.features = 4, .outputs = 2});
    const auto line = [](std::uint64_t number) {
        return std::to_string(1'000'000 + number * 7919 % 1'000'000) +
               (number % 3 == 0 ? ",folha,sim\n" : ",praga,nao\n");
    };
    for (const std::uint64_t rows : {20'000u, 2'200'000u}) {  // 0.4 and 40 MB
        const auto file = std::make_shared<Lines>("peso,nome,bom\n", rows, line);
        const ShardPorts ports{clock, executor, [] { return false; }};
        const auto data = read_run_data(settings, {file}, ports).value();
        EXPECT_EQ(file->bytes_read(), file->size());
        const auto examples = some_of(data.sampler(settings).value());
        EXPECT_EQ(examples, some_of(data.sampler_of_others(settings).value()));
        EXPECT_EQ(file->bytes_read() == file->size(), rows == 20'000);  // that one is in memory
        EXPECT_LE(std::dynamic_pointer_cast<RunShards>(data.source)->figures().bytes_held_most,
                  40u << 20);

        const auto whole = read_whole(*file).value();
        const ByteSpan owners[] = {whole};
        const auto prepared = dataset::prepare(settings.model, owners).value();
        EXPECT_EQ(data.preparation, prepared.preparation);
        EXPECT_EQ(examples,
                  some_of(train::Sampler::make(train::data_in_memory({prepared.examples[0]}),
                                               settings.model.example(), settings.seed)
                              .value()));
    }
}

}  // namespace
}  // namespace mutirao::node

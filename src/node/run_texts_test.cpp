#include "node/run_texts.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "base/test_threads.hpp"
#include "model/tokenizer.hpp"
#include "node/test_objects.hpp"

namespace mutirao::node {
namespace {

const model::GptConfig kConfig{1, 16, 2, 64, 320};

std::string line_of(std::uint64_t number) {
    static const char* const kWords[] = {"milho   ", "chuva\n  ", "p\xC3\xA3o d  ", "colhe a ",
                                         "reparte ", "planta a",  "terra o ",       "semente "};
    SeededRandom random(number);
    std::string out;
    for (int i = 0; i < 16; ++i) out += kWords[random.below(8)];
    return out;
}

struct Texts {
    explicit Texts(std::uint64_t seed = 1, ByteSpan preparation = {})
        : read(read_texts(kConfig, {large, small}, seed, preparation,
                          {clock, executor, [] { return false; }})
                   .value()) {}
    SleepClock clock;
    ThreadExecutor executor;
    const std::shared_ptr<Lines> large = std::make_shared<Lines>("", 400'000, line_of);
    const std::shared_ptr<Lines> small = std::make_shared<Lines>("", 100, line_of);
    const RunTexts read;
};

TEST(RunTexts, are_learnt_from_a_sample_that_all_trainers_draw_alike) {
    const Texts texts;
    EXPECT_EQ(texts.read.preparation, Texts().read.preparation);
    EXPECT_LE(texts.large->bytes_read(), kTextSample * 11 / 10);
    EXPECT_GE(texts.large->bytes_read(), kTextSample * 9 / 10);
    EXPECT_EQ(texts.small->bytes_read(), texts.small->size());
    const auto tokenizer = model::Tokenizer::from_file(texts.read.preparation).value();
    EXPECT_EQ(tokenizer.vocabulary(), kConfig.vocabulary);
    // What is used of a window is what the first tokens stand for.
    const auto text = texts.large->read(0, 100'000).value();
    const auto tokens = tokenizer.encode(text).size();
    EXPECT_NEAR(texts.read.windows.used, 65.0 * 100'000 / static_cast<double>(tokens), 5);
    EXPECT_GT(texts.read.windows.bytes, texts.read.windows.used);
}

TEST(RunTexts, with_the_tokenizer_of_a_checkpoint_read_a_megabyte) {
    const Texts learnt;
    const Texts again(2, learnt.read.preparation);
    EXPECT_EQ(again.read.preparation, learnt.read.preparation);
    EXPECT_EQ(again.read.windows.bytes, learnt.read.windows.bytes);
    EXPECT_NEAR(again.read.windows.used, learnt.read.windows.used, 5);
    EXPECT_LE(again.large->bytes_read(), 1u << 20);
    Bytes one(kConfig.example().size()), other(one.size());
    const auto window = learnt.large->read(12'345, learnt.read.windows.bytes).value();
    learnt.read.windows.make(window, one);
    again.read.windows.make(window, other);
    EXPECT_EQ(one, other);
}

}  // namespace
}  // namespace mutirao::node

// Image classifiers and tabular models on the nano backend.
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <utility>

#include "base/random.hpp"
#include "model/nano_backend.hpp"

namespace mutirao::model {
namespace {

void put(Bytes& out, float value) {
    std::uint8_t bytes[sizeof(float)];
    std::memcpy(bytes, &value, sizeof(float));
    out.insert(out.end(), bytes, bytes + sizeof(float));
}

float uniform(Random& random) { return static_cast<float>(random.below(2001)) / 1000 - 1; }

// Pictures whose class is the third of it that is bright, with noise.
Bytes pictures(const ImageConfig& config, std::uint32_t rows, std::uint64_t seed) {
    SeededRandom random(seed);
    Bytes out;
    for (std::uint32_t row = 0; row < rows; ++row) {
        const auto of_class = random.below(config.classes);
        for (std::uint32_t i = 0; i < config.height * config.width; ++i)
            for (std::uint32_t c = 0; c < config.channels; ++c)
                out.push_back(static_cast<std::uint8_t>(
                    random.below(100) +
                    (i / config.width * config.classes / config.height == of_class ? 60 : 0)));
        out.push_back(static_cast<std::uint8_t>(of_class));
    }
    return out;
}

// y is 1 (or of class 1) where the sum of squares of the features is above a threshold.
Bytes table(const TabularConfig& config, std::uint32_t rows, std::uint64_t seed) {
    SeededRandom random(seed);
    Bytes out;
    for (std::uint32_t row = 0; row < rows; ++row) {
        float squares = 0;
        for (std::uint32_t i = 0; i < config.features; ++i) {
            const float value = uniform(random);
            squares += value * value;
            put(out, value);
        }
        const float middle = static_cast<float>(config.features) / 3;
        put(out, config.outputs == 1 ? squares : squares > middle ? 1.0f : 0.0f);
    }
    return out;
}

struct Case {
    ModelConfig config;
    Bytes (*examples)(const ModelConfig&, std::uint32_t rows, std::uint64_t seed);
};

const Case kCases[] = {
    {ImageConfig{7, 6, 3, 3, 3, 5},
     [](const ModelConfig& config, std::uint32_t rows, std::uint64_t seed) {
         return pictures(*config.image(), rows, seed);
     }},
    {TabularConfig{4, 2, 16, 2},
     [](const ModelConfig& config, std::uint32_t rows, std::uint64_t seed) {
         return table(*config.table(), rows, seed);
     }},
    {TabularConfig{4, 1, 16, 1},
     [](const ModelConfig& config, std::uint32_t rows, std::uint64_t seed) {
         return table(*config.table(), rows, seed);
     }},
};

// Outputs of one example in plain double-precision loops, from config.hpp's words alone.
class Reference {
  public:
    Reference(const ModelConfig& config, std::span<const double> parameters)
        : config_(config), next_(parameters.data()) {}

    std::vector<double> outputs(std::vector<double> x) {
        if (const auto* image = config_.image()) {
            x = convolution(x, image->height, image->width, image->channels, image->filters);
            const auto height = (image->height + 1) / 2, width = (image->width + 1) / 2;
            x = convolution(x, height, width, image->filters, 2 * image->filters);
            return affine(positive(affine(x, image->hidden)), image->classes);
        }
        const auto* table = config_.table();
        for (std::uint32_t i = 0; i < table->layers; ++i) x = positive(affine(x, table->hidden));
        return affine(x, table->outputs);
    }

  private:
    static std::vector<double> positive(std::vector<double> x) {
        for (auto& value : x) value = std::max(value, 0.0);
        return x;
    }
    std::vector<double> affine(const std::vector<double>& x, std::size_t outputs) {
        std::vector<double> out(outputs);
        for (auto& value : out)
            for (const double input : x) value += input * *next_++;
        for (auto& value : out) value += *next_++;
        return out;
    }
    std::vector<double> convolution(const std::vector<double>& x, std::size_t height,
                                    std::size_t width, std::size_t channels, std::size_t filters) {
        const double* const bias = next_ + filters * 9 * channels;
        std::vector<double> out;
        for (std::size_t y = 0; y < height; y += 2)
            for (std::size_t column = 0; column < width; column += 2)
                for (std::size_t f = 0; f < filters; ++f) {
                    double sum = bias[f];
                    for (std::size_t i = 0; i < 9; ++i)
                        for (std::size_t c = 0; c < channels; ++c) {
                            const auto row = y + i / 3 - 1, at = column + i % 3 - 1;
                            if (row < height && at < width)
                                sum += x[(row * width + at) * channels + c] *
                                       next_[(f * 9 + i) * channels + c];
                        }
                    out.push_back(sum);
                }
        next_ = bias + filters;
        return positive(out);
    }

    const ModelConfig& config_;
    const double* next_;
};

double reference_loss(const ModelConfig& config, std::span<const double> parameters,
                      const Batch& batch) {
    double sum = 0;
    const std::size_t size = config.example_size();
    for (std::uint32_t row = 0; row < batch.rows; ++row) {
        const auto example = batch.tokens.subspan(row * size, size);
        std::vector<double> x;
        if (config.image())
            for (const auto pixel : example) x.push_back((pixel - 128.0) / 128);
        else
            for (std::size_t i = 0; i < size; i += 4) {
                float value;
                std::memcpy(&value, example.data() + i, 4);
                x.push_back(static_cast<double>(value));
            }
        const double answer = config.image() ? example.back() : x.back();
        x.pop_back();
        const auto out = Reference(config, parameters).outputs(x);
        if (out.size() == 1) {
            sum += (out[0] - answer) * (out[0] - answer);
            continue;
        }
        double total = 0;
        for (const double score : out) total += std::exp(score);
        sum += std::log(total) - out[static_cast<std::size_t>(answer)];
    }
    return sum / batch.rows;
}

TEST(NanoClassifier, computes_what_the_plain_reference_computes) {
    // Goal: loss and gradient to 1e-4, of every tensor's largest. Method: a double-precision
    // forward pass written independently, and its central differences along single parameters;
    // 70 rows are two slices.
    for (const auto& [config, examples] : kCases) {
        const Bytes bytes = examples(config, 70, 1);
        const Batch batch{70, bytes};
        auto parameters = initial_parameters(config, 5);
        SeededRandom random(9);
        for (auto& parameter : parameters) parameter += 0.1f * uniform(random);
        auto model = make_nano_backend()->create(config, {}, parameters).value();
        std::vector<float> gradient(parameters.size());
        std::vector<double> at(parameters.begin(), parameters.end());
        const double loss = reference_loss(config, at, batch);
        EXPECT_NEAR(static_cast<double>(model->gradient(batch, gradient).value()), loss, 1e-5);
        EXPECT_NEAR(static_cast<double>(model->loss(batch).value()), loss, 1e-5);
        for (const auto& part : parameter_layout(config)) {
            double largest = 0;
            for (std::size_t i = 0; i < part.size; ++i)
                largest =
                    std::max(largest, std::abs(static_cast<double>(gradient[part.offset + i])));
            EXPECT_GT(largest, 0) << part.name;
            for (std::size_t i = 0; i < part.size; i += 1 + part.size / 20) {
                constexpr double kStep = 1e-6;
                auto& moved = at[part.offset + i];
                const double middle = std::exchange(moved, moved + kStep);
                const double ahead = reference_loss(config, at, batch);
                moved = middle - kStep;
                const double slope = (ahead - reference_loss(config, at, batch)) / (2 * kStep);
                moved = middle;
                EXPECT_NEAR(static_cast<double>(gradient[part.offset + i]), slope, 1e-4 * largest)
                    << part.name << " " << i;
            }
        }
    }
}

TEST(NanoClassifier, learns_each_kind) {
    for (const auto& [config, examples] : kCases) {
        auto model = make_nano_backend()->create(config, {}, initial_parameters(config, 1)).value();
        const Bytes test = examples(config, 200, 99);
        const float before = model->loss({200, test}).value();
        for (std::uint64_t step = 0; step < 400; ++step)
            ASSERT_TRUE(model->train_step({32, examples(config, 32, 1000 + step)}, 3e-3f).ok());
        EXPECT_LT(model->loss({200, test}).value(), 0.6f * before) << config.kind_name();
    }
}

TEST(NanoClassifier, scores_examples_and_refuses_what_the_model_does_not_know) {
    const TabularConfig config{2, 3, 4, 1};
    auto model = make_nano_backend()->create(config, {}, initial_parameters(config, 1)).value();
    Bytes rows;
    for (const float value : {0.5f, -1.0f, 2.0f, 1.0f, 0.0f, 0.0f}) put(rows, value);
    std::vector<float> scores(6);
    EXPECT_TRUE(model->scores({2, rows}, scores).ok());
    EXPECT_NE(scores[0], scores[3]);
    std::vector<float> few(5);
    EXPECT_EQ(model->scores({2, rows}, few).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(model->next_token_logits({}, few).error().kind, ErrorKind::unimplemented);
    for (const float wrong : {3.0f, -1.0f, 0.5f, std::nanf("")}) {
        Bytes bad(rows.begin(), rows.end() - 4);
        put(bad, wrong);
        EXPECT_EQ(model->loss({2, bad}).error().kind, ErrorKind::invalid_argument) << wrong;
    }

    const ImageConfig images{2, 2, 1, 2, 1, 1};
    auto classifier =
        make_nano_backend()->create(images, {}, initial_parameters(images, 1)).value();
    const Bytes unknown{1, 2, 3, 4, 2};
    EXPECT_EQ(classifier->loss({1, unknown}).error().kind, ErrorKind::invalid_argument);
}

TEST(NanoGpt, takes_tokens_of_two_bytes_and_no_unknown_ones) {
    const GptConfig config{1, 16, 2, 4, 700};
    auto model = make_nano_backend()->create(config, {}, initial_parameters(config, 1)).value();
    Bytes window{0xBB, 2, 0, 0, 1, 1, 7, 0, 9, 2};  // 699, 0, 257, 7, 521
    EXPECT_NEAR(model->loss({1, window}).value(), std::log(700.0), 0.1);
    for (int step = 0; step < 60; ++step) ASSERT_TRUE(model->train_step({1, window}, 1e-2f).ok());
    EXPECT_LT(model->loss({1, window}).value(), 0.5f);
    window[0] = 0xBC;
    EXPECT_EQ(model->loss({1, window}).error().kind, ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao::model

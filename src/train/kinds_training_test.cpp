// The clinic's pictures and table and the farmer's table: two workers, each owner's data apart, on
// data sets that scripts/install-datasets brings. Loss falls, and accuracy on examples that nobody
// trained on is above that of always naming the commonest class by a margin stated beside each
// test.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

#include "dataset/prepare.hpp"
#include "model/nano_backend.hpp"
#include "model/start.hpp"
#include "train/round.hpp"
#include "train/sampler.hpp"

namespace mutirao::train {
namespace {

constexpr std::uint32_t kWorkers = 2;

std::filesystem::path dataset_file(const std::string& name) {
    return std::filesystem::path(MUTIRAO_DATASETS) / name;
}

Bytes read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// All rows but each fifth one, in turn to two owners; each fifth row to `test`.
struct Tables {
    std::string owners[kWorkers], test;
};
Tables split_table(const std::string& name) {
    std::ifstream file(dataset_file(name));
    Tables out;
    std::string line;
    std::getline(file, line);
    for (auto* part : {&out.owners[0], &out.owners[1], &out.test}) *part = line + "\n";
    for (std::size_t i = 0; std::getline(file, line); ++i)
        (i % 5 == 4 ? out.test : out.owners[i % 2]) += line + "\n";
    return out;
}

RunSettings settings_for(const model::ModelConfig& config, std::uint32_t rounds) {
    auto settings = preset("mutirao").value();
    settings.model = config;
    settings.batch = 32;
    settings.local_steps = 15;
    settings.rounds = rounds;
    settings.learning_rate = 4e-3f;
    settings.final_learning_rate = 4e-4f;
    settings.warmup_steps = 10;
    return settings;
}

struct Outcome {
    float first_loss = 0, last_loss = 0;  // on what the sampler holds out
    std::vector<float> parameters;
};

class Federation {
  public:
    Federation(const RunSettings& settings, const std::vector<Bytes>& owners)
        : settings_(settings) {
        std::vector<Corpus> corpora;
        for (const auto& owner : owners) corpora.push_back({owner, 0});
        auto backend = model::make_nano_backend();
        for (std::uint32_t i = 0; i < kWorkers; ++i) {
            auto start = model::start_training(
                             *backend, {.config = settings.model, .seed = settings.seed}, nullptr)
                             .value();
            workers_.push_back(
                {std::move(start.model),
                 TrainingRun::make(settings, {{}, i, kWorkers}, std::move(start.parameters))
                     .value(),
                 Sampler::make(corpora, settings.model.example(), settings.seed).value()});
        }
    }

    Outcome go() {
        Outcome out;
        out.first_loss = held_out_loss();
        while (!workers_[0].run.finished()) {
            std::vector<Payload> payloads;
            for (std::uint32_t i = 0; i < kWorkers; ++i)
                payloads.push_back(workers_[0].run.check_payload(round_of(workers_[i], i)).value());
            for (auto& worker : workers_) EXPECT_TRUE(worker.run.apply(payloads).ok());
            EXPECT_EQ(workers_[0].run.shared_hash(), workers_[1].run.shared_hash());
        }
        out.last_loss = held_out_loss();
        const auto shared = workers_[0].run.shared_parameters();
        out.parameters.assign(shared.begin(), shared.end());
        return out;
    }

  private:
    struct Worker {
        std::unique_ptr<model::Model> model;
        TrainingRun run;
        Sampler sampler;
    };

    Bytes round_of(Worker& worker, std::uint32_t index) {
        const auto first = std::uint64_t{worker.run.round()} * settings_.local_steps;
        EXPECT_TRUE(worker.model->set_parameters(worker.run.start_parameters()).ok());
        for (auto step = first; step < first + settings_.local_steps; ++step) {
            const auto batch = worker.sampler.training_batch(index, step, settings_.batch);
            EXPECT_TRUE(
                worker.model->train_step({settings_.batch, batch}, settings_.learning_rate_at(step))
                    .ok());
        }
        std::vector<float> local(worker.model->parameter_count());
        EXPECT_TRUE(worker.model->get_parameters(local).ok());
        return worker.run.finish_round(local, settings_.local_steps * settings_.batch, 0).value();
    }

    float held_out_loss() {
        auto& worker = workers_[0];
        EXPECT_TRUE(worker.model->set_parameters(worker.run.shared_parameters()).ok());
        const auto examples = worker.sampler.held_out(400);
        const auto rows = examples.size() / settings_.model.example_size();
        return worker.model->loss({static_cast<std::uint32_t>(rows), examples}).value();
    }

    const RunSettings settings_;
    std::vector<Worker> workers_;
};

// Of a model with these parameters on examples that nobody trained on, and of always naming the
// commonest class among them. `class_of` reads an example's class.
template <class ClassOf>
std::pair<double, double> accuracy(const RunSettings& settings, const Outcome& outcome,
                                   ByteSpan examples, std::size_t outputs, ClassOf class_of) {
    auto model = model::make_nano_backend()->create(settings.model, {}, outcome.parameters).value();
    const auto size = settings.model.example_size(), rows = examples.size() / size;
    std::vector<float> scores(rows * outputs);
    EXPECT_TRUE(model->scores({static_cast<std::uint32_t>(rows), examples}, scores).ok());
    std::vector<std::size_t> counts(outputs);
    double right = 0;
    for (std::size_t row = 0; row < rows; ++row) {
        const auto begin = scores.begin() + static_cast<std::ptrdiff_t>(row * outputs);
        const auto end = begin + static_cast<std::ptrdiff_t>(outputs);
        const std::size_t answer = class_of(examples.subspan(row * size, size));
        right += static_cast<std::size_t>(std::max_element(begin, end) - begin) == answer;
        ++counts[answer];
    }
    const auto all = static_cast<double>(rows);
    return {right / all,
            static_cast<double>(*std::max_element(counts.begin(), counts.end())) / all};
}

std::size_t last_float(ByteSpan example) {
    float value;
    std::copy_n(example.end() - 4, 4, reinterpret_cast<std::uint8_t*>(&value));
    return static_cast<std::size_t>(value);
}

void expect_table_is_learnt(const std::string& file, const model::TabularConfig& config,
                            double margin) {
    if (!std::filesystem::exists(dataset_file(file)))
        GTEST_SKIP() << "scripts/install-datasets has not brought " << file;
    const auto tables = split_table(file);
    const ByteSpan owners[] = {as_bytes(tables.owners[0]), as_bytes(tables.owners[1])};
    const auto prepared = dataset::prepare(config, owners).value();
    const ByteSpan test[] = {as_bytes(tables.test)};
    const auto examples = dataset::prepare(config, test, prepared.preparation)->examples[0];

    const auto settings = settings_for(config, 8);
    const auto outcome = Federation(settings, prepared.examples).go();
    EXPECT_LT(outcome.last_loss, outcome.first_loss / 3);
    const auto [reached, commonest] =
        accuracy(settings, outcome, examples, config.outputs, last_float);
    testing::Test::RecordProperty("accuracy", std::to_string(reached));
    testing::Test::RecordProperty("commonest", std::to_string(commonest));
    EXPECT_GT(reached, commonest + margin);
}

TEST(KindsTraining, a_farmers_table_of_soybean_diseases) {
    // 19 diseases, of which the commonest has 13 %; 70 points above it.
    expect_table_is_learnt("soybean.csv", {.features = 128, .outputs = 19}, 0.7);
}

TEST(KindsTraining, a_clinics_table_of_tumours) {
    // 63 % are benign; 28 points above that.
    expect_table_is_learnt("tumours.csv", {.features = 32, .outputs = 2, .hidden = 32}, 0.28);
}

TEST(KindsTraining, pictures) {
    // Fashion-MNIST, the first 4,000 pictures at two owners; 10 classes of 10 %; 60 points above.
    const auto images = dataset_file("train-images-idx3-ubyte.gz");
    if (!std::filesystem::exists(images))
        GTEST_SKIP() << "scripts/install-datasets has not brought Fashion-MNIST";
    const auto all =
        dataset::read_idx(read_file(images), read_file(dataset_file("train-labels-idx1-ubyte.gz")))
            .value();
    const model::ImageConfig config{.filters = 8, .hidden = 32};
    ASSERT_EQ(all.example_size(), config.example().size());
    std::vector<Bytes> owners;
    const auto take = [&](std::size_t first, std::size_t count) {
        return to_bytes(
            ByteSpan(all.examples).subspan(first * all.example_size(), count * all.example_size()));
    };
    owners.push_back(take(0, 2000));
    owners.push_back(take(2000, 2000));
    const auto settings = settings_for(config, 6);
    const auto outcome = Federation(settings, owners).go();
    EXPECT_LT(outcome.last_loss, outcome.first_loss / 2);
    const auto [reached, commonest] =
        accuracy(settings, outcome, take(50000, 1000), config.classes,
                 [](ByteSpan example) { return std::size_t{example.back()}; });
    testing::Test::RecordProperty("accuracy", std::to_string(reached));
    EXPECT_GT(reached, commonest + 0.6);
}

}  // namespace
}  // namespace mutirao::train

#include "node/run_data.hpp"

#include <algorithm>

#include "crypto/hash.hpp"
#include "dataset/prepare.hpp"
#include "node/object_access.hpp"
#include "node/run_tables.hpp"
#include "node/run_texts.hpp"

namespace mutirao::node {

Digest RunData::digest() const {
    return preparation.empty() ? Digest{} : crypto::blake3(preparation);
}

Result<train::Sampler> RunData::sampler(const train::RunSettings& settings) const {
    return train::Sampler::make(source, settings.model.example(), settings.seed, {}, windows);
}

Result<Bytes> RunData::judging(const train::RunSettings& settings, std::uint32_t rows) const {
    TRY(const auto sampler,
        train::Sampler::make({{judge, 0}}, settings.model.example(), settings.seed));
    return sampler.held_out(rows);
}

Result<train::Sampler> RunData::sampler_of_others(const train::RunSettings& settings) const {
    return train::Sampler::make(source_of_others, settings.model.example(), settings.seed, {},
                                windows);
}

Result<model::Start> RunData::start(model::Backend& backend,
                                    const train::RunSettings& settings) const {
    return model::start_training(
        backend, {settings.model, settings.optimizer(), settings.seed, settings.lora},
        base ? &*base : nullptr);
}

model::Checkpoint RunData::checkpoint(const train::RunSettings& settings,
                                      std::span<const float> parameters, std::uint32_t round,
                                      std::size_t workers) const {
    round = std::min(round, settings.rounds);  // closing rounds have no steps
    const auto tokens = std::uint64_t{round} * settings.local_steps * settings.batch *
                        settings.model.answers() * workers;
    model::Checkpoint out{
        settings.model, {parameters.begin(), parameters.end()}, round, tokens, preparation, {}};
    if (settings.lora) out.adapter = model::Checkpoint::Adapter{*settings.lora, *settings.base};
    return out;
}

std::vector<std::uint64_t> RunData::tokens_by_object(const train::Sampler& sampler) const {
    std::vector<std::uint64_t> out(objects.size());
    for (std::size_t i = 0; i < object.size(); ++i) out[object[i]] = sampler.tokens_used()[i];
    return out;
}

Result<double> RunData::loss_per_byte(const train::RunSettings& settings, ByteSpan held_out,
                                      double loss) const {
    return dataset::loss_per_byte(settings.model, preparation, held_out, loss);
}

namespace {

// Whether an object may be a checkpoint: a safetensors file's header size, then JSON. So that large
// data need not be read to be told from the base.
Result<bool> may_be_checkpoint(RunObject& object) {
    constexpr std::size_t kStart = 9;
    if (object.size() < kStart) return false;
    TRY(const auto start, object.read(0, kStart));
    return start.back() == '{';
}

// The object that is the base, told by its digest.
Result<std::optional<std::size_t>> find_base(const Digest& base, const RunObjects& objects,
                                             RunData& out) {
    for (std::size_t i = 0; i < objects.size(); ++i) {
        TRY(const auto possible, may_be_checkpoint(*objects[i]));
        if (!possible || objects[i]->size() > kObjectInMemoryMax) continue;
        TRY(const auto bytes, read_whole(*objects[i]));
        if (crypto::blake3(bytes) != base) continue;
        TRY(out.base, model::decode_checkpoint(bytes));
        return std::optional(i);
    }
    return std::optional<std::size_t>();
}

Result<std::optional<std::size_t>> find_judge(const Digest& judge, const RunObjects& objects,
                                              Bytes& out) {
    for (std::size_t i = 0; i < objects.size(); ++i) {
        if (objects[i]->size() > kJudgeBytesMax) continue;
        TRY(out, read_whole(*objects[i]));
        if (crypto::blake3(out) == judge) return std::optional(i);
    }
    return std::optional<std::size_t>();
}

Error missing(const std::string& role, const Digest& name) {
    return {ErrorKind::not_found, "none of the run's objects is the " + role + " " + name.hex() +
                                      ": license that object to the run, too"};
}

std::uint64_t size_of(const RunObjects& owners) {
    std::uint64_t total = 0;
    for (const auto& owner : owners) total += owner->size();
    return total;
}

bool are_small(const RunObjects& owners) { return size_of(owners) <= train::Shards{}.drawn; }

// All of the texts, in memory.
Status encode_texts(const model::ModelConfig& config, const RunObjects& owners, RunData& out) {
    std::vector<Bytes> whole;
    for (const auto& object : owners) {
        TRY(auto bytes, read_whole(*object));
        whole.push_back(std::move(bytes));
    }
    const std::vector<ByteSpan> data(whole.begin(), whole.end());
    TRY(auto prepared, dataset::prepare(config, data, out.preparation));
    out.examples = std::move(prepared.examples);
    out.preparation = std::move(prepared.preparation);
    out.source = train::data_in_memory({out.examples.begin(), out.examples.end()});
    return {};
}

// Small ones stay in memory, so that none is fetched again.
Status find_rows(const model::TabularConfig& config, RunObjects& owners, const ShardPorts& ports,
                 RunData& out) {
    if (are_small(owners))
        for (auto& owner : owners) {
            TRY(auto bytes, read_whole(*owner));
            owner = object_in_memory(std::move(bytes));
        }
    TRY(auto tables, read_tables(config, owners, out.preparation, ports));
    owners = std::move(tables.examples);
    out.preparation = std::move(tables.preparation);
    return {};
}

// An object without its first bytes.
class Behind final : public RunObject {
  public:
    Behind(std::shared_ptr<RunObject> object, std::uint64_t begin)
        : object_(std::move(object)), begin_(begin) {}
    std::uint64_t size() const override { return object_->size() - begin_; }
    Result<Bytes> read(std::uint64_t offset, std::uint64_t size) override {
        return object_->read(begin_ + offset, size);
    }

  private:
    const std::shared_ptr<RunObject> object_;
    const std::uint64_t begin_;
};

// Their examples lie in the files as they are.
Status find_pictures(const model::ImageConfig& config, RunObjects& owners, RunData& out) {
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const auto size = owners[i]->size();
        TRY(const auto start,
            owners[i]->read(0, std::min<std::uint64_t>(size, dataset::kImageHeadMax)));
        TRY(const auto begin, dataset::pictures_begin(config, i, start, size, out.preparation));
        owners[i] = std::make_shared<Behind>(owners[i], begin);
    }
    return {};
}

// Sets source, windows and preparation from the owners' objects.
Status prepare(const train::RunSettings& settings, RunObjects owners, const ShardPorts& ports,
               RunData& out) {
    const auto& config = settings.model;
    const bool is_prepared = !dataset::needs_no_preparation(config);
    if (out.base && is_prepared) out.preparation = out.base->preparation;
    if (const auto* pictures = config.image()) {
        TRY_VOID(find_pictures(*pictures, owners, out));
    } else if (const auto* table = config.table()) {
        TRY_VOID(find_rows(*table, owners, ports, out));
    } else if (is_prepared && are_small(owners)) {
        TRY_VOID(encode_texts(config, owners, out));
        out.source_of_others = out.source;
        return {};
    } else if (is_prepared) {
        TRY(auto texts, read_texts(*config.gpt(), owners, settings.seed, out.preparation, ports));
        out.preparation = std::move(texts.preparation);
        out.windows = std::move(texts.windows);
    }
    out.source = std::make_shared<RunShards>(owners, ports);
    out.source_of_others =
        are_small(owners) ? out.source : std::make_shared<RunShards>(std::move(owners), ports);
    return {};
}

}  // namespace

Result<RunData> read_run_data(const train::RunSettings& settings, RunObjects objects,
                              ShardPorts ports) {
    RunData out;
    std::optional<std::size_t> base;
    if (settings.base) {
        TRY(base, find_base(*settings.base, objects, out));
        if (!base) return missing("base", *settings.base);
    }
    std::optional<std::size_t> judge;
    Bytes judging;
    if (settings.judge) {
        TRY(judge, find_judge(*settings.judge, objects, judging));
        if (!judge) return missing("judge", *settings.judge);
    }
    RunObjects owners;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        if (i == base || i == judge) continue;
        owners.push_back(objects[i]);
        out.object.push_back(i);
    }
    out.objects = std::move(objects);
    TRY_VOID(prepare(settings, std::move(owners), ports, out));
    if (!judge) return out;
    const std::vector<ByteSpan> judges{judging};
    auto judged = dataset::prepare(settings.model, judges, out.preparation);
    if (!judged.ok()) return std::move(judged).error().within("the judge, here owner 0");
    out.judge = std::move(judged->examples.front());
    return out;
}

}  // namespace mutirao::node

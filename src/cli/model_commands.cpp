// `mutirao model`: checkpoints on this machine: what is in them, other programs' formats, adapters
// merged, rows and pictures answered; and pictures made ready to store.
#include <algorithm>

#include "base/random.hpp"
#include "cli/commands.hpp"
#include "cli/local_file.hpp"
#include "cli/picture_folder.hpp"
#include "crypto/hash.hpp"
#include "dataset/pictures.hpp"
#include "dataset/prepare.hpp"
#include "model/exports.hpp"
#include "model/generate.hpp"
#include "model/nano_backend.hpp"

namespace mutirao::cli {
namespace {

constexpr std::size_t kCheckpointMax = 4ull << 30;

struct ModelOptions {
    std::string file, second, format = "transformers", out;
    std::vector<std::string> classes;
    std::uint32_t tokens_max = 120;
    double temperature = 0.7;
    std::uint32_t top_k = model::GenerateOptions().top_k;
    std::uint64_t seed = 1;
    bool scores = false;
    std::uint32_t height = 28, width = 28;
    bool grey = false;
};

struct Stored {
    model::Checkpoint checkpoint;
    Digest digest;
};

Result<Stored> read_checkpoint(const std::string& path) {
    TRY(const auto bytes, read_local(path, kCheckpointMax));
    auto checkpoint = model::decode_checkpoint(bytes);
    if (!checkpoint.ok()) return std::move(checkpoint).error().within(path);
    return Stored{std::move(*checkpoint), crypto::blake3(bytes)};
}

Status run_show(const GlobalOptions& globals, const ModelOptions& options) {
    TRY(const auto stored, read_checkpoint(options.file));
    const auto& checkpoint = stored.checkpoint;
    const Output out(globals.json);
    boost::json::object facts{{"kind", checkpoint.config.kind_name()},
                              {"digest", stored.digest.hex()},
                              {"parameters", checkpoint.parameters.size()},
                              {"round", checkpoint.round},
                              {"tokens", checkpoint.tokens},
                              {"preparation_bytes", checkpoint.preparation.size()}};
    std::vector<std::vector<std::string>> rows{
        {"kind", std::string(checkpoint.config.kind_name())},
        {"digest", stored.digest.hex()},
        {"parameters", std::to_string(checkpoint.parameters.size())},
        {"rounds", std::to_string(checkpoint.round)}};
    for (const auto& [name, value] : checkpoint.config.fields()) {
        facts[name] = value;
        rows.push_back({std::string(name), std::to_string(value)});
    }
    if (const auto& adapter = checkpoint.adapter) {
        facts["lora_rank"] = adapter->lora.rank;
        facts["lora_base"] = adapter->base.hex();
        rows.push_back({"adapter of", adapter->base.hex()});
    }
    out.facts(facts);
    out.table(rows);
    return {};
}

Status run_export(const GlobalOptions& globals, const ModelOptions& options) {
    TRY(const auto stored, read_checkpoint(options.file));
    const auto& checkpoint = stored.checkpoint;
    std::uint64_t size = 0;
    if (options.format == "transformers") {
        TRY(const auto files, model::export_transformers(checkpoint));
        for (const auto& file : files) {
            TRY_VOID(write_local(options.out + "/" + file.name, file.bytes));
            size += file.bytes.size();
        }
    } else {
        Bytes bytes;
        if (options.format == "gguf") {
            TRY(bytes, model::export_gguf(checkpoint, stored.digest.hex().substr(0, 16)));
        } else {
            bytes = model::encode_tensors(checkpoint.layout(), checkpoint.parameters,
                                          {{"format", "pt"}});
        }
        TRY_VOID(write_local(options.out, bytes));
        size = bytes.size();
    }
    const Output out(globals.json);
    out.facts({{"out", options.out}, {"format", options.format}, {"bytes", size}});
    out.line(options.out + ": " + size_text(size) + " for " + options.format);
    return {};
}

Status run_merge(const GlobalOptions& globals, const ModelOptions& options) {
    TRY(const auto base, read_checkpoint(options.file));
    TRY(const auto adapter, read_checkpoint(options.second));
    if (adapter.checkpoint.adapter && adapter.checkpoint.adapter->base != base.digest)
        return Error{ErrorKind::invalid_argument, options.second + " is an adapter of " +
                                                      adapter.checkpoint.adapter->base.hex() +
                                                      ", and " + options.file + " is " +
                                                      base.digest.hex()};
    TRY(const auto merged, model::merge_checkpoints(base.checkpoint, adapter.checkpoint));
    TRY(const auto bytes, model::encode_checkpoint(merged));
    TRY_VOID(write_local(options.out, bytes));
    const auto digest = crypto::blake3(bytes).hex();
    const Output out(globals.json);
    out.facts({{"out", options.out}, {"digest", digest}, {"bytes", bytes.size()}});
    out.line(options.out + ": the whole model, " + digest);
    return {};
}

// Text from a model on this machine; nobody is paid.
Status run_ask(const GlobalOptions& globals, const ModelOptions& options) {
    TRY(const auto stored, read_checkpoint(options.file));
    const auto& checkpoint = stored.checkpoint;
    if (checkpoint.adapter)
        return Error{ErrorKind::invalid_argument,
                     "this is an adapter: merge it into its base first (mutirao model merge)"};
    std::optional<model::Tokenizer> tokenizer;
    if (!checkpoint.preparation.empty() && checkpoint.config.gpt() != nullptr) {
        TRY(tokenizer, model::Tokenizer::from_file(checkpoint.preparation));
    }
    const auto* pieces = tokenizer ? &*tokenizer : nullptr;
    TRY(auto model,
        model::make_nano_backend()->create(checkpoint.config, {}, checkpoint.parameters));
    const model::GenerateOptions wanted{.new_tokens_max = options.tokens_max,
                                        .temperature = static_cast<float>(options.temperature),
                                        .top_k = options.top_k};
    SeededRandom random(options.seed);
    const auto prompt = as_bytes(options.second);
    TRY(const auto output, model::generate(*model, prompt, wanted, random, pieces));
    const auto text = model::whole_utf8(output);
    boost::json::object facts{{"text", text}};
    if (options.scores) {
        const auto tokens = pieces ? pieces->encode(prompt)
                                   : std::vector<model::Token>(prompt.begin(), prompt.end());
        std::vector<float> scores(checkpoint.config.gpt()->vocabulary);
        TRY_VOID(model->next_token_logits(tokens, scores));
        facts["tokens"] = boost::json::value_from(tokens);
        facts["scores"] = boost::json::value_from(scores);
    }
    const Output out(globals.json);
    out.facts(facts);
    out.line(options.second + text);
    return {};
}

// The class of a picture.
Status predict_picture(const GlobalOptions& globals, const ModelOptions& options,
                       const model::Checkpoint& checkpoint, const model::ImageConfig& config) {
    TRY(const auto bytes, read_local(options.second, dataset::kImageSetMax));
    TRY(const auto names, dataset::class_names(checkpoint.preparation));
    TRY(const auto picture, dataset::read_picture(bytes, config.channels));
    auto example = dataset::resized(picture, config.height, config.width);
    example.push_back(0);  // the class, which is what is asked
    TRY(auto model,
        model::make_nano_backend()->create(checkpoint.config, {}, checkpoint.parameters));
    std::vector<float> scores(config.classes);
    TRY_VOID(model->scores({1, example}, scores));
    const auto known = std::min(names.size(), scores.size());
    if (known == 0) return Error{ErrorKind::corrupt, "the model names no classes"};
    const auto best =
        std::max_element(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(known)) -
        scores.begin();
    const auto& name = names[static_cast<std::size_t>(best)];
    const Output out(globals.json);
    out.facts({{"class", name}});
    out.line(options.second + ": " + name);
    return {};
}

// Answers to the rows of a table, a line each.
Status run_predict(const GlobalOptions& globals, const ModelOptions& options) {
    TRY(const auto stored, read_checkpoint(options.file));
    if (const auto* image = stored.checkpoint.config.image())
        return predict_picture(globals, options, stored.checkpoint, *image);
    const auto* config = stored.checkpoint.config.table();
    if (config == nullptr)
        return Error{ErrorKind::unimplemented,
                     "models of tables and of pictures are asked so; this one is of kind " +
                         std::string(stored.checkpoint.config.kind_name())};
    TRY(const auto text, read_local(options.second, kCheckpointMax));
    TRY(const auto schema, dataset::TableSchema::decode(stored.checkpoint.preparation));
    TRY(const auto table, dataset::read_csv(text));
    std::vector<std::size_t> lines;
    TRY(const auto examples, dataset::table_questions(schema, table, config->features, &lines));
    TRY(auto model, model::make_nano_backend()->create(stored.checkpoint.config, {},
                                                       stored.checkpoint.parameters));
    const Output out(globals.json);
    const std::size_t size = config->example().size();
    std::vector<float> scores(config->outputs);
    boost::json::array answers;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        TRY_VOID(model->scores({1, ByteSpan(examples).subspan(i * size, size)}, scores));
        const auto answer = schema.answer_text(scores);
        answers.push_back({{"line", lines[i]}, {"answer", answer}});
        out.line("line " + std::to_string(lines[i]) + ": " + schema.answer().name + " = " + answer);
    }
    out.facts({{"column", schema.answer().name}, {"answers", std::move(answers)}});
    return {};
}

Result<dataset::ImageSet> labelled_pictures(const ModelOptions& options) {
    if (options.second.empty())
        return read_picture_folder(options.file, options.height, options.width,
                                   options.grey ? 1 : 3);
    TRY(const auto pictures, read_local(options.file, dataset::kImageSetMax));
    TRY(const auto labels, read_local(options.second, dataset::kImageSetMax));
    return dataset::read_idx(pictures, labels, options.classes);
}

Status run_images(const GlobalOptions& globals, const ModelOptions& options) {
    TRY(const auto set, labelled_pictures(options));
    TRY_VOID(write_local(options.out, set.encode()));
    const Output out(globals.json);
    out.facts({{"out", options.out},
               {"pictures", set.count()},
               {"height", set.height},
               {"width", set.width},
               {"classes", set.classes.size()}});
    out.line(options.out + ": " + std::to_string(set.count()) + " pictures of " +
             std::to_string(set.height) + " by " + std::to_string(set.width) + " pixels, " +
             std::to_string(set.classes.size()) + " classes");
    return {};
}

}  // namespace

void add_model_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto chosen = std::make_shared<ModelOptions>();
    auto* group = app.add_subcommand("model", "stored models: look, export, merge, ask");
    group->require_subcommand(1);
    const auto add = [&](const char* name, const char* what, const char* first,
                         const char* of_first,
                         Status (*run)(const GlobalOptions&, const ModelOptions&)) {
        auto* command = group->add_subcommand(name, what);
        command->add_option(first, chosen->file, of_first)->required();
        command->callback([&options, &action, chosen, run] {
            action = [&options, chosen, run] { return run(options, *chosen); };
        });
        return command;
    };
    constexpr const char* kCheckpoint = "a checkpoint's file (mutirao get)";
    add("show", "what a checkpoint holds", "checkpoint", kCheckpoint, run_show);
    auto* exporting =
        add("export", "write a model for other programs", "checkpoint", kCheckpoint, run_export);
    exporting
        ->add_option("--format", chosen->format, "transformers (a folder), gguf or safetensors")
        ->capture_default_str()
        ->check(CLI::IsMember({"transformers", "gguf", "safetensors"}));
    exporting->add_option("-o,--out", chosen->out, "file or folder to write")->required();
    auto* merge = add("merge", "one whole model from a base and an adapter", "base",
                      "the base's checkpoint", run_merge);
    merge->add_option("adapter", chosen->second, "the adapter's checkpoint")->required();
    merge->add_option("-o,--out", chosen->out, "file to write")->required();
    auto* ask = add("ask", "text from a model of texts, on this machine", "checkpoint", kCheckpoint,
                    run_ask);
    ask->add_option("prompt", chosen->second, "what to continue")->required();
    ask->add_option("--max-tokens", chosen->tokens_max, "tokens of the answer, at most")
        ->capture_default_str();
    ask->add_option("--temperature", chosen->temperature,
                    "0 is the likeliest text; more varies more")
        ->capture_default_str();
    ask->add_option("--top-k", chosen->top_k,
                    "draw among so many likeliest tokens; 0: among all, as mutirao infer does")
        ->capture_default_str();
    ask->add_option("--seed", chosen->seed, "same seed, same answer")->capture_default_str();
    ask->add_flag("--scores", chosen->scores,
                  "with --json: the prompt's tokens, and all scores of the one after it");
    auto* predict = add("predict", "answer the rows of a table, or say what a picture shows",
                        "checkpoint", kCheckpoint, run_predict);
    predict
        ->add_option("table", chosen->second,
                     "a CSV file with the model's columns, or a PNG or JPEG file")
        ->required();
    auto* images = add(
        "images", "make labelled pictures one file, to store and train on", "pictures",
        "a folder with a folder of PNG or JPEG files for each class, or an IDX file", run_images);
    images->add_option("labels", chosen->second, "the IDX file of an IDX file's labels");
    images->add_option("--height", chosen->height, "pixels that all pictures are made to")
        ->capture_default_str()
        ->check(CLI::Range(1, 1024));
    images->add_option("--width", chosen->width, "pixels, likewise")
        ->capture_default_str()
        ->check(CLI::Range(1, 1024));
    images->add_flag("--grey", chosen->grey, "leave the colours out");
    images->add_option("--class", chosen->classes,
                       "with IDX files: names of the classes, from number 0");
    images->add_option("-o,--out", chosen->out, "file to write")->required();
}

}  // namespace mutirao::cli

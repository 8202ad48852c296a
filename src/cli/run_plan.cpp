#include "cli/run_plan.hpp"

#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>

// Version 3.3 of the library has assertions that files can break ("[ ?"): they become exceptions,
// which end here, in every kind of build.
#undef NDEBUG
namespace mutirao::cli {
[[noreturn]] static void toml_assertion_failed() { throw std::runtime_error("this is no TOML"); }
}  // namespace mutirao::cli
#define TOML_ASSERT(condition) ((condition) ? void() : ::mutirao::cli::toml_assertion_failed())
#include <toml++/toml.h>

namespace mutirao::cli {
namespace {

using Read = std::function<std::optional<std::string>(const toml::node&)>;  // what was expected
struct Key {
    std::string_view name;
    Read read;
};

Error at(const std::string& name, const toml::source_region& place, const std::string& what) {
    return {ErrorKind::invalid_argument,
            name + ":" + std::to_string(place.begin.line) + ": " + what};
}

// Of a key that is there; keys keep their places, values do not.
const toml::source_region& place_of(const toml::table& table, std::string_view key) {
    return table.find(key)->first.source();
}

// The line of the first character outside of texts and comments that TOML has no place for there;
// 0: none. The library's tables of other scripts' letters do not bear everything.
std::uint32_t line_of_misplaced(std::string_view text) {
    std::uint32_t line = 1;
    char quote = 0;  // of the text that we are in; '#' in a comment
    bool is_long = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool thrice = (c == '"' || c == '\'') && text.substr(i, 3) == std::string(3, c);
        if (c == '\n') ++line;
        if (quote == 0) {
            if (c == '#' || c == '"' || c == '\'') quote = c;
            is_long = thrice;
            if (is_long) i += 2;
            if (c != '\t' && c != '\r' && c != '\n' && (c < ' ' || c > '~')) return line;
        } else if (c == '\n' && !is_long) {
            quote = 0;
        } else if (quote == '"' && c == '\\') {
            ++i;
        } else if (c == quote && c != '#' && (!is_long || thrice)) {
            if (is_long) i += 2;
            quote = 0;
        }
    }
    return 0;
}

Read text(std::string& out) {
    return [&out](const toml::node& node) -> std::optional<std::string> {
        const auto value = node.value_exact<std::string>();
        if (!value) return "a text in quotes";
        out = *value;
        return {};
    };
}

template <class Number>
Read whole(Number& out, std::int64_t least = 0) {
    return [&out, least](const toml::node& node) -> std::optional<std::string> {
        constexpr auto kMost = static_cast<std::int64_t>(std::min<std::uint64_t>(
            std::numeric_limits<Number>::max(), std::numeric_limits<std::int64_t>::max()));
        const auto value = node.value_exact<std::int64_t>();
        if (!value || *value < least || *value > kMost)
            return "a whole number from " + std::to_string(least) + " to " + std::to_string(kMost);
        out = static_cast<Number>(*value);
        return {};
    };
}

Read flag(bool& out) {
    return [&out](const toml::node& node) -> std::optional<std::string> {
        const auto value = node.value_exact<bool>();
        if (!value) return "true or false";
        out = *value;
        return {};
    };
}

template <class Number>
Read real(Number& out, double most) {
    return [&out, most](const toml::node& node) -> std::optional<std::string> {
        const auto value = node.value<double>();
        if (!node.is_number() || !value || !(*value >= 0 && *value <= most))
            return "a number from 0 to " + std::to_string(static_cast<int>(most));
        out = static_cast<Number>(*value);
        return {};
    };
}

template <class Enum>
Read choice(Enum& out, std::vector<std::pair<std::string_view, Enum>> names) {
    return [&out, names = std::move(names)](const toml::node& node) -> std::optional<std::string> {
        const auto value = node.value_exact<std::string>();
        std::string all;
        for (const auto& [name, choice] : names) {
            if (value == name) {
                out = choice;
                return {};
            }
            all += (all.empty() ? "\"" : ", \"") + std::string(name) + "\"";
        }
        return "one of " + all;
    };
}

// Every entry of a table by its key; an unknown key is an error that names those there are.
Status read_table(const std::string& name, const toml::table& table, std::string_view title,
                  const std::vector<Key>& keys) {
    for (const auto& [key, node] : table) {
        const Key* known = nullptr;
        std::string all;
        for (const auto& each : keys) {
            if (each.name == key.str()) known = &each;
            all += (all.empty() ? "" : ", ") + std::string(each.name);
        }
        if (known == nullptr)
            return at(name, key.source(),
                      "there is no key \"" + std::string(key.str()) + "\" " + std::string(title) +
                          "; there are: " + all);
        if (const auto wanted = known->read(node))
            return at(name, key.source(), std::string(key.str()) + " must be " + *wanted);
    }
    return {};
}

std::vector<Key> codec_keys(train::RunSettings& out) {
    std::vector<std::pair<std::string_view, train::CodecKind>> codecs;
    for (auto kind = train::CodecKind::bf16; kind <= train::CodecKind::fixed32;
         kind = static_cast<train::CodecKind>(static_cast<int>(kind) + 1))
        codecs.emplace_back(train::to_string(kind), kind);
    return {{"codec", choice(out.codec.kind, std::move(codecs))},
            {"block", whole(out.codec.block)},
            {"kept", whole(out.codec.kept)},
            {"rank", whole(out.codec.rank)},
            {"error_decay", real(out.error_decay, 1)}};
}

std::vector<Key> training_keys(train::RunSettings& out, std::string& preset) {
    using train::InnerOptimizer, train::Schedule, train::Merge, train::ActivationCodec;
    std::vector<Key> keys{
        {"preset", text(preset)},
        {"batch", whole(out.batch)},
        {"local_steps", whole(out.local_steps)},
        {"rounds", whole(out.rounds)},
        {"seed", whole(out.seed)},
        {"inner", choice<InnerOptimizer>(out.inner, {{"adamw", InnerOptimizer::adamw},
                                                     {"muon", InnerOptimizer::muon}})},
        {"learning_rate", real(out.learning_rate, 1)},
        {"warmup_steps", whole(out.warmup_steps)},
        {"final_learning_rate", real(out.final_learning_rate, 1)},
        {"outer_learning_rate", real(out.outer.learning_rate, 10)},
        {"outer_momentum", real(out.outer.momentum, 1)},
        {"schedule", choice<Schedule>(out.schedule, {{"sync", Schedule::sync},
                                                     {"delay_keep", Schedule::delay_keep},
                                                     {"delay_restart", Schedule::delay_restart}})},
        {"fragments", whole(out.fragments)},
        {"merge", choice<Merge>(out.merge, {{"mean", Merge::mean},
                                            {"trimmed_mean", Merge::trimmed_mean},
                                            {"centered_clip", Merge::centered_clip},
                                            {"weighted_mean", Merge::weighted_mean}})},
        {"quorum", whole(out.quorum)},
        {"secure_sum", flag(out.secure_sum)},
        {"privacy_clip", real(out.privacy.clip, 1e6)},
        {"privacy_noise", real(out.privacy.noise, 1e6)},
        {"privacy_delta", real(out.privacy.delta, 1)},
        {"audit_every", whole(out.audit_every)},
        {"contributions_every", whole(out.contributions_every)},
        {"stages", whole(out.stages)},
        {"micro_batches", whole(out.micro_batches)},
        {"activations",
         choice<ActivationCodec>(out.activations, {{"float32", ActivationCodec::float32},
                                                   {"bf16", ActivationCodec::bf16},
                                                   {"int8", ActivationCodec::int8}})}};
    for (auto& key : codec_keys(out)) keys.push_back(std::move(key));
    return keys;
}

Status read_training(const std::string& name, const toml::table& table, RunPlan& out) {
    std::string preset = "mutirao";
    if (const auto* node = table.get("preset"))
        if (const auto wanted = text(preset)(*node))
            return at(name, place_of(table, "preset"), "preset must be " + *wanted);
    auto settings = train::preset(preset);
    if (!settings.ok()) return at(name, place_of(table, "preset"), settings.error().message);
    // No other codec adds up, so nobody need name it.
    if (const auto* node = table.get("secure_sum"); node != nullptr && node->value_or(false))
        settings->codec.kind = train::CodecKind::fixed32;
    // Nor can anything be fed back that was clipped.
    if (table.contains("privacy_clip")) settings->error_decay = 0;
    // The warm-up that a preset has may be longer than the whole of a run of fewer rounds.
    out.settings = *settings;
    TRY_VOID(read_table(name, table, "in [training]", training_keys(out.settings, preset)));
    if (!table.contains("warmup_steps"))
        out.settings.warmup_steps = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(out.settings.warmup_steps, out.settings.steps()));
    return {};
}

Result<const toml::table*> table_in(const std::string& name, const toml::table& file,
                                    std::string_view key) {
    const auto* node = file.get(key);
    if (node == nullptr) return static_cast<const toml::table*>(nullptr);
    if (!node->is_table())
        return at(name, place_of(file, key), "write [" + std::string(key) + "] as a table");
    return node->as_table();
}

Status read_data(const std::string& name, const toml::table& file, RunPlan& out) {
    const auto* node = file.get("data");
    if (node == nullptr) return {};
    const auto wrong = [&] {
        return at(name, place_of(file, "data"), "write each object as a [[data]] table");
    };
    const auto* list = node->as_array();
    if (list == nullptr) return wrong();
    for (const auto& entry : *list) {
        const auto* table = entry.as_table();
        if (table == nullptr) return wrong();
        OwnData data;
        TRY_VOID(read_table(name, *table, "in [[data]]",
                            {{"object", text(data.object)},
                             {"wallet", text(data.wallet)},
                             {"price", text(data.price)},
                             {"share", real(data.share_percent, 90)},
                             {"days", whole(data.days, 1)}}));
        if (data.object.empty()) return at(name, table->source(), "this [[data]] names no object");
        out.data.push_back(std::move(data));
    }
    return {};
}

// The kind says which numbers the model has; the preset's are those of a GPT. With `lora_rank` the
// adapters of `base` are trained.
Status read_model(const std::string& name, const toml::table& table, train::RunSettings& out) {
    std::string kind(out.model.kind_name()), base;
    if (const auto* node = table.get("kind"))
        if (const auto wanted = text(kind)(*node))
            return at(name, place_of(table, "kind"), "kind must be " + *wanted);
    if (kind != out.model.kind_name()) {
        auto other = model::ModelConfig::of_kind(kind);
        if (!other.ok()) return at(name, place_of(table, "kind"), other.error().message);
        out.model = *other;
    }
    auto fields = out.model.fields();
    std::uint32_t rank = 0, alpha = 0;
    std::vector<Key> keys{{"kind", text(kind)},
                          {"base", text(base)},
                          {"lora_rank", whole(rank)},
                          {"lora_alpha", whole(alpha)}};
    for (auto& [field, value] : fields) keys.push_back({field, whole(value)});
    TRY_VOID(read_table(name, table, "in [model] of kind " + kind, keys));
    for (const auto& [field, value] : fields) TRY_VOID(out.model.set(field, value));
    if (table.contains("base")) {
        auto digest = Digest::from_hex(base);
        if (!digest.ok())
            return at(name, place_of(table, "base"), "base must be a checkpoint's digest in hex");
        out.base = *digest;
    }
    if (rank > 0) out.lora = model::LoraConfig{rank, alpha > 0 ? alpha : 2 * rank};
    return {};
}

Status read_all(const std::string& name, const toml::table& file, RunPlan& out) {
    const auto skip = [](const toml::node&) { return std::optional<std::string>(); };
    TRY_VOID(read_table(name, file, "at the top level",
                        {{"title", text(out.title)},
                         {"wallet", text(out.wallet)},
                         {"reward", text(out.reward)},
                         {"price_per_token", text(out.price_per_token)},
                         {"curve", text(out.curve)},
                         {"checkpoint_every", whole(out.checkpoint_every)},
                         {"judge", text(out.judge)},
                         {"training", skip},
                         {"model", skip},
                         {"data", skip},
                         {"offers", skip}}));
    TRY(const auto* training, table_in(name, file, "training"));
    TRY_VOID(read_training(name, training != nullptr ? *training : toml::table(), out));
    TRY(const auto* model, table_in(name, file, "model"));
    if (model != nullptr) TRY_VOID(read_model(name, *model, out.settings));
    TRY(const auto* offers, table_in(name, file, "offers"));
    if (offers != nullptr)
        TRY_VOID(read_table(
            name, *offers, "in [offers]",
            {{"at_least", whole(out.offers)}, {"wait_seconds", whole(out.wait_seconds)}}));
    TRY_VOID(read_data(name, file, out));
    if (!out.judge.empty() && out.settings.contributions_every == 0)
        return at(name, place_of(file, "judge"),
                  "there is nothing to judge without contributions_every in [training]");
    if (auto fits = out.settings.validate(); !fits.ok())
        return Error{ErrorKind::invalid_argument, name + ": " + fits.error().message};
    return {};
}

}  // namespace

Result<RunPlan> parse_run_plan(std::string_view text, const std::string& name) {
    if (text.size() > kRunPlanBytesMax)
        return Error{ErrorKind::invalid_argument, name + ": a run's file has at most 1 MiB"};
    if (const auto line = line_of_misplaced(text); line != 0)
        return Error{ErrorKind::invalid_argument,
                     name + ":" + std::to_string(line) +
                         ": outside of texts and comments TOML has letters without accents only"};
    try {
        const auto file = toml::parse(text, std::string_view(name));
        RunPlan out;
        TRY_VOID(read_all(name, file, out));
        return out;
    } catch (const toml::parse_error& error) {
        return at(name, error.source(), std::string(error.description()));
    } catch (const std::exception& error) {
        return Error{ErrorKind::invalid_argument, name + ": " + error.what()};
    }
}

}  // namespace mutirao::cli

// `mutirao key` and `mutirao infer`: paying for answers.
#include "cli/commands.hpp"
#include "model/generate.hpp"
#include "mutirao/v1/compute.pb.h"
#include "node/inference_route.hpp"
#include "node/wire/fields.hpp"

namespace mutirao::cli {
namespace {

constexpr std::uint64_t kHourMs = 3600ull * 1000;

struct InferOptions {
    std::string wallet, limit = "1", model, prompt, api_key, provider;
    std::uint32_t hours = 24, max_tokens = 120;
    double temperature = 0.7;
    std::uint64_t seed = 1;
};

// Locks `limit` on the ledger for a fresh session key.
Result<crypto::AccountKey> open_key(Session& session, const InferOptions& options) {
    TRY(auto limit, ledger::Amount::parse(options.limit));
    TRY(auto wallet, session.open_wallet(options.wallet));
    const auto key = crypto::AccountKey::generate(session.random());
    node::Sender sender(session.ledger(), wallet);
    TRY(auto sent, sender.send(ledger::open_key(
                       key.address(), limit, session.clock().unix_ms() + options.hours * kHourMs)));
    return key;
}

Status run_key_new(const GlobalOptions& globals, const InferOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(auto key, open_key(*session, options));
    TRY(auto file, session->network_file());
    const auto text = node::api_key_text(key);
    session->out().facts({{"api_key", text},
                          {"address", crypto::to_checksum_text(key.address())},
                          {"hours", options.hours}});
    session->out().line("API key (it spends at most " + options.limit + " MUT; keep it secret):\n" +
                        text + "\n\ncurl " + file.http +
                        "v1/completions -H 'Authorization: Bearer " + text +
                        "' -H 'Content-Type: application/json' \\\n  -d '{\"model\": \"MODEL\", "
                        "\"prompt\": \"PROMPT\", \"max_tokens\": 80}'");
    return {};
}

Status run_infer(const GlobalOptions& globals, const InferOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    std::string api_key = options.api_key;
    if (api_key.empty()) {
        TRY(auto key, open_key(*session, options));
        api_key = node::api_key_text(key);
    }
    node::PaidInference inference(session->ledger(), session->directory(), session->network(),
                                  session->clock(), session->random());
    gateway::ParsedRequest request;
    request.model = options.model;
    request.prompt = to_bytes(as_bytes(options.prompt));
    request.max_tokens = options.max_tokens;
    request.temperature_milli = static_cast<std::uint32_t>(options.temperature * 1000 + 0.5);
    request.seed = options.seed;
    if (!options.provider.empty()) {
        TRY(const auto provider, node_named(*session, options.provider));
        inference.ask_only(provider);
    }
    TRY(auto answer, inference.infer(api_key, request));
    const auto text = model::whole_utf8(answer.output);
    session->out().facts({{"text", text},
                          {"prompt_tokens", answer.prompt_tokens},
                          {"output_tokens", answer.output_tokens},
                          {"model", answer.model},
                          {"cost", answer.cost},
                          {"receipt", answer.receipt_hex},
                          {"request", answer.request_hex},
                          {"voucher", answer.voucher_hex}});
    session->out().line(options.prompt + text + "\n\n" + std::to_string(answer.output_tokens) +
                        " tokens, " + answer.cost);
    return {};
}

}  // namespace

Status load_model(Session& session, const std::string& provider, const Digest& model) {
    v1::LoadRequest request;
    request.set_model(node::wire::to_field(model.span()));
    auto loaded =
        node::wire::call<v1::LoadReply>(session.network(), provider, "/mutirao.v1.Compute/Load",
                                        request, std::chrono::seconds(120));
    if (!loaded.ok()) return std::move(loaded).error().within("compute node " + provider);
    return {};
}

void add_inference_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto chosen = std::make_shared<InferOptions>();
    auto* key = app.add_subcommand("key", "API keys that spend what a wallet locked");
    key->require_subcommand(1);
    auto* make = key->add_subcommand("new", "lock an amount and print a key for it");
    add_wallet_option(*make, chosen->wallet, "who pays");
    make->add_option("--limit", chosen->limit, "MUT that the key may spend")->capture_default_str();
    make->add_option("--hours", chosen->hours, "for how long; then the rest can be taken back")
        ->capture_default_str();
    make->callback(
        [&, chosen] { action = [&options, chosen] { return run_key_new(options, *chosen); }; });
    auto* infer = app.add_subcommand("infer", "ask a model, and pay for the answer");
    infer->add_option("model", chosen->model, "its title or id")->required();
    infer->add_option("prompt", chosen->prompt, "what to continue")->required();
    add_wallet_option(*infer, chosen->wallet, "who pays (opens a key for --limit)");
    infer->add_option("--key", chosen->api_key, "an API key, instead of a wallet");
    infer->add_option("--provider", chosen->provider,
                      "the compute node to ask: its name or address (default: any)");
    infer
        ->add_option("--limit", chosen->limit,
                     "MUT to lock for it, of which the answer takes its price")
        ->capture_default_str();
    infer->add_option("--max-tokens", chosen->max_tokens, "tokens of the answer, at most")
        ->capture_default_str()
        ->check(CLI::Range(1, 2048));
    infer
        ->add_option("--temperature", chosen->temperature,
                     "0 is the likeliest text; more varies more")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 2.0));
    infer->add_option("--seed", chosen->seed, "same seed, same answer")->capture_default_str();
    infer->callback(
        [&, chosen] { action = [&options, chosen] { return run_infer(options, *chosen); }; });
}

}  // namespace mutirao::cli

#include "cli/commands.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "cli/help.hpp"

namespace mutirao::cli {
namespace {

constexpr std::size_t kIdDigitsMin = 8, kIdsAlikeMax = 32;

std::string default_home() {
    if (const char* home = std::getenv("MUTIRAO_HOME"); home != nullptr && *home != '\0')
        return home;
    if (const char* user = std::getenv("HOME"); user != nullptr && *user != '\0')
        return std::string(user) + "/.mutirao";
    return ".mutirao";
}

}  // namespace

ledger::Amount mut(std::uint64_t whole) { return *ledger::Amount::parse(std::to_string(whole)); }

Result<std::uint64_t> ledger_time_ms(Session& session) {
    TRY(const auto status, session.ledger().status());
    return std::max(status.time_ms, session.clock().unix_ms());
}

Result<Digest> id_named(Session& session, ByteSpan records, const std::string& text,
                        const std::string& what) {
    if (auto whole = Digest::from_hex(text); whole.ok()) return whole;
    const auto digits = text.starts_with("0x") ? text.substr(2) : text;
    const auto first = from_hex(std::string_view(digits).substr(0, digits.size() / 2 * 2));
    if (digits.size() < kIdDigitsMin || digits.size() > 2 * Digest::kSize || !first.ok())
        return Error{ErrorKind::invalid_argument, "\"" + text + "\" is no " + what +
                                                      ": 64 hexadecimal digits are expected, or " +
                                                      std::to_string(kIdDigitsMin) +
                                                      " and more of its first ones"};
    auto prefix = to_bytes(records);
    prefix.insert(prefix.end(), first->begin(), first->end());
    TRY(const auto found, session.ledger().scan(prefix, {}, kIdsAlikeMax));
    std::vector<Digest> fit;
    for (const auto& [key, value] : found) {
        TRY(const auto id, Digest::from_bytes(ByteSpan(key).subspan(records.size())));
        if (id.hex().starts_with(digits)) fit.push_back(id);
    }
    if (fit.size() == 1) return fit.front();
    return Error{fit.empty() ? ErrorKind::not_found : ErrorKind::invalid_argument,
                 (fit.empty() ? "no " : "more than one ") + what + " begins with " + text};
}

CLI::Option* add_wallet_option(CLI::App& command, std::string& wallet, const std::string& what) {
    return command.add_option("--wallet", wallet, what + " (default: the only wallet here)");
}

int run(int argc, char** argv) {
    GlobalOptions options;
    options.home = default_home();
    Action action;
    CLI::App app{"Mutirão: pool data, storage and compute; train and use AI that you own.",
                 "mutirao"};
    // Commands that are added below get these, too.
    app.formatter(std::make_shared<HelpText>());
    app.set_help_flag("-h,--help", "this help");
    app.fallthrough();
    app.footer("Every command takes --home, --ledger and --json as well: mutirao --help");
    app.require_subcommand(1);
    app.add_option("--home", options.home, "folder with wallets and the network's data")
        ->capture_default_str();
    app.add_option("--ledger", options.ledger,
                   "ACCOUNT@HOST:PORT of a ledger to ask, instead of the home folder's network");
    app.add_flag("--json", options.json, "one JSON object a line, for programs");
    app.set_version_flag("--version", "mutirao " + std::string(kVersion), "which version this is");
    add_network_commands(app, options, action);
    add_node_command(app, options, action);
    add_ledger_commands(app, options, action);
    add_put_command(app, options, action);
    add_object_commands(app, options, action);
    add_wallet_commands(app, options, action);
    add_deal_commands(app, options, action);
    add_dispute_commands(app, options, action);
    add_order_commands(app, options, action);
    add_stake_commands(app, options, action);
    add_rights_commands(app, options, action);
    add_training_commands(app, options, action);
    add_model_commands(app, options, action);
    add_inference_commands(app, options, action);
    add_bench_commands(app, options, action);
    add_doctor_command(app, options, action);
    app.footer(
        "A first network on this machine:\n"
        "  mutirao up                                    in one terminal; then in another:\n"
        "  mutirao wallet new ana\n"
        "  mutirao wallet send --from founder --to ana 10\n"
        "  mutirao put notes.txt --wallet ana\n"
        "  mutirao get notes.txt --wallet ana -o back.txt");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {  // --help, --version
        return app.exit(asked);
    } catch (const CLI::ParseError& error) {
        const auto wrong = misuse(app, error);
        if (!is_unfinished(app, error) || options.json) return report(wrong, options.json);
        std::cerr << app.help();
        return exit_code(wrong);
    }
    if (!action) return 0;
    auto status = action();
    if (status.ok() && !std::cout.flush())
        status =
            Error{ErrorKind::io, "what was to be shown could not be written: is the disk full?"};
    return status.ok() ? 0 : report(status.error(), options.json);
}

}  // namespace mutirao::cli

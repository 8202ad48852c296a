#include "cli/commands.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace mutirao::cli {
namespace {

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

Result<Digest> digest_from(const std::string& text, const std::string& what) {
    auto digest = Digest::from_hex(text);
    if (!digest.ok())
        return Error{ErrorKind::invalid_argument, "\"" + text + "\" is no " + what +
                                                      ": 64 "
                                                      "hexadecimal digits are expected"};
    return digest;
}

void add_later_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    (void)options;
    for (const auto& [name, what] : {std::pair<std::string, std::string>{
             "sim", "simulating large networks from the command line"}}) {
        auto* command = app.add_subcommand(name, what + " (not built yet)");
        command->group("Not built yet");
        command->callback([&action, what = what] {
            action = [what]() -> Status {
                return Error{ErrorKind::unimplemented, what + " is not built yet"};
            };
        });
    }
}

int run(int argc, char** argv) {
    GlobalOptions options;
    options.home = default_home();
    Action action;
    CLI::App app{"Mutirão: pool data, storage and compute; train and use AI that you own.",
                 "mutirao"};
    app.footer(
        "A first network on this machine:\n"
        "  mutirao up                                    in one terminal; then in another:\n"
        "  mutirao wallet new ana\n"
        "  mutirao wallet send --from founder --to ana 10\n"
        "  mutirao put notes.txt --wallet ana\n"
        "  mutirao get notes.txt --wallet ana -o back.txt");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--home", options.home, "folder with wallets and the network's data")
        ->capture_default_str();
    app.add_option("--ledger", options.ledger,
                   "ACCOUNT@HOST:PORT of a ledger to ask, instead of the home folder's network");
    app.add_flag("--json", options.json, "one JSON object a line, for programs");
    app.set_version_flag("--version", "mutirao " + std::string(kVersion));
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
    add_later_commands(app, options, action);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }
    if (!action) return 0;
    auto status = action();
    if (status.ok() && !std::cout.flush())
        status =
            Error{ErrorKind::io, "what was to be shown could not be written: is the disk full?"};
    return status.ok() ? 0 : report(status.error(), options.json);
}

}  // namespace mutirao::cli

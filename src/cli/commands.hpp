// The commands, each one a function from parsed options to a Status. `mutirao_main.cpp` calls
// run().
#pragma once

#include <CLI/CLI.hpp>

#include "cli/session.hpp"

namespace mutirao::cli {

inline constexpr std::string_view kVersion = "0.1.0";

// Parses the command line and runs the command; returns the exit code.
int run(int argc, char** argv);

// What a subcommand does once its options are parsed.
using Action = std::function<Status()>;

// Each adds its subcommands to `app`; the chosen one's action is left in `action`.
void add_network_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_node_command(CLI::App& app, GlobalOptions& options, Action& action);
void add_ledger_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_send_command(CLI::App& ledger, GlobalOptions& options, Action& action);
void add_stake_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_deal_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_dispute_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_order_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_wallet_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_put_command(CLI::App& app, GlobalOptions& options, Action& action);
void add_object_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_rights_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_training_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_model_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_inference_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_bench_commands(CLI::App& app, GlobalOptions& options, Action& action);
void add_doctor_command(CLI::App& app, GlobalOptions& options, Action& action);

// --wallet: who acts, or whose it is; without it the home folder's only wallet.
CLI::Option* add_wallet_option(CLI::App& command, std::string& wallet, const std::string& what);

// So many whole MUT.
ledger::Amount mut(std::uint64_t whole);
inline constexpr std::uint64_t kFounderMut = 1'000'000;  // a new network's supply

// The wallet that has a new network's supply; made when there is none.
inline constexpr std::string_view kFounder = "founder";
Result<Address> founder_address(Session& session);

// What the time of the next block may be: a quiet ledger's last one may be long ago.
Result<std::uint64_t> ledger_time_ms(Session& session);

// A node by its name in the home folder's network, its address, or a wallet's name.
Result<Address> node_named(Session& session, const std::string& text);

// What people call an account: a process of the home folder's network, a module's pot, a wallet;
// its address where it has no name.
std::string name_of_account(Session& session, const Address& address);

// An id in hex, or its first 8 digits and more where these name one record: `records` is what the
// keys of such records begin with, before the id. One call of the ledger, for a short one only.
// invalid_argument when it is none, or several begin so; not_found when none does.
Result<Digest> id_named(Session& session, ByteSpan records, const std::string& text,
                        const std::string& what);

// Makes a compute node read a model and offer it on the ledger.
Status load_model(Session& session, const std::string& provider, const Digest& model);

// An object of a wallet's own, offered to one training run.
struct Offer {
    std::string object;  // its name, or content id
    Digest run;
    ledger::Amount price;      // paid once by the builder
    double share_percent = 0;  // of the model's later income, at most 90
    std::uint32_t days = 365;
};
Status offer_object(Session& session, const crypto::AccountKey& wallet, const Offer& offer);

struct PutResult {
    Digest content;
    std::uint64_t size = 0;
    std::uint32_t blocks = 0;
    std::uint32_t fragments_per_block = 0;
    std::uint64_t stored_bytes = 0;
    std::size_t certificate_bytes = 0;
    double seconds = 0;
    ledger::Amount fee;
};
// Reads the next part of what is stored: up to `size` bytes, empty at the end.
using ReadPart = std::function<Result<Bytes>(std::size_t size)>;
// Stores an object under a name: upload, certificates paid by the wallet, name.
Result<PutResult> put_object(Session& session, const crypto::AccountKey& wallet,
                             const std::string& name, std::uint64_t size_hint,
                             const ReadPart& read);

}  // namespace mutirao::cli

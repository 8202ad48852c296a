// `mutirao stake`: money that answers for a node, and validators that vote with it.

#include "cli/comet_home.hpp"
#include "cli/commands.hpp"
#include "cli/ledger_address.hpp"
#include "cli/local_file.hpp"
#include "ledger/staking.hpp"
#include "ledger/validators.hpp"
#include "net/address.hpp"
#include "node/identity.hpp"

namespace mutirao::cli {
namespace {

constexpr std::size_t kStakesShownMax = 10'000;
constexpr std::size_t kKeyFileMax = 4096;   // bytes
constexpr std::size_t kEndpointMax = 1024;  // likewise

struct StakeOptions {
    std::string node, amount, wallet, data, key;
};

std::string when(std::uint64_t ms, std::uint64_t now_ms) {
    if (ms <= now_ms) return "now";
    const auto minutes = (ms - now_ms) / 60'000 + 1;
    return "in " +
           (minutes < 120 ? std::to_string(minutes) + " min" : std::to_string(minutes / 60) + " h");
}

// Sends the call and says what came of it, with the node's stake after it.
Status send_and_show(Session& session, const crypto::AccountKey& wallet, const ledger::Call& call,
                     const Address& node, const std::string& what) {
    node::Sender sender(session.ledger(), wallet);
    TRY(const auto sent, sender.send(call));
    TRY(const auto stake, ledger::stake_of(session.ledger(), node));
    session.out().facts({{"transaction", sent.receipt.transaction.hex()},
                         {"height", sent.receipt.height},
                         {"fee_wei", sent.receipt.fee.decimal()},
                         {"node", crypto::to_checksum_text(node)},
                         {"bonded_wei", stake.bonded.wei.decimal()},
                         {"leaving_wei", stake.leaving.wei.decimal()}});
    session.out().line(what + " in block " + std::to_string(sent.receipt.height) +
                       "; the node has " + stake.bonded.wei.text() + " staked");
    return {};
}

Status run_bond(const GlobalOptions& globals, const StakeOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto amount, ledger::Amount::parse(options.amount));
    TRY_VOID(session->connect());
    TRY(const auto node, node_named(*session, options.node));
    TRY(const auto wallet, session->open_wallet(options.wallet));
    return send_and_show(*session, wallet, ledger::stake(node, amount), node,
                         amount.text() + " staked");
}

Status run_unbond(const GlobalOptions& globals, const StakeOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(const auto node, node_named(*session, options.node));
    TRY(const auto wallet, session->open_wallet(options.wallet));
    ledger::Amount amount;
    if (options.amount == "all") {
        TRY(const auto own,
            ledger::read<ledger::OwnerStake>(session->ledger(),
                                             ledger::key::owner_stake(wallet.address(), node)));
        TRY(const auto stake, ledger::stake_of(session->ledger(), node));
        amount = stake.bonded.worth(own.value_or(ledger::OwnerStake{}).bonded);
    } else {
        TRY(amount, ledger::Amount::parse(options.amount));
    }
    const auto days = std::to_string(ledger::kUnbondingMs / (24ull * 3600 * 1000));
    return send_and_show(*session, wallet, ledger::unstake(node, amount), node,
                         amount.text() + " leave, to be withdrawn in " + days + " days,");
}

Status run_withdraw(const GlobalOptions& globals, const StakeOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(const auto node, node_named(*session, options.node));
    TRY(const auto wallet, session->open_wallet(options.wallet));
    return send_and_show(*session, wallet, ledger::withdraw(node), node, "withdrawn");
}

Status run_show(const GlobalOptions& globals, const StakeOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(const auto now_ms, ledger_time_ms(*session));
    TRY(const auto stakes, ledger::read_all<ledger::NodeStake>(
                               session->ledger(), ledger::key::node_stakes(), kStakesShownMax));
    Address owner;
    if (!options.wallet.empty()) {
        TRY(owner, session->wallets().resolve(options.wallet));
    }
    boost::json::array list;
    std::vector<std::vector<std::string>> rows{{"node", "staked", "leaving", "votes", "yours"}};
    for (const auto& stake : stakes) {
        TRY(const auto validator,
            ledger::read<ledger::Validator>(session->ledger(), ledger::key::validator(stake.node)));
        TRY(const auto found, ledger::read<ledger::OwnerStake>(
                                  session->ledger(), ledger::key::owner_stake(owner, stake.node)));
        const auto own = found.value_or(ledger::OwnerStake{});
        const auto votes = validator ? validator->power : 0;
        const auto yours = stake.bonded.worth(own.bonded),
                   leaves = stake.leaving.worth(own.leaving);
        list.push_back({{"node", crypto::to_checksum_text(stake.node)},
                        {"bonded_wei", stake.bonded.wei.decimal()},
                        {"leaving_wei", stake.leaving.wei.decimal()},
                        {"votes", votes},
                        {"own_bonded_wei", yours.decimal()},
                        {"own_leaving_wei", leaves.decimal()},
                        {"own_release_ms", own.release_ms}});
        rows.push_back({crypto::to_checksum_text(stake.node), stake.bonded.wei.text(),
                        stake.leaving.wei.text(), votes == 0 ? "" : std::to_string(votes),
                        yours.text() + (leaves.is_zero() ? ""
                                                         : ", and " + leaves.text() + " " +
                                                               when(own.release_ms, now_ms))});
    }
    session->out().facts({{"stakes", std::move(list)}});
    session->out().table(rows);
    return {};
}

// Whose a ledger's folder is: the validator beside it.
Result<node::Identity> identity_of(Session& session, const std::string& folder) {
    TRY(auto disk, os::PosixDisk::open_folder(folder));
    return node::Identity::load_or_create(*disk, session.random());
}

// As what others call the ledger of a folder; from now on it listens there after every start.
Result<std::string> fixed_endpoint(const std::string& folder) {
    TRY(auto disk, os::PosixDisk::open_folder(folder));
    TRY(const auto address, read_ledger_address(*disk));
    if (address) return address->advertise;
    const auto endpoint = disk->read_file("endpoint", kEndpointMax);
    if (!endpoint.ok())
        return Error{ErrorKind::not_found,
                     "the ledger in " + folder +
                         " has not run yet: start it first, so that it is known where others call "
                         "it"};
    TRY(const auto name, net::parse_peer(as_text(*endpoint)));
    TRY_VOID(write_ledger_address(*disk, {name.address, name.address}));
    return name.address;
}

Status run_join(const GlobalOptions& globals, const StakeOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto identity, identity_of(*session, options.data));
    TRY(const auto endpoint, fixed_endpoint(options.data));
    TRY(const auto text, read_local(options.key, kKeyFileMax));
    TRY(const auto key, comet_signing_key(as_text(text)));
    TRY_VOID(session->connect());
    return send_and_show(*session, identity.account,
                         ledger::join_validators({key, identity.bls, endpoint}, identity.address(),
                                                 session->chain_id()),
                         identity.address(), "validator " + comet_address(key) + " votes");
}

Status run_leave(const GlobalOptions& globals, const StakeOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto identity, identity_of(*session, options.data));
    TRY_VOID(session->connect());
    return send_and_show(*session, identity.account, ledger::leave_validators(), identity.address(),
                         "the validator has no votes any more");
}

}  // namespace

Result<Address> node_named(Session& session, const std::string& text) {
    if (const auto file = session.network_file(); file.ok())
        for (const auto& process : file->processes)
            if (process.name == text) return crypto::address_from_text(process.address);
    return session.wallets().resolve(text);
}

void add_stake_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto* stake = app.add_subcommand("stake", "money that answers for what a node signs");
    stake->require_subcommand(1);
    auto chosen = std::make_shared<StakeOptions>();
    const auto add = [&, stake, chosen](const char* name, const char* what, auto run) {
        auto* command = stake->add_subcommand(name, what);
        command->callback([&, chosen, run] {
            action = [&options, chosen, run] { return run(options, *chosen); };
        });
        return command;
    };
    const auto of_node = [&, chosen](CLI::App* command) {
        command->add_option("node", chosen->node, "its address, or its name in this network")
            ->required();
        add_wallet_option(*command, chosen->wallet, "whose money it is");
        return command;
    };
    of_node(
        add("bond", "stake money for a node, which shares its rewards and its slashes", run_bond))
        ->add_option("amount", chosen->amount, "MUT")
        ->required();
    of_node(
        add("unbond", "take stake back; it answers for the node for seven days more", run_unbond))
        ->add_option("amount", chosen->amount, "MUT, or \"all\"")
        ->required();
    of_node(add("withdraw", "get what was unbonded seven days ago", run_withdraw));
    add("show", "who has how much staked, and how much of it is a wallet's", run_show)
        ->add_option("--wallet", chosen->wallet,
                     "whose part to show: a wallet or address (default: nobody's)");
    auto* join = add("join", "make a machine's CometBFT a validator", run_join);
    join->add_option("--key", chosen->key, "its priv_validator_key.json")->required();
    auto* leave = add("leave", "a validator votes no more", run_leave);
    for (auto* command : {join, leave})
        command
            ->add_option("--data", chosen->data,
                         "the ledger's folder, whose account the stake is for and pays the fee")
            ->required();
}

}  // namespace mutirao::cli

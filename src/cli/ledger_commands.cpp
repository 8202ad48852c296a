// `mutirao ledger`: folders for a ledger's machines, and moving its state between engines.
#include <algorithm>
#include <filesystem>
#include <thread>

#include "cli/comet_home.hpp"
#include "cli/commands.hpp"
#include "cli/ledger_address.hpp"
#include "cli/local_file.hpp"
#include "consensus/state_export.hpp"
#include "ledger/genesis.hpp"
#include "net/address.hpp"
#include "net/free_ports.hpp"
#include "node/identity.hpp"
#include "node/ledger_role.hpp"
#include "os/stream_socket.hpp"
#include "os/thread_pool.hpp"

namespace mutirao::cli {
namespace {

constexpr std::size_t kExportMax = std::size_t{4} << 30;
constexpr std::uint64_t kValidatorMut = 1000;  // that the founder stakes for each
constexpr std::uint16_t kCometPort = 26656;    // CometBFT's own default, and 26657 for its RPC
constexpr std::uint16_t kLedgerPort = 26659;   // 26658 would be its socket's

struct InitOptions {
    std::string engine = "solo";
    std::string folder;
    std::string founder = std::string(kFounder);
    std::string from;
    std::string comet = "v0.40";
    std::uint32_t validators = 4;
    std::vector<std::string> hosts;
    bool unstaked = false;
    // Whether the ledger's genesis names the validators.
    bool stakes() const { return from.empty() && !unstaked; }
};

// Both halves of a validator.
struct NewValidator {
    CometValidator comet;
    crypto::BlsPublicKey bls_key;
    LedgerAddress address;
};

// What a ledger begins with: a genesis, or the state of another one.
struct Beginning {
    ledger::Genesis genesis;
    std::optional<consensus::StateExport> state;
    std::uint64_t height = 0;
    std::uint64_t time_ms = 0;
    Digest state_hash;
    std::optional<Address> founder = {};  // has the supply of a new one

    void add_founder(boost::json::object& facts) const {
        if (founder) facts["founder"] = crypto::to_checksum_text(*founder);
    }
    std::string founder_text() const {
        return founder
                   ? "\nThe supply is in the wallet of " + crypto::to_checksum_text(*founder) + "."
                   : "";
    }
};

Result<Beginning> read_export(const std::string& path) {
    TRY(const auto bytes, read_local(path, kExportMax));
    Beginning out;
    TRY(out.state, consensus::StateExport::decode(bytes));
    TRY(const auto ledger, ledger::Ledger::restore(out.state->state));
    out.genesis = ledger.genesis();
    out.height = ledger.height();
    out.time_ms = ledger.time_ms();
    out.state_hash = ledger.state_hash();
    return out;
}

Result<Beginning> begin_new(Session& session, const std::string& founder,
                            const std::vector<NewValidator>& validators) {
    Beginning out;
    TRY(auto address,
        founder == kFounder ? founder_address(session) : session.wallets().resolve(founder));
    out.founder = address;
    out.genesis.time_ms = out.time_ms = session.clock().unix_ms();
    const auto staked = kValidatorMut * validators.size();
    out.genesis.allocations.push_back({address, mut(kFounderMut - staked)});
    for (const auto& one : validators)
        out.genesis.validators.push_back({one.comet.account, one.comet.signing.public_key, address,
                                          mut(kValidatorMut), one.bls_key, one.address.advertise});
    TRY(const auto ledger, ledger::Ledger::begin(out.genesis));
    out.state_hash = ledger.state_hash();
    return out;
}

// The genesis comes last: without it the folder is no ledger, and can be written again.
Status write_ledger(const std::string& folder, const Beginning& beginning,
                    const std::string& engine) {
    TRY(auto disk, os::PosixDisk::open_folder(folder));
    TRY_VOID(disk->lock());
    TRY(auto exists, disk->exists(node::kGenesisFile));
    if (exists)
        return Error{ErrorKind::already_exists, "there is a ledger in " + folder + " already"};
    if (beginning.state) {
        TRY(auto ledger, ledger::Ledger::begin(beginning.genesis));
        node::LedgerApplication application(std::move(ledger), {});
        TRY_VOID(consensus::import_state(*disk, application, *beginning.state));
    }
    TRY_VOID(disk->write_file_atomic(node::kEngineFile, as_bytes(engine)));
    return disk->write_file_atomic(node::kGenesisFile, ledger::encode_record(beginning.genesis));
}

// `options.folder` is whole.
std::string folder_of(const InitOptions& options, const CometValidator& validator) {
    return options.folder + "/" + validator.name;
}

// With accounts that are the ledgers' own.
Result<std::vector<NewValidator>> new_validators(Session& session, const InitOptions& options) {
    std::vector<NewValidator> out;
    const auto count = options.hosts.empty() ? options.validators : options.hosts.size();
    TRY(auto ports,
        net::free_loopback_ports(options.hosts.empty() ? 3 * count : 0, session.random()));
    for (std::size_t i = 0; i < count; ++i) {
        NewValidator validator;
        auto& one = validator.comet;
        one.name = "validator-" + std::to_string(i + 1);
        one.signing = crypto::Ed25519Key::generate(session.random());
        one.node = crypto::Ed25519Key::generate(session.random());
        if (options.hosts.empty()) {
            one.p2p = "127.0.0.1:" + std::to_string(ports[3 * i]);
            one.rpc = "127.0.0.1:" + std::to_string(ports[3 * i + 1]);
            const auto ledger = "127.0.0.1:" + std::to_string(ports[3 * i + 2]);
            validator.address = {ledger, ledger};
        } else {
            one.p2p = options.hosts[i] + ":" + std::to_string(kCometPort);
            one.rpc = "127.0.0.1:" + std::to_string(kCometPort + 1);
            TRY_VOID(net::parse_host_port(one.p2p));
            const auto port = ":" + std::to_string(kLedgerPort);
            validator.address = {"0.0.0.0" + port, options.hosts[i] + port};
        }
        const auto of_ledger = folder_of(options, one) + "/ledger";
        one.abci_socket = of_ledger + "/" + std::string(node::kAbciSocket);
        if (one.abci_socket.size() > os::kSocketPathMax)
            return Error{ErrorKind::invalid_argument,
                         "\"" + one.abci_socket +
                             "\" is too long for a socket; choose a --dir "
                             "with a shorter path"};
        TRY(auto folder, os::PosixDisk::open_folder(of_ledger));
        TRY(const auto identity, node::Identity::load_or_create(*folder, session.random()));
        one.account = identity.address();
        validator.bls_key = identity.bls.public_key();
        TRY_VOID(write_ledger_address(*folder, validator.address));
        if (options.stakes()) one.power = ledger::power_of(mut(kValidatorMut));
        out.push_back(std::move(validator));
    }
    return out;
}

Status write_comet_home(const std::string& folder, const CometNetwork& network, std::size_t index) {
    TRY(auto disk, os::PosixDisk::open_folder(folder));
    for (const auto& [path, text] : comet_home(network, index))
        TRY_VOID(disk->write_file_atomic(path, as_bytes(text)));
    return {};
}

Status init_comet(Session& session, const InitOptions& options, const Beginning& beginning,
                  const std::vector<NewValidator>& validators) {
    CometNetwork network;
    network.chain_id = "mutirao-" + std::to_string(beginning.genesis.chain_id) + "-" +
                       beginning.state_hash.hex().substr(0, 8);
    network.genesis_time_ms = std::max(session.clock().unix_ms(), beginning.time_ms);
    network.first_height = beginning.height + 1;
    network.state_hash = beginning.state_hash;
    network.mempool = options.comet == "v0.38" ? "nop" : "app";
    for (const auto& one : validators) network.validators.push_back(one.comet);
    boost::json::array list;
    std::string how;
    for (std::size_t i = 0; i < network.validators.size(); ++i) {
        const auto& one = network.validators[i];
        const auto folder = folder_of(options, one);
        TRY_VOID(write_ledger(folder + "/ledger", beginning, "cometbft"));
        TRY_VOID(write_comet_home(folder + "/cometbft", network, i));
        list.push_back({{"name", one.name},
                        {"ledger", folder + "/ledger"},
                        {"cometbft", folder + "/cometbft"},
                        {"validator", comet_address(one.signing)},
                        {"account", crypto::to_checksum_text(one.account)},
                        {"endpoint", validators[i].address.advertise},
                        {"p2p", one.p2p},
                        {"rpc", one.rpc}});
        how += "\n  mutirao node --role ledger --data " + folder +
               "/ledger\n  cometbft start --home " + folder + "/cometbft";
    }
    boost::json::object facts{{"engine", "cometbft"},
                              {"chain_id", network.chain_id},
                              {"height", beginning.height},
                              {"state_hash", beginning.state_hash.hex()},
                              {"validators", std::move(list)}};
    beginning.add_founder(facts);
    session.out().facts(std::move(facts));
    session.out().line("Ledgers and CometBFT of chain " + network.chain_id +
                       " are configured, mempool \"" + network.mempool + "\", state hash " +
                       beginning.state_hash.hex() + "." + beginning.founder_text() +
                       "\nEach validator runs both of its programs:" + how);
    return {};
}

Status run_init(const GlobalOptions& globals, InitOptions options) {
    TRY(options.folder, whole_path(options.folder));
    TRY(auto session, Session::open(globals));
    std::vector<NewValidator> validators;
    if (options.engine == "cometbft") {
        TRY(validators, new_validators(*session, options));
    }
    const auto staked = options.stakes() ? validators : std::vector<NewValidator>();
    TRY(auto beginning, options.from.empty() ? begin_new(*session, options.founder, staked)
                                             : read_export(options.from));
    if (options.engine == "cometbft") return init_comet(*session, options, beginning, validators);
    const auto& folder = options.folder;
    TRY_VOID(write_ledger(folder, beginning, options.engine));
    boost::json::object facts{{"engine", options.engine},
                              {"height", beginning.height},
                              {"state_hash", beginning.state_hash.hex()},
                              {"ledger", folder}};
    beginning.add_founder(facts);
    session->out().facts(std::move(facts));
    session->out().line("A ledger begins in " + folder + ":\n  mutirao node --role ledger --data " +
                        folder + beginning.founder_text());
    return {};
}

Status run_export(const GlobalOptions& globals, const std::string& data, const std::string& file) {
    TRY(auto session, Session::open(globals));
    std::error_code ignored;
    if (!std::filesystem::exists(data + "/" + std::string(node::kGenesisFile), ignored))
        return Error{ErrorKind::not_found, "there is no ledger in " + data};
    TRY(auto disk, os::PosixDisk::open_folder(data));
    TRY_VOID(disk->lock());
    TRY(auto identity, node::Identity::load_or_create(*disk, session->random()));
    consensus::EngineOptions options;
    TRY(options.engine, node::engine_of(*disk));
    options.proposer = identity.bls;
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    os::ThreadPool pool(cores, cores);
    TRY(const auto exported,
        node::LedgerRole::export_state(*disk, session->clock(), options, {&pool, cores}));
    const auto bytes = exported.state.encode();
    TRY_VOID(write_local(file, bytes));
    session->out().facts({{"height", exported.state.height},
                          {"state_hash", exported.state_hash.hex()},
                          {"bytes", bytes.size()},
                          {"file", file}});
    session->out().line("The state after block " + std::to_string(exported.state.height) +
                        " is in " + file + " (" + size_text(bytes.size()) + "); its hash is " +
                        exported.state_hash.hex());
    return {};
}

Status run_import(const GlobalOptions& globals, const std::string& file, const std::string& data,
                  const std::string& engine) {
    TRY(auto session, Session::open(globals));
    TRY(const auto folder, whole_path(data));
    TRY(const auto beginning, read_export(file));
    TRY_VOID(write_ledger(folder, beginning, engine));
    session->out().facts({{"height", beginning.height},
                          {"state_hash", beginning.state_hash.hex()},
                          {"engine", engine}});
    session->out().line("The ledger in " + data + " goes on after block " +
                        std::to_string(beginning.height) + "; its state hash is " +
                        beginning.state_hash.hex());
    return {};
}

void add_init(CLI::App& ledger, GlobalOptions& globals, Action& action) {
    auto chosen = std::make_shared<InitOptions>();
    auto* init = ledger.add_subcommand("init", "write the folders of a new ledger's machines");
    init->add_option("--engine", chosen->engine, "what orders its blocks")
        ->capture_default_str()
        ->check(CLI::IsMember({"solo", "cometbft"}));
    init->add_option("--dir", chosen->folder, "where to; cometbft: one folder a validator in it")
        ->required();
    init->add_option("--validators", chosen->validators, "how many, on this machine")
        ->capture_default_str()
        ->check(CLI::Range(1, 64));
    init->add_option("--hosts", chosen->hosts,
                     "one machine a validator, by name or address, instead of --validators")
        ->delimiter(',');
    init->add_option("--founder", chosen->founder, "the wallet or address that has the supply")
        ->capture_default_str();
    init->add_option("--from", chosen->from,
                     "begin with this exported state instead of a new genesis");
    init->add_flag("--unstaked", chosen->unstaked,
                   "CometBFT's validators begin with equal votes and no stake: for keys that "
                   "operators put in themselves");
    init->add_option("--cometbft", chosen->comet,
                     "which CometBFT will run; with v0.38 each validator proposes only what was "
                     "sent to itself")
        ->capture_default_str()
        ->check(CLI::IsMember({"v0.38", "v0.40"}));
    init->callback(
        [&, chosen] { action = [&globals, chosen] { return run_init(globals, *chosen); }; });
}

}  // namespace

void add_ledger_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto* ledger =
        app.add_subcommand("ledger", "make a ledger's folders; move its state; send it batches");
    ledger->require_subcommand(1);
    add_init(*ledger, options, action);
    add_send_command(*ledger, options, action);
    struct Move {
        std::string data, file, engine = "solo";
    };
    auto chosen = std::make_shared<Move>();
    auto* give = ledger->add_subcommand("export", "write a stopped ledger's state to a file");
    give->add_option("--data", chosen->data, "the ledger's folder")->required();
    give->add_option("-o,--output", chosen->file, "the file")->required();
    give->callback([&, chosen] {
        action = [&options, chosen] { return run_export(options, chosen->data, chosen->file); };
    });
    auto* take = ledger->add_subcommand("import", "make a ledger that goes on after such a state");
    take->add_option("file", chosen->file, "what `ledger export` wrote")->required();
    take->add_option("--data", chosen->data, "the new ledger's folder")->required();
    take->add_option("--engine", chosen->engine, "what will order its blocks")
        ->capture_default_str()
        ->check(CLI::IsMember({"solo", "cometbft"}));
    take->callback([&, chosen] {
        action = [&options, chosen] {
            return run_import(options, chosen->file, chosen->data, chosen->engine);
        };
    });
}

}  // namespace mutirao::cli

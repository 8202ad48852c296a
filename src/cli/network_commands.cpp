// `mutirao up`, `down` and `status`: a whole network on this machine.
#include <cmath>
#include <iostream>
#include <map>
#include <signal.h>
#include <unistd.h>

#include "base/log.hpp"
#include "cli/commands.hpp"
#include "ledger/genesis.hpp"
#include "model/backend.hpp"
#include "mutirao/v1/storage.pb.h"
#include "node/identity.hpp"
#include "node/ledger_role.hpp"
#include "node/network_status.hpp"
#include "os/process.hpp"
#include "os/signal.hpp"

namespace mutirao::cli {
namespace {

constexpr auto kStartPatience = std::chrono::seconds(60);
constexpr auto kStopPatience = std::chrono::seconds(10);
constexpr auto kPoll = std::chrono::milliseconds(20);
constexpr auto kWatch = std::chrono::seconds(1);
constexpr std::size_t kNodesShownMax = 10'000;
constexpr std::uint64_t kNodeMut = 10;  // for its own transactions

struct UpOptions {
    std::uint32_t nodes = 8;
    std::uint32_t trainers = 2;
    std::uint32_t computes = 1;
    std::uint32_t zones = 0;
    std::uint64_t quota = 0;
    std::string storage_price;
    std::string backend = "nano";
    std::string http = "127.0.0.1:0";
    std::string eth_rpc = "127.0.0.1:0";
};

// One role's process and folder.
struct Child {
    std::string name;
    std::string role;
    std::string folder;
    std::string zone;
    node::Identity identity;
    std::unique_ptr<os::PosixDisk> disk;
    std::optional<os::Process> process;
    std::string endpoint;
    bool is_told = false;  // that it ended by itself
};

std::string own_executable() {
    char path[4096];
    const auto size = ::readlink("/proc/self/exe", path, sizeof(path));
    return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : "mutirao";
}

// The whole network as children of this process.
class LocalNetwork {
  public:
    LocalNetwork(Session& session, const UpOptions& options)
        : session_(session), options_(options), home_(session.options().home) {}

    Status start();
    // All of them, the ledger last. io, naming the first one that did not end cleanly by itself.
    Status stop();
    NetworkFile describe() const;
    // Of processes that ended by themselves since the last call, a sentence each.
    std::vector<std::string> ended();

  private:
    Status prepare();
    Status add(const std::string& name, const std::string& role);
    Status write_genesis();
    Status spawn(Child& child);
    Status wait_until_ready(Child& child);
    Status give_gas_money();

    Session& session_;
    const UpOptions options_;
    const std::string home_;
    std::vector<Child> children_;
    std::string ledger_endpoint_;
    std::string http_;
    std::string eth_rpc_;
};

Status LocalNetwork::add(const std::string& name, const std::string& role) {
    const auto folder = home_ + "/network/" + name;
    TRY(auto disk, os::PosixDisk::open_folder(folder));
    TRY(auto identity, node::Identity::load_or_create(*disk, session_.random()));
    children_.push_back({name, role, folder, {}, std::move(identity), std::move(disk), {}, {}});
    return {};
}

Status LocalNetwork::prepare() {
    TRY_VOID(add("ledger", "ledger"));
    for (std::uint32_t i = 1; i <= options_.nodes; ++i) {
        TRY_VOID(add("storage-" + std::to_string(i), "storage"));
        if (options_.zones != 0)
            children_.back().zone = "zone-" + std::to_string((i - 1) % options_.zones + 1);
    }
    TRY_VOID(add("gateway", "gateway"));
    const auto numbered = [](const std::string& name, std::uint32_t i, std::uint32_t count) {
        return count == 1 ? name : name + "-" + std::to_string(i);
    };
    for (std::uint32_t i = 1; i <= options_.computes; ++i)
        TRY_VOID(add(numbered("compute", i, options_.computes), "compute"));
    for (std::uint32_t i = 1; i <= options_.trainers; ++i)
        TRY_VOID(add(numbered("trainer", i, options_.trainers), "trainer"));
    return write_genesis();
}

// The founder's wallet holds the supply; every node begins with enough for its own transactions.
Status LocalNetwork::write_genesis() {
    auto& disk = *children_.front().disk;
    TRY(auto exists, disk.exists(node::kGenesisFile));
    if (exists) return {};
    TRY(const auto founder, founder_address(session_));
    ledger::Genesis genesis;
    genesis.time_ms = session_.clock().unix_ms();
    genesis.allocations.push_back({founder, mut(kFounderMut)});
    for (const auto& child : children_)
        genesis.allocations.push_back({child.identity.address(), mut(kNodeMut)});
    return disk.write_file_atomic(node::kGenesisFile, ledger::encode_record(genesis));
}

Status LocalNetwork::spawn(Child& child) {
    for (const auto* stale : {"endpoint", "http", "eth-rpc"})
        if (auto there = child.disk->exists(stale); there.ok() && *there)
            TRY_VOID(child.disk->remove(stale));
    os::Command command;
    command.arguments = {own_executable(), "node", "--role", child.role, "--data", child.folder};
    const auto add_option = [&](const char* name, const std::string& value) {
        command.arguments.emplace_back(name);
        command.arguments.push_back(value);
    };
    if (child.role == "ledger") add_option("--eth-rpc", options_.eth_rpc);
    if (child.role != "ledger") add_option("--join", ledger_endpoint_);
    if (child.role == "gateway") {
        add_option("--http", options_.http);
        command.arguments.emplace_back("--allow-measuring");  // a network of one's own
    }
    if (child.role == "storage" && options_.quota != 0)
        add_option("--quota", std::to_string(options_.quota));
    if (child.role == "storage" && !options_.storage_price.empty())
        add_option("--storage-price", options_.storage_price);
    if (!child.zone.empty()) add_option("--zone", child.zone);
    if (child.role == "compute" || child.role == "trainer")
        add_option("--backend", options_.backend);
    command.output_file = child.folder + "/log.txt";
    for (const auto& [name, value] : model::kWorkerEnvironment)
        command.environment.emplace_back(name, value);
    TRY(auto process, os::Process::spawn(command));
    child.process = std::move(process);
    return {};
}

// What a process said last.
std::string last_words(Child& child) {
    const auto log = child.disk->read_file("log.txt", 16 << 20);
    std::string last = log.ok() ? std::string(as_text(*log)) : "";
    while (last.ends_with('\n')) last.pop_back();
    return last.erase(0, last.find_last_of('\n') + 1);
}

Status LocalNetwork::wait_until_ready(Child& child) {
    const auto until = session_.clock().monotonic() + kStartPatience;
    while (session_.clock().monotonic() < until) {
        if (auto bytes = child.disk->read_file("endpoint", 256); bytes.ok()) {
            child.endpoint = std::string(as_text(*bytes));
            return {};
        }
        if (!child.process->is_running())
            return Error{ErrorKind::unavailable,
                         child.name + " did not start: " + last_words(child)};
        session_.clock().sleep(kPoll);
    }
    return Error{ErrorKind::timeout, child.name + " was not ready in time; see its log.txt"};
}

// Nodes that were added after the chain began get their first coins from the founder.
Status LocalNetwork::give_gas_money() {
    node::LedgerClient ledger(session_.network(), ledger_endpoint_);
    for (const auto& child : children_) {
        TRY(auto account,
            ledger::read<ledger::Account>(ledger, ledger::key::account(child.identity.address())));
        if (account) continue;
        TRY(auto key, session_.open_wallet(std::string(kFounder)));
        node::Sender founder(ledger, key);
        TRY(auto sent, founder.send(ledger::transfer(child.identity.address(), mut(kNodeMut))));
    }
    return {};
}

Status LocalNetwork::start() {
    TRY_VOID(prepare());
    auto& ledger = children_.front();
    TRY_VOID(spawn(ledger));
    TRY_VOID(wait_until_ready(ledger));
    ledger_endpoint_ = ledger.endpoint;
    TRY(auto eth_rpc, ledger.disk->read_file("eth-rpc", 256));
    eth_rpc_ = std::string(as_text(eth_rpc));
    TRY_VOID(give_gas_money());
    for (auto& child : children_)
        if (child.role != "ledger") TRY_VOID(spawn(child));
    for (auto& child : children_) {
        TRY_VOID(wait_until_ready(child));
        if (child.role != "gateway") continue;
        TRY(auto address, child.disk->read_file("http", 256));
        http_ = "http://" + std::string(as_text(address)) + "/";
    }
    return {};
}

Status LocalNetwork::stop() {
    Status outcome;
    const auto end = [&](bool ledger) {
        // One that had died before (killed by a test, say) is not our doing.
        std::vector<Child*> running;
        for (auto& child : children_)
            if ((child.role == "ledger") == ledger && child.process && child.process->is_running())
                running.push_back(&child);
        for (auto* child : running) child->process->terminate();
        for (auto* child : running) {
            auto exit = child->process->wait(kStopPatience);
            if (!exit) child->process->kill();
            if (outcome.ok() && !(exit && exit->clean()))
                outcome = Error{ErrorKind::io, child->name + " did not stop cleanly: it " +
                                                   (exit ? exit->sentence() : "was still busy")};
        }
    };
    end(false);
    end(true);
    return outcome;
}

std::vector<std::string> LocalNetwork::ended() {
    std::vector<std::string> out;
    for (auto& child : children_) {
        if (child.is_told || !child.process || child.process->is_running()) continue;
        child.is_told = true;
        const auto exit = child.process->wait(Duration{0});
        out.push_back(child.name + " " + (exit ? exit->sentence() : "has ended") +
                      "; what it said last: " + last_words(child));
    }
    return out;
}

NetworkFile LocalNetwork::describe() const {
    NetworkFile file;
    file.ledger = ledger_endpoint_;
    file.http = http_;
    file.eth_rpc = eth_rpc_;
    file.pid = static_cast<int>(::getpid());
    for (const auto& child : children_) {
        if (child.role == "gateway") file.gateway = child.endpoint;
        file.processes.push_back({child.name, child.role, child.endpoint,
                                  crypto::to_checksum_text(child.identity.address()),
                                  child.process ? static_cast<int>(child.process->pid()) : 0});
    }
    return file;
}

Status run_up(const GlobalOptions& globals, const UpOptions& options) {
    os::StopSignal stop;
    TRY(auto session, Session::open(globals));
    auto& disk = static_cast<os::PosixDisk&>(session->disk());
    if (auto claimed = disk.lock(); !claimed.ok())
        return Error{ErrorKind::already_exists,
                     "a network is running with home folder " + globals.home + " already"};
    const auto began = session->clock().monotonic();
    LocalNetwork network(*session, options);
    if (auto started = network.start(); !started.ok()) {
        if (auto stopped = network.stop(); !stopped.ok()) LOG_WARN(stopped.error().message);
        return started;
    }
    const auto file = network.describe();
    TRY_VOID(disk.write_file_atomic(kNetworkFile, as_bytes(file.encode())));
    const auto seconds =
        std::chrono::duration<double>(session->clock().monotonic() - began).count();
    const auto& out = session->out();
    out.facts({{"ready", true},
               {"http", file.http},
               {"eth_rpc", file.eth_rpc},
               {"ledger", file.ledger},
               {"gateway", file.gateway},
               {"pid", file.pid},
               {"seconds", seconds}});
    std::vector<std::vector<std::string>> rows{{"process", "address", "pid"}};
    for (const auto& process : file.processes)
        rows.push_back({process.name, process.endpoint, std::to_string(process.pid)});
    out.table(rows);
    out.line("\nStatus page: " + file.http + "\nFor wallets: " + file.eth_rpc +
             "\nCtrl-C stops everything.");
    while (!stop.wait(kWatch))
        for (const auto& sentence : network.ended())
            std::cerr << "mutirao: " << sentence << std::endl;
    out.line("Stopping ...");
    auto stopped = network.stop();
    TRY_VOID(disk.remove(kNetworkFile));
    return stopped;
}

Status run_down(const GlobalOptions& globals) {
    if (!globals.ledger.empty())
        return Error{ErrorKind::invalid_argument,
                     "down stops the network of a home folder: leave --ledger out"};
    TRY(auto session, Session::open(globals));
    TRY(auto file, session->network_file());
    // `up` holds the folder as long as it runs; after it, the number may be another process's.
    const bool gone = static_cast<os::PosixDisk&>(session->disk()).lock().ok();
    if (gone || file.pid <= 0 || ::kill(file.pid, SIGTERM) != 0) {
        TRY_VOID(session->disk().remove(kNetworkFile));
        return Error{ErrorKind::not_found, "the network was not running any more"};
    }
    const auto until = session->clock().monotonic() + 2 * kStopPatience;
    while (::kill(file.pid, 0) == 0 && session->clock().monotonic() < until)
        session->clock().sleep(kPoll);
    session->out().facts({{"stopped", true}});
    session->out().line("The network is stopped.");
    return {};
}

// Failure domains of nodes that registered one, by account.
Result<std::map<std::string, std::string>> zones_of(Session& session) {
    TRY(auto nodes, ledger::read_all<ledger::NodeRecord>(session.ledger(), ledger::key::nodes(),
                                                         kNodesShownMax));
    std::map<std::string, std::string> out;
    for (const auto& node : nodes) out[crypto::to_checksum_text(node.address)] = node.domain;
    return out;
}

Status run_status(const GlobalOptions& globals) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(auto file, session->network_file());
    TRY(auto status, session->ledger().status());
    std::vector<std::vector<std::string>> rows{
        {"process", "address", "zone", "pid", "up", "blocks", "stored"}};
    TRY(auto zones, zones_of(*session));
    boost::json::array nodes;
    std::uint64_t stored = 0;
    for (const auto& process : file.processes) {
        bool up = ::kill(process.pid, 0) == 0;
        std::uint64_t blocks = 0, bytes = 0, damaged = 0;
        if (process.role == "storage") {
            auto usage = node::wire::call<v1::UsageReply>(
                session->network(), process.endpoint, "/mutirao.v1.Storage/Usage",
                v1::UsageRequest{}, std::chrono::seconds(2));
            up = usage.ok();
            if (up) blocks = usage->blocks(), bytes = usage->bytes(), damaged = usage->damaged();
        }
        stored += bytes;
        nodes.push_back({{"name", process.name},
                         {"role", process.role},
                         {"endpoint", process.endpoint},
                         {"address", process.address},
                         {"zone", zones[process.address]},
                         {"pid", process.pid},
                         {"up", up},
                         {"blocks", blocks},
                         {"bytes", bytes},
                         {"damaged", damaged}});
        rows.push_back({process.name, process.endpoint, zones[process.address],
                        std::to_string(process.pid), up ? "yes" : "NO",
                        process.role == "storage" ? std::to_string(blocks) : "",
                        process.role == "storage" ? size_text(bytes) : ""});
    }
    session->out().table(rows);
    session->out().line("\nledger: block " + std::to_string(status.height) +
                        ", consensus carried " + size_text(status.consensus_bytes) +
                        ", nodes store " + size_text(stored) + "\nstatus page: " + file.http +
                        "\nfor wallets: " + file.eth_rpc);
    session->out().facts({{"nodes", std::move(nodes)},
                          {"http", file.http},
                          {"eth_rpc", file.eth_rpc},
                          {"stored_bytes", stored},
                          {"ledger",
                           {{"height", status.height},
                            {"state_hash", status.state_hash.hex()},
                            {"consensus_bytes", status.consensus_bytes},
                            {"chain_id", status.genesis.chain_id}}}});
    return {};
}

}  // namespace

Result<Address> founder_address(Session& session) {
    const std::string name(kFounder);
    auto known = session.wallets().address(name);
    if (known.ok() || known.error().kind != ErrorKind::not_found) return known;
    TRY(auto password, session.password());
    return session.wallets().create(name, password, wallet_strength());
}

void add_network_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto* up = app.add_subcommand("up", "run a whole network on this machine; Ctrl-C stops it");
    auto chosen = std::make_shared<UpOptions>();
    up->add_option("--nodes", chosen->nodes, "storage nodes")
        ->capture_default_str()
        ->check(CLI::Range(1, 64));
    up->add_option("--trainers", chosen->trainers, "training workers")
        ->capture_default_str()
        ->check(CLI::Range(0, 16));
    up->add_option("--computes", chosen->computes, "compute nodes")
        ->capture_default_str()
        ->check(CLI::Range(0, 8));
    up->add_option("--zones", chosen->zones,
                   "failure domains that the storage nodes are spread over; 0: each is its own")
        ->capture_default_str()
        ->check(CLI::Range(0, 64));
    up->add_option("--storage-price", chosen->storage_price,
                   "MUT for which each storage node keeps a GiB for a day (default: they make no "
                   "deals)");
    up->add_option("--quota", chosen->quota, "bytes that each storage node may keep; 0 is no limit")
        ->capture_default_str();
    up->add_option("--backend", chosen->backend,
                   "what compute and trainers compute with: nano or libtorch")
        ->check(CLI::IsMember({"nano", "libtorch"}))
        ->capture_default_str();
    up->add_option("--http", chosen->http, "address of the status page and the APIs")
        ->capture_default_str();
    up->add_option("--eth-rpc", chosen->eth_rpc, "address for Ethereum's wallets and programs")
        ->capture_default_str();
    up->callback([&, chosen] { action = [&options, chosen] { return run_up(options, *chosen); }; });
    app.add_subcommand("down", "stop the network that runs with this home folder")->callback([&] {
        action = [&options] { return run_down(options); };
    });
    app.add_subcommand("status", "nodes, what they store, and the ledger")->callback([&] {
        action = [&options] { return run_status(options); };
    });
}

}  // namespace mutirao::cli

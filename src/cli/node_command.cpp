// `mutirao node`: one role as a process. This is where real clocks, disks and sockets are made.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/ledger_address.hpp"
#include "gateway/ethrpc.hpp"
#include "gateway/routes.hpp"
#include "model/nano_backend.hpp"
#include "model/torch_backend.hpp"
#include "net/address.hpp"
#include "net/channel_network.hpp"
#include "net/channel_server.hpp"
#include "net/grpc_server.hpp"
#include "net/http.hpp"
#include "node/channel_door.hpp"
#include "node/node.hpp"
#include "node/probe.hpp"
#include "os/local_socket.hpp"
#include "os/quota_disk.hpp"
#include "os/shared_memory.hpp"
#include "os/signal.hpp"
#include "os/stream_socket.hpp"
#include "os/thread_pool.hpp"

namespace mutirao::cli {
namespace {

// Certificates that several bring at once are verified together, and a wallet that only asks is not
// held up by those who bring many.
constexpr std::size_t kWalletHandlers = 16;
constexpr auto kBlockInterval = std::chrono::milliseconds(50);
constexpr auto kTendInterval = std::chrono::seconds(1);
constexpr std::size_t kWalletConnectionsMax = 4096;
// A trainer takes two for each run that it remembers, and one more for the one under way.
constexpr std::size_t kExecutorThreads = 24;
constexpr std::size_t kExecutorQueue = 1024;

struct NodeOptions {
    std::string role;
    std::string data;
    std::string join;
    std::string listen = "127.0.0.1:0";
    bool listen_given = false;
    std::string fragments;  // listen address of a storage node's data channel
    std::string advertise;
    std::string zone;
    std::string http = "127.0.0.1:0";
    std::string eth_rpc = "127.0.0.1:0";
    std::string backend = "nano";
    std::string storage_price;  // MUT for a GiB and day; empty: no offer
    std::uint64_t quota = 0;    // bytes; 0 is no limit
    std::uint64_t snapshot_every = consensus::EngineOptions().snapshot_every;
    std::uint64_t keep_blocks = consensus::kBlocksKept;
    bool allow_measuring = false;
};

Result<ledger::Role> role_from(const std::string& text) {
    for (const auto role : {ledger::Role::storage, ledger::Role::compute, ledger::Role::gateway,
                            ledger::Role::trainer}) {
        static constexpr const char* kNames[] = {"", "storage", "compute", "gateway", "trainer"};
        if (text == kNames[static_cast<std::size_t>(role)]) return role;
    }
    return Error{ErrorKind::invalid_argument, "there is no role \"" + text +
                                                  "\"; roles are ledger, storage, gateway, compute "
                                                  "and trainer"};
}

// Beside the executable (a build tree has bin/ and lib/), or where a package puts it.
std::vector<std::string> plugin_folders() {
    std::string folder;
    char path[4096];
    const auto size = ::readlink("/proc/self/exe", path, sizeof(path));
    if (size > 0) folder.assign(path, static_cast<std::size_t>(size));
    folder.erase(folder.find_last_of('/') + 1);
    return {folder + "../lib", folder + "../lib/mutirao", folder};
}

Result<std::unique_ptr<model::Backend>> open_backend(const std::string& name) {
    if (name == "nano") return model::make_nano_backend();
    const auto folders = plugin_folders();
    TRY(auto path, model::find_torch_plugin(folders));
    return model::load_torch_backend(path);
}

void log_to_standard_error() {
    set_log_sink([](LogLevel level, std::string_view line) {
        static constexpr const char* kNames[] = {"debug", "info", "warn", "error"};
        std::cerr << kNames[static_cast<int>(level)] << ": " << line << std::endl;
    });
}

// A test names a file in MUTIRAO_CRASH_FILE; once the file holds the name of a persistence point,
// the process dies there as in a power cut.
consensus::AtPoint crash_point() {
    const char* path = std::getenv("MUTIRAO_CRASH_FILE");
    if (path == nullptr) return {};
    return [path = std::string(path)](std::string_view at) {
        std::string wanted;
        std::getline(std::ifstream(path), wanted);
        if (at == wanted) ::kill(::getpid(), SIGKILL);
    };
}

// Blocks and messages come and go by the megabyte, and the first touch of fresh memory costs more
// than what is done with it: what was freed is used again instead of going back to the system.
void keep_freed_memory(ledger::Role role) {
    const bool is_storage = role == ledger::Role::storage;
    ::mallopt(M_ARENA_MAX, 2);
    ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
    ::mallopt(M_TRIM_THRESHOLD, is_storage ? 32 << 20 : 256 << 20);
}

// How many files and sockets this process may open: as many as the system lets it.
std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<std::size_t>(limit.rlim_cur);
}

// What others call this process: its account, and where it is.
Result<std::string> endpoint_of(const NodeOptions& options, const node::Identity& identity,
                                const net::GrpcServer& server) {
    const auto listens = server.address();
    const bool anywhere = listens.starts_with("0.0.0.0:") || listens.starts_with("[::]:");
    if (anywhere && options.advertise.empty())
        return Error{ErrorKind::invalid_argument,
                     "this node listens everywhere; say where others reach it: --advertise "
                     "HOST:PORT"};
    return net::peer_name(identity.address(),
                          options.advertise.empty() ? listens : options.advertise);
}

// With where this ledger was told to listen, unless the command says.
Result<NodeOptions> with_address(NodeOptions options, Disk& disk) {
    TRY(const auto address, read_ledger_address(disk));
    if (!address || options.listen_given) return options;
    options.listen = address->listen;
    if (options.advertise.empty()) options.advertise = address->advertise;
    return options;
}

Status run_ledger(const NodeOptions& given, Disk& disk, os::StopSignal& stop) {
    TRY(const auto options, with_address(given, disk));
    os::SystemClock clock;
    os::SystemRandom random;
    TRY(auto identity, node::Identity::load_or_create(disk, random));
    consensus::EngineOptions engine;
    TRY(engine.engine, node::engine_of(disk));
    engine.proposer = identity.bls;
    engine.snapshot_every = options.snapshot_every;
    engine.blocks_kept = options.keep_blocks;
    engine.at_point = crash_point();
    os::ThreadPool snapshots(1, kExecutorQueue);
    engine.snapshots = &snapshots;
    // Signatures are checked by whoever serves a caller, and by these beside.
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    os::ThreadPool pool(cores, kExecutorQueue);
    net::GrpcNetwork network(crypto::make_peer_certificate(identity.account));
    // Calls to other ledgers wait here.
    auto callers = std::make_unique<os::ThreadPool>(kExecutorThreads, kExecutorQueue);
    node::LaneDoor door{network, *callers, {}};
    if (!options.join.empty()) door.more.push_back(options.join);
    TRY(auto role,
        node::LedgerRole::open(disk, clock, std::move(engine), {&pool, cores}, std::move(door)));
    gateway::EthereumRpc rpc(role->ethereum(), clock);
    net::HttpLimits limits;
    limits.handlers_max = kWalletHandlers;
    limits.body_bytes_max = gateway::kRpcBodyMax;
    limits.bodies_bytes_max = 8 * gateway::kRpcBodyMax;
    limits.connections_max = std::min(kWalletConnectionsMax, raise_descriptor_limit() / 4);
    std::atomic<net::HttpServer*> announcing = nullptr;
    role->ethereum().set_announce([&announcing] {
        if (auto* server = announcing.load()) server->announce();
    });
    TRY(auto http, net::HttpServer::start(options.eth_rpc, gateway::make_ethereum_route(rpc),
                                          limits, net::HttpExposure::loopback_only,
                                          gateway::make_ethereum_sessions(rpc)));
    announcing = http.get();
    const auto url = "http://" + http->address();
    role->set_ethereum_url(url);
    // Batches of transactions come over a channel of their own.
    TRY(auto channel,
        net::ChannelServer::start(
            options.listen.substr(0, options.listen.rfind(':')) + ":0",
            [&](std::string_view method, ByteSpan request) -> Result<Bytes> {
                if (method == node::kPutBatch) return role->serve(method, request);
                return Error{ErrorKind::unimplemented, "only batches come by the data channel"};
            },
            random));
    const node::Probe probe(network, clock);
    const auto answer = [&](const net::Caller& caller, std::string_view method,
                            ByteSpan request) -> Result<Bytes> {
        if (node::Probe::serves(method)) return probe.serve(caller, method, request);
        if (method == node::kOpenChannel) return node::open_door(*channel, caller);
        return role->answer(caller, method, request);
    };
    TRY(auto server,
        net::GrpcServer::start(options.listen, crypto::make_peer_certificate(identity.account),
                               answer, {}, clock));
    TRY(const auto endpoint, endpoint_of(options, identity, *server));
    TRY_VOID(disk.write_file_atomic("eth-rpc", as_bytes(url)));
    TRY_VOID(disk.write_file_atomic("endpoint", as_bytes(endpoint)));
    LOG_INFO("ledger at " + endpoint + ", for wallets at " + url);
    std::unique_ptr<os::StreamServer> abci;
    if (role->converse()) {
        const auto path = options.data + "/" + std::string(node::kAbciSocket);
        TRY(abci, os::StreamServer::start(path, [&role] { return role->converse(); }));
        LOG_INFO("CometBFT is awaited at " + path);
    }
    Status status;
    while (status.ok() && !stop.wait(kBlockInterval)) status = role->tick();
    role->stop();
    abci.reset();
    http->stop();
    server->stop();
    channel->stop();
    callers.reset();
    return status;
}

// Ends what a node has begun, so that no task outlives what it works on.
class Ending {
  public:
    Ending(node::Node& node, std::unique_ptr<os::ThreadPool>& executor)
        : node_(node), executor_(executor) {}
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;
    ~Ending() {
        node_.cancel();
        executor_.reset();
    }

  private:
    node::Node& node_;
    std::unique_ptr<os::ThreadPool>& executor_;
};

// For a year from now; starting the node again puts that off.
Status offer_storage(node::Node& node, const NodeOptions& options, Clock& clock) {
    if (options.storage_price.empty()) return {};
    constexpr std::uint64_t kKibAGib = 1 << 20, kOfferMs = 365 * ledger::kDayMs;
    TRY(const auto price, ledger::Amount::parse(options.storage_price));
    const auto a_kib = price.wei() / kKibAGib;
    if (a_kib >> 64 != 0)
        return Error{ErrorKind::invalid_argument, "--storage-price is over 19 million MUT a GiB"};
    return node.offer_storage(static_cast<std::uint64_t>(a_kib), clock.unix_ms() + kOfferMs);
}

// What a role shows to people and programs; null for those that show nothing. The address is in the
// node's file "http".
Result<std::unique_ptr<net::HttpServer>> start_http(node::Node& node, ledger::Role role,
                                                    const NodeOptions& options, Disk& disk) {
    net::HttpHandler handler;
    if (role == ledger::Role::gateway)
        handler = gateway::make_routes(node.inference(), node.status());
    else if (role == ledger::Role::trainer)
        handler = gateway::make_metrics_routes([&] { return node.trainer_metrics(); });
    else
        return std::unique_ptr<net::HttpServer>();
    TRY(auto http, net::HttpServer::start(options.http, std::move(handler)));
    if (role == ledger::Role::gateway) node.set_http_address("http://" + http->address() + "/");
    TRY_VOID(disk.write_file_atomic("http", as_bytes(http->address())));
    return http;
}

Status run_role(const NodeOptions& options, ledger::Role role, Disk& disk, os::StopSignal& stop) {
    keep_freed_memory(role);
    os::SystemClock clock;
    os::SystemRandom random;
    TRY(auto identity, node::Identity::load_or_create(disk, random));
    const auto certificate = crypto::make_peer_certificate(identity.account);
    net::GrpcNetwork network(certificate);
    net::ChannelNetwork data(
        [&](const std::string& peer) { return node::ask_for_door(network, peer); }, random);
    os::MemfdMemory memory;
    auto executor = std::make_unique<os::ThreadPool>(kExecutorThreads, kExecutorQueue);
    TRY(auto node, node::Node::open({clock, random, disk, network, data, *executor,
                                     [&] { return open_backend(options.backend); }, &memory},
                                    role, options.join));
    const Ending ending(*node, executor);  // after the servers, and before the node goes
    const net::Admit admit = [&](const net::Caller& caller, std::string_view method) {
        return node->admit(caller, method);
    };
    // Fragments come over a channel of their own.
    std::unique_ptr<net::ChannelServer> channel;
    if (role == ledger::Role::storage) {
        const auto host = options.listen.substr(0, options.listen.rfind(':'));
        TRY(channel, net::ChannelServer::start(
                         options.fragments.empty() ? host + ":0" : options.fragments,
                         [&](auto method, auto request) { return node->serve(method, request); },
                         random, {}, admit));
    }
    const node::Probe probe(network, clock);
    const net::Answer answer = [&](const net::Caller& caller, std::string_view method,
                                   ByteSpan request) -> Result<Bytes> {
        if (node::Probe::serves(method)) return probe.serve(caller, method, request);
        if (channel && method == node::kOpenChannel) return node::open_door(*channel, caller);
        return node->serve(method, request);
    };
    TRY(auto server, net::GrpcServer::start(options.listen, certificate, answer, admit, clock));
    TRY(const auto endpoint, endpoint_of(options, identity, *server));
    if (options.allow_measuring && role == ledger::Role::gateway) node->allow_measurements();
    TRY(auto http, start_http(*node, role, options, disk));
    std::unique_ptr<os::LocalServer> local;
    if (auto* door = node->hot_door()) {
        TRY(local, os::LocalServer::start(options.data + "/hot.sock", *door));
    }
    TRY_VOID(node->register_at(endpoint, options.zone));
    TRY_VOID(offer_storage(*node, options, clock));
    TRY_VOID(disk.write_file_atomic("endpoint", as_bytes(endpoint)));
    LOG_INFO(options.role + " at " + endpoint);
    do {  // at once: a trainer that was killed has a run to go on with
        if (auto tended = node->tend(); !tended.ok()) LOG_WARN(tended.error().message);
    } while (!stop.wait(kTendInterval));
    if (http) http->stop();
    server->stop();
    if (channel) channel->stop();
    return {};
}

Status run_node(const NodeOptions& options) {
    os::StopSignal stop;
    log_to_standard_error();
    TRY(auto folder, os::PosixDisk::open_folder(options.data));
    TRY_VOID(folder->lock());
    std::unique_ptr<os::QuotaDisk> quota;
    if (options.quota != 0) quota = std::make_unique<os::QuotaDisk>(*folder, options.quota);
    Disk& disk = quota ? static_cast<Disk&>(*quota) : *folder;
    if (options.role == "ledger") return run_ledger(options, disk, stop);
    TRY(auto role, role_from(options.role));
    if (options.join.empty())
        return Error{ErrorKind::invalid_argument,
                     "a " + options.role + " node joins a ledger: --join HOST:PORT"};
    return run_role(options, role, disk, stop);
}

}  // namespace

void add_node_command(CLI::App& app, GlobalOptions& options, Action& action) {
    (void)options;
    auto* command = app.add_subcommand("node", "run one role as a process of its own");
    auto chosen = std::make_shared<NodeOptions>();
    command->add_option("--role", chosen->role, "ledger, storage, gateway, compute or trainer")
        ->required();
    command->add_option("--data", chosen->data, "this node's folder")->required();
    command->add_option("--join", chosen->join,
                        "the ledger: ACCOUNT@HOST:PORT, as its log says, or HOST:PORT; for a "
                        "ledger, another one that has batches it may lack");
    auto* listen = command->add_option("--listen", chosen->listen,
                                       "address for other nodes; port 0 is a free one");
    listen->capture_default_str();
    command
        ->add_option("--http", chosen->http,
                     "a gateway's address for people and programs; a trainer's for Prometheus")
        ->capture_default_str();
    command->add_option("--eth-rpc", chosen->eth_rpc, "a ledger's address for Ethereum's wallets")
        ->capture_default_str();
    command->add_option("--fragments", chosen->fragments,
                        "a storage node's address for fragments (default: --listen's host)");
    command->add_option("--advertise", chosen->advertise,
                        "HOST:PORT at which others reach this node (default: --listen's)");
    command->add_option("--zone", chosen->zone,
                        "what fails together with this node: a building, an operator; no zone "
                        "gets more than a third of a block while another has room");
    command
        ->add_option("--backend", chosen->backend,
                     "what compute and trainer compute with: nano (built in) or libtorch (its "
                     "plug-in)")
        ->check(CLI::IsMember({"nano", "libtorch"}))
        ->capture_default_str();
    command
        ->add_option("--snapshot-every", chosen->snapshot_every,
                     "blocks from one snapshot of a ledger's state to the next")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    command
        ->add_option("--keep-blocks", chosen->keep_blocks,
                     "blocks that a ledger keeps at least, and those since its snapshot; 0 keeps "
                     "all (an archive)")
        ->capture_default_str();
    command->add_option("--storage-price", chosen->storage_price,
                        "MUT for which a storage node keeps a GiB for a day (default: it makes no "
                        "deals)");
    command->add_option("--quota", chosen->quota, "bytes that the node may keep; 0 is no limit")
        ->capture_default_str();
    command->add_flag("--allow-measuring", chosen->allow_measuring,
                      "a gateway lets any caller measure the network through it (bench net)");
    command->callback([&action, chosen, listen] {
        chosen->listen_given = !listen->empty();
        action = [chosen] { return run_node(*chosen); };
    });
}

}  // namespace mutirao::cli

#include "ledger/server.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <unistd.h>

#include "base/codec.hpp"
#include "consensus/snapshot_store.hpp"
#include "ledger/records.hpp"
#include "os/clock.hpp"
#include "os/disk.hpp"

namespace mutirao::bench {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr auto kStartMax = std::chrono::seconds(60);
constexpr int kAnvilPort = 28545, kCometPort = 28657;

std::string text_of(const fs::path& file) {
    std::ostringstream out;
    out << std::ifstream(file).rdbuf();
    return out.str();
}

void write(const fs::path& file, ByteSpan bytes) {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

std::uint64_t number_in(std::string_view text, int base) {
    std::uint64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out, base);
    return out;
}

// "\"0x1f\"" is 31.
std::uint64_t quantity_in(std::string_view json) {
    return json.size() < 5 ? 0 : number_in(json.substr(3, json.size() - 4), 16);
}

// Gives each sender what the snapshot gives it.
Status fund(Connection& connection, const Chain& chain) {
    for (const auto& address : chain.senders()) {
        TRY(const auto done, call(connection, "anvil_setBalance",
                                  "[\"0x" + address.hex() + "\",\"0xd3c21bcecceda1000000\"]"));
        static_cast<void>(done);
    }
    return {};
}

std::string cometbft() {
    if (const char* chosen = std::getenv("COMETBFT")) return chosen;
    return fs::exists(COMETBFT_BINARY) ? COMETBFT_BINARY : "cometbft";
}

}  // namespace

Result<Server> Server::start(os::Command command, const fs::path& folder) {
    TRY(auto process, os::Process::spawn(command));
    return Server(std::move(command), std::move(process), folder);
}

Result<Server> Server::ledger(const fs::path& folder, const Chain& chain) {
    fs::create_directories(folder);
    write(folder / "genesis", mutirao::ledger::encode_record(chain.genesis()));
    TRY(const auto disk, os::PosixDisk::open_folder(folder.string()));
    TRY_VOID(consensus::store_snapshot(*disk, {0, {}, chain.state()}));
    const char* chosen = std::getenv("MUTIRAO_BINARY");
    TRY(auto out, start({{chosen == nullptr ? MUTIRAO_BINARY : chosen, "node", "--role", "ledger",
                          "--data", folder.string()},
                         {},
                         (folder / "log.txt").string()},
                        folder));
    TRY_VOID(out.wait_for_ledger());
    return out;
}

Status Server::wait_for_ledger() {
    const auto until = steady_clock::now() + kStartMax;
    while (!fs::exists(folder_ / "endpoint")) {
        if (steady_clock::now() > until || !process_.is_running())
            return Error{ErrorKind::unavailable,
                         "the ledger did not start: " + text_of(folder_ / "log.txt")};
        os::SystemClock().sleep(std::chrono::milliseconds(5));
    }
    const auto url = text_of(folder_ / "eth-rpc");
    port_ = static_cast<std::uint16_t>(number_in(url.substr(url.rfind(':') + 1), 10));
    return wait_for("eth_blockNumber");
}

Status Server::wait_for(std::string_view method) {
    const auto until = steady_clock::now() + kStartMax;
    for (;;) {
        if (auto connection = over_http(port_)(); connection.ok())
            if (call(**connection, method, "[]").ok()) return {};
        if (steady_clock::now() > until || !process_.is_running())
            return Error{ErrorKind::unavailable, command_.arguments[0] + " does not answer"};
        os::SystemClock().sleep(std::chrono::milliseconds(10));
    }
}

Result<Server> Server::anvil(const fs::path& folder, const Chain& chain) {
    if (!fs::exists(ANVIL_BINARY))
        return Error{ErrorKind::not_found, "anvil is not installed: bench/ledger/prepare does it"};
    fs::create_directories(folder);
    const auto chain_id = std::to_string(chain.genesis().chain_id);
    TRY(auto out,
        start({{ANVIL_BINARY, "--port", std::to_string(kAnvilPort), "--chain-id", chain_id,
                "--block-time", "1", "--gas-limit", "1000000000", "--block-base-fee-per-gas", "0",
                "--accounts", "1", "--silent", "--no-request-size-limit"},
               {},
               (folder / "log.txt").string()},
              folder));
    out.port_ = kAnvilPort;
    TRY_VOID(out.wait_for("eth_blockNumber"));
    TRY(auto connection, over_http(kAnvilPort)());
    TRY_VOID(fund(*connection, chain));
    return out;
}

Result<Server> Server::kvstore(const fs::path& folder) {
    fs::create_directories(folder);
    const auto log = (folder / "log.txt").string();
    TRY(auto init, os::Process::spawn({{cometbft(), "init", "--home", folder.string()}, {}, log}));
    if (!init.wait(std::chrono::seconds(20)).value_or(os::Exit{1, 0}).clean())
        return Error{ErrorKind::unavailable, "cometbft init: " + text_of(log)};
    // As fast as it goes: no pause between blocks, no index, room for all that waits.
    auto config = text_of(folder / "config/config.toml");
    const std::pair<const char*, const char*> changes[] = {
        {"timeout_commit = \"1s\"", "timeout_commit = \"0s\""},
        {"indexer = \"kv\"", "indexer = \"null\""},
        {"size = 5000", "size = 100000"},
        {"max_request_batch_size = 10", "max_request_batch_size = 0"},
        {"log_level = \"info\"", "log_level = \"error\""},
        {"laddr = \"tcp://127.0.0.1:26657\"", "laddr = \"tcp://127.0.0.1:28657\""},
        {"laddr = \"tcp://0.0.0.0:26656\"", "laddr = \"tcp://127.0.0.1:28656\""}};
    for (const auto& [from, to] : changes)
        if (const auto at = config.find(from); at != config.npos)
            config.replace(at, std::string_view(from).size(), to);
    write(folder / "config/config.toml", as_bytes(config));
    TRY(auto out,
        start({{cometbft(), "start", "--home", folder.string(), "--proxy_app=kvstore"}, {}, log},
              folder));
    out.port_ = kCometPort;
    TRY_VOID(out.wait_for("status"));
    return out;
}

std::string Server::endpoint() const { return text_of(folder_ / "endpoint"); }

double Server::cpu_s() const {
    auto stat = text_of("/proc/" + std::to_string(process_.pid()) + "/stat");
    std::istringstream fields(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t Server::status_bytes(std::string_view name) const {
    const auto status = text_of("/proc/" + std::to_string(process_.pid()) + "/status");
    const auto at = status.find(name);
    if (at == status.npos) return 0;
    const auto digits = status.find_first_of("0123456789", at);
    return number_in(std::string_view(status).substr(digits), 10) << 10;
}

Result<double> Server::kill_and_restart() {
    process_.kill();
    if (!process_.wait(std::chrono::seconds(10)))
        return Error{ErrorKind::unavailable, "the ledger does not end"};
    fs::remove(folder_ / "endpoint");
    const auto begin = steady_clock::now();
    TRY(process_, os::Process::spawn(command_));
    TRY_VOID(wait_for_ledger());
    return std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count();
}

Result<std::vector<std::uint64_t>> nonces(Connection& connection,
                                          std::span<const Address> addresses) {
    std::vector<std::uint64_t> out;
    while (!addresses.empty()) {
        const auto some = addresses.first(std::min<std::size_t>(addresses.size(), 500));
        addresses = addresses.subspan(some.size());
        std::string body = "[";
        for (const auto& address : some) {
            if (body.size() > 1) body += ',';
            body += R"({"jsonrpc":"2.0","id":1,"method":"eth_getTransactionCount","params":["0x)" +
                    address.hex() + R"(","latest"]})";
        }
        TRY(const auto answer, connection.exchange(body + "]"));
        boost::system::error_code problem;
        const auto parsed = boost::json::parse(answer, problem);
        if (problem || !parsed.is_array() || parsed.get_array().size() != some.size())
            return Error{ErrorKind::unavailable, "nonces: " + answer.substr(0, 300)};
        for (const auto& each : parsed.get_array())
            out.push_back(quantity_in(boost::json::serialize(each.at("result"))));
    }
    return out;
}

std::string Server::log() const { return text_of(folder_ / "log.txt"); }

// While one is being written there are two states.
bool Server::writes_snapshot() const {
    std::size_t states = 0;
    std::error_code ignored;  // a file may go while it is listed
    for (const auto& entry : fs::directory_iterator(folder_, ignored))
        states += entry.path().filename().string().starts_with("snapshot.") ? 1 : 0;
    return states > 1;
}

Result<std::uint64_t> Server::transactions_since_snapshot(Connection& connection) const {
    TRY(const auto disk, os::PosixDisk::open_folder(folder_.string()));
    const auto until = steady_clock::now() + kStartMax;
    while (writes_snapshot()) {
        if (steady_clock::now() > until)
            return Error{ErrorKind::timeout, "a snapshot is not finished"};
        os::SystemClock().sleep(std::chrono::milliseconds(20));
    }
    TRY(const auto index, consensus::read_snapshot_index(*disk));
    TRY(const auto latest, call(connection, "eth_blockNumber", "[]"));
    std::uint64_t out = 0;
    for (auto height = (index ? index->height : 0) + 1; height <= quantity_in(latest); ++height) {
        char name[20];
        std::snprintf(name, sizeof name, "0x%llx", static_cast<unsigned long long>(height));
        TRY(const auto count, call(connection, "eth_getBlockTransactionCountByNumber",
                                   "[\"" + std::string(name) + "\"]"));
        out += quantity_in(count);
    }
    return out;
}

Result<std::uint64_t> waiting_at_ethereum(Connection& connection) {
    TRY(const auto status, call(connection, "txpool_status", "[]"));
    const auto parsed = boost::json::parse(status);
    return quantity_in(boost::json::serialize(parsed.at("pending")));
}

Result<std::uint64_t> waiting_at_comet(Connection& connection) {
    TRY(const auto status, call(connection, "num_unconfirmed_txs", "[]"));
    const auto parsed = boost::json::parse(status);
    return number_in(parsed.at("n_txs").as_string(), 10);
}

Result<std::uint64_t> pairs_at_comet(Connection& connection) {
    TRY(const auto info, call(connection, "abci_info", "[]"));
    // {"response":{"data":"{\"size\":N}",...}}
    const auto parsed = boost::json::parse(info);
    const auto* data = parsed.at("response").get_object().if_contains("data");
    if (data == nullptr || !data->is_string())
        return Error{ErrorKind::unavailable, "abci_info is answered by " + info};
    const auto size = boost::json::parse(data->get_string()).at("size");
    return size.to_number<std::uint64_t>();
}

}  // namespace mutirao::bench

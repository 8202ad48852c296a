#include "cli/session.hpp"

#include <cstdlib>
#include <iostream>
#include <termios.h>
#include <unistd.h>

#include "os/terminal.hpp"

namespace mutirao::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kNetworkFileMax = 1 << 20;

std::string text_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

int number_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_int64() ? static_cast<int>(value->get_int64()) : 0;
}

}  // namespace

std::string NetworkFile::encode() const {
    json::array list;
    for (const auto& process : processes)
        list.push_back({{"name", process.name},
                        {"role", process.role},
                        {"endpoint", process.endpoint},
                        {"address", process.address},
                        {"pid", process.pid}});
    return json::serialize(json::object{{"ledger", ledger},
                                        {"gateway", gateway},
                                        {"http", http},
                                        {"eth_rpc", eth_rpc},
                                        {"pid", pid},
                                        {"processes", std::move(list)}}) +
           "\n";
}

Result<NetworkFile> NetworkFile::decode(std::string_view text) {
    json::error_code failed;
    const auto value = json::parse(text, failed);
    if (failed || !value.is_object())
        return Error{ErrorKind::corrupt, "network.json is damaged; start the network again"};
    const auto& object = value.get_object();
    NetworkFile out;
    out.ledger = text_of(object, "ledger");
    out.gateway = text_of(object, "gateway");
    out.http = text_of(object, "http");
    out.eth_rpc = text_of(object, "eth_rpc");
    out.pid = number_of(object, "pid");
    if (const auto* list = object.if_contains("processes"); list != nullptr && list->is_array())
        for (const auto& entry : list->get_array()) {
            if (!entry.is_object()) continue;
            const auto& process = entry.get_object();
            out.processes.push_back({text_of(process, "name"), text_of(process, "role"),
                                     text_of(process, "endpoint"), text_of(process, "address"),
                                     number_of(process, "pid")});
        }
    return out;
}

Result<std::unique_ptr<Session>> Session::open(const GlobalOptions& options) {
    TRY(auto disk, os::PosixDisk::open_folder(options.home));
    return std::unique_ptr<Session>(new Session(options, std::move(disk)));
}

Result<NetworkFile> Session::network_file() {
    if (!options_.ledger.empty()) {
        NetworkFile out;
        out.ledger = options_.ledger;
        return out;
    }
    auto bytes = disk_->read_file(kNetworkFile, kNetworkFileMax);
    if (!bytes.ok() && bytes.error().kind != ErrorKind::not_found) return std::move(bytes).error();
    if (!bytes.ok())
        return Error{ErrorKind::not_found, "no network is running with home folder " +
                                               options_.home + "; start one with: mutirao up"};
    return NetworkFile::decode(as_text(*bytes));
}

Status Session::connect() {
    TRY(auto file, network_file());
    gateway_ = file.gateway;
    ledger_ = std::make_unique<node::LedgerClient>(network_, file.ledger);
    directory_ = std::make_unique<node::Directory>(*ledger_, clock_);
    auto status = ledger_->status();
    if (!status.ok())
        return Error{status.error().kind, "the network's ledger does not answer (" +
                                              status.error().message +
                                              "); start it again with: mutirao up"};
    chain_id_ = status->genesis.chain_id;
    return {};
}

Result<std::string> Session::password() {
    if (const char* given = std::getenv("MUTIRAO_PASSWORD"); given != nullptr)
        return std::string(given);
    if (!os::is_terminal(STDIN_FILENO))
        return Error{ErrorKind::permission_denied,
                     "the wallet's password is needed: set MUTIRAO_PASSWORD, or run at a terminal"};
    std::cerr << "Wallet password: " << std::flush;
    termios before{};
    ::tcgetattr(STDIN_FILENO, &before);
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    std::string typed;
    std::getline(std::cin, typed);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << std::endl;
    return typed;
}

Result<crypto::AccountKey> Session::open_wallet(const std::string& name) {
    if (name.empty()) {
        TRY(auto all, wallets_.list());
        if (all.size() != 1)
            return Error{ErrorKind::invalid_argument, "say whose wallet: --wallet NAME"};
        return open_wallet(all.front().name);
    }
    // Before the password is asked for.
    if (auto known = wallets_.address(name); !known.ok()) return std::move(known).error();
    TRY(auto secret, password());
    return wallets_.open(name, secret);
}

crypto::KeystoreStrength wallet_strength() {
    crypto::KeystoreStrength strength;
    const char* wish = std::getenv("MUTIRAO_WALLET_STRENGTH");
    if (wish != nullptr && std::string_view(wish) == "light") strength.scrypt_n = 1 << 12;
    return strength;
}

}  // namespace mutirao::cli

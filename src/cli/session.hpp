// What every command that talks to a running network needs: the home folder, wallets, the network's
// addresses, and clients to it.
#pragma once

#include <memory>
#include <string>

#include "cli/output.hpp"
#include "cli/wallets.hpp"
#include "net/grpc_network.hpp"
#include "node/directory.hpp"
#include "node/wire/service.hpp"
#include "os/clock.hpp"
#include "os/disk.hpp"
#include "os/random.hpp"

namespace mutirao::cli {

struct GlobalOptions {
    std::string home;  // --home, $MUTIRAO_HOME, ~/.mutirao
    bool json = false;
    std::string password;  // $MUTIRAO_PASSWORD, or asked for
    std::string ledger;    // --ledger: instead of the home folder's network
};

// Where `mutirao up` says its network is: "network.json" in the home folder.
struct NetworkFile {
    std::string ledger;   // host:port
    std::string gateway;  // host:port
    std::string http;     // URL of the status page
    std::string eth_rpc;  // URL for wallets
    struct Process {
        std::string name;
        std::string role;
        std::string endpoint;
        std::string address;
        int pid = 0;
    };
    std::vector<Process> processes;
    int pid = 0;  // of `mutirao up`

    std::string encode() const;
    static Result<NetworkFile> decode(std::string_view text);
};
inline constexpr std::string_view kNetworkFile = "network.json";

// One command's clients. Made for the main thread.
class Session {
  public:
    // Opens the home folder; does not need a network.
    static Result<std::unique_ptr<Session>> open(const GlobalOptions& options);

    const GlobalOptions& options() const { return options_; }
    const Output& out() const { return out_; }
    os::SystemClock& clock() { return clock_; }
    os::SystemRandom& random() { return random_; }
    Disk& disk() { return *disk_; }
    Wallets& wallets() { return wallets_; }
    net::GrpcNetwork& network() { return network_; }

    // not_found "no network is running ... mutirao up" when there is none.
    Result<NetworkFile> network_file();
    Status connect();
    // After connect():
    node::LedgerClient& ledger() { return *ledger_; }
    node::Directory& directory() { return *directory_; }
    const std::string& gateway() const { return gateway_; }
    std::uint64_t chain_id() const { return chain_id_; }

    // The password for wallets: from the environment, or asked for at the terminal.
    Result<std::string> password();
    Result<crypto::AccountKey> open_wallet(const std::string& name);

    // A call to the gateway.
    template <class Reply>
    Result<Reply> ask_gateway(std::string_view method, const google::protobuf::MessageLite& request,
                              Duration deadline = std::chrono::seconds(120)) {
        if (gateway_.empty())
            return Error{ErrorKind::invalid_argument,
                         "this needs a gateway, and --ledger names none: use the home folder of a "
                         "network"};
        return node::wire::call<Reply>(network_, gateway_, method, request, deadline);
    }

  private:
    Session(const GlobalOptions& options, std::unique_ptr<os::PosixDisk> disk)
        : options_(options),
          out_(options.json),
          disk_(std::move(disk)),
          wallets_(*disk_, random_),
          // Commands call as nobody in particular: what a wallet has to say, it signs.
          network_(crypto::make_peer_certificate(crypto::AccountKey::generate(random_))) {}

    const GlobalOptions options_;
    const Output out_;
    os::SystemClock clock_;
    os::SystemRandom random_;
    std::unique_ptr<os::PosixDisk> disk_;
    Wallets wallets_;
    net::GrpcNetwork network_;
    std::unique_ptr<node::LedgerClient> ledger_;
    std::unique_ptr<node::Directory> directory_;
    std::string gateway_;
    std::uint64_t chain_id_ = 0;
};

// Standard strength, or a light one when $MUTIRAO_WALLET_STRENGTH is "light" (tests).
crypto::KeystoreStrength wallet_strength();

}  // namespace mutirao::cli

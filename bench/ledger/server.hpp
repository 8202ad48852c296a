// What is measured: the ledger's own process, and other people's programs, each in a folder of its
// own and stopped with the object.
#pragma once

#include <filesystem>
#include <string>

#include "ledger/client.hpp"
#include "os/process.hpp"

namespace mutirao::bench {

class Server {
  public:
    // `mutirao node --role ledger` over a chain that begins with the snapshot.
    static Result<Server> ledger(const std::filesystem::path& folder, const Chain& chain);
    // Ethereum's development node (npm: @foundry-rs/anvil) with these accounts; blocks each second.
    // not_found when bench/ledger/prepare has not installed it.
    static Result<Server> anvil(const std::filesystem::path& folder, const Chain& chain);
    // CometBFT with its built-in example application, one validator that waits for nobody. The
    // program is $COMETBFT, what bootstrap installed, or `cometbft` in the PATH; not_found without.
    static Result<Server> kvstore(const std::filesystem::path& folder);

    std::uint16_t port() const { return port_; }  // of its JSON-RPC
    // Of the ledger's control side: ACCOUNT@HOST:PORT.
    std::string endpoint() const;
    double cpu_s() const;
    std::uint64_t peak_bytes() const { return status_bytes("VmHWM:"); }
    std::uint64_t resident_bytes() const { return status_bytes("VmRSS:"); }
    // Of a ledger: in blocks after its newest snapshot, once none is being written.
    Result<std::uint64_t> transactions_since_snapshot(Connection& connection) const;
    bool writes_snapshot() const;
    std::string log() const;
    // As when the power fails; then starts it again and returns the milliseconds until it answers.
    Result<double> kill_and_restart();

  private:
    Server(os::Command command, os::Process process, std::filesystem::path folder)
        : command_(std::move(command)), process_(std::move(process)), folder_(std::move(folder)) {}
    static Result<Server> start(os::Command command, const std::filesystem::path& folder);
    // Reads the port of the ledger's wallets' address, once it is there.
    Status wait_for_ledger();
    std::uint64_t status_bytes(std::string_view name) const;
    // Until it answers `method` at port_.
    Status wait_for(std::string_view method);

    os::Command command_;
    os::Process process_;
    std::filesystem::path folder_;
    std::uint16_t port_ = 0;
};

// The next nonces of the accounts, at the latest block: how many of each one's transactions are in.
Result<std::vector<std::uint64_t>> nonces(Connection& connection,
                                          std::span<const Address> addresses);
// Transactions that wait for a block at an Ethereum node, or at CometBFT.
Result<std::uint64_t> waiting_at_ethereum(Connection& connection);
Result<std::uint64_t> waiting_at_comet(Connection& connection);
// What its example application has taken from blocks.
Result<std::uint64_t> pairs_at_comet(Connection& connection);

}  // namespace mutirao::bench

// The load: one connection a thread, each with one batch in flight. It spends as little as it can,
// because it has to share the machine with what is measured.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/ports.hpp"
#include "ledger/work.hpp"

namespace mutirao::bench {

// One JSON-RPC connection. One thread at a time. Errors are `unavailable`.
class Connection {
  public:
    virtual ~Connection() = default;
    // The answer to a body.
    virtual Result<std::string> exchange(std::string_view body) = 0;
    // The next message that answers nothing: a subscription's, on a WebSocket only.
    virtual Result<std::string> receive() {
        return Error{ErrorKind::unavailable, "nothing comes unasked over HTTP"};
    }
};
using Opener = std::function<Result<std::unique_ptr<Connection>>()>;

// To a port of this machine.
Opener over_http(std::uint16_t port);
Opener over_websocket(std::uint16_t port);

// One call: its result, as text. Fails with the server's words.
Result<std::string> call(Connection& connection, std::string_view method, std::string_view params);

// What a server said to a batch.
struct Verdict {
    std::size_t accepted = 0;
    bool no_room = false;  // for some of them, now
    std::string trouble;   // the first refusal that is no lack of room
};

// Sends batches over a connection of its own. One thread at a time. A failed send is the end of it.
class Sender {
  public:
    virtual ~Sender() = default;
    virtual Result<Verdict> send(std::span<const Bytes> transactions) = 0;
};
using SenderOpener = std::function<Result<std::unique_ptr<Sender>>(std::size_t row)>;

// Writes some transactions as one body.
using Render = std::function<std::string(std::span<const Bytes> transactions)>;
// A batch of eth_sendRawTransaction.
std::string render_ethereum(std::span<const Bytes> transactions);
SenderOpener by_json(Opener open, Render render);

struct Load {
    SenderOpener open;
    std::size_t batch = 100;
    Duration lasts;
};
struct Loaded {
    std::uint64_t accepted = 0;
    std::uint64_t sent_again = 0;  // batches: the server had no room
    std::string trouble;           // the first refusal that is no lack of room
    double client_cpu_s = 0;
    Duration began{};                   // steady clock
    std::vector<std::size_t> row_ends;  // how far each row came
};
// Sends each row over a connection of its own until the time is over. A batch that found no room is
// sent again a moment later.
Loaded run_load(const Load& load, const std::vector<Sequence>& rows);

// A transaction that was watched, on the steady clock.
struct Probe {
    Duration sent_at{}, final_at{};  // final: its receipt had been read
    std::uint64_t block = 0;
};
// Sends the transactions one after another, with a pause between, and asks for each one's receipt
// every few ms; ends when the time is over.
std::vector<Probe> probe_finality(const Opener& open, const Sequence& row, Duration lasts);
// Milliseconds from sending to the receipt, ascending.
std::vector<double> finality_ms(const std::vector<Probe>& probes);

}  // namespace mutirao::bench

// The answering end of data channels: framed requests and answers over TCP for whatever moves many
// bytes. A caller opens one with a ticket that this end handed out over an authenticated
// connection. Nothing is encrypted: fragments are ciphertext already, and both ends check what they
// get against commitments. docs/reference/data-channel.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/ports.hpp"
#include "net/caller.hpp"
#include "net/channel_frame.hpp"

namespace mutirao::net {

struct ChannelLimits {
    std::size_t connections_max = 256;        // that have greeted, in all
    std::size_t caller_connections_max = 16;  // of one caller
    // That have not greeted yet; the oldest makes room.
    std::size_t greeting_max = 64;         // in all
    std::size_t origin_greeting_max = 16;  // from one IP address
    std::size_t calls_max = 64;  // of one connection, received or being handled; others wait
    std::size_t message_bytes_max = 20 << 20;  // a request; a longer one ends the connection
    // Requests that are coming or being handled. Beyond, nothing more is read: the sender waits.
    std::size_t bytes_max = 64 << 20;         // of all callers
    std::size_t caller_bytes_max = 32 << 20;  // of one
    // Answers that wait to be sent. From here on nothing more is read and no handler starts, so
    // there are at most the answers of `handlers_max` handlers more.
    std::size_t answer_bytes_max = 128 << 20;        // of all callers
    std::size_t caller_answer_bytes_max = 32 << 20;  // of one
    // Threads that run the handler. Callers take turns, and one leaves some to others.
    std::size_t handlers_max = 8;
    std::size_t caller_handlers_max = 6;
    Duration ticket_life = std::chrono::seconds(60);
    std::size_t tickets_max = 4096;                       // the oldest makes room
    std::size_t caller_tickets_max = 64;                  // of one caller; likewise
    Duration greeting_timeout = std::chrono::seconds(5);  // from the connection on
    // While a frame comes, or answers are to be sent, so many bytes or all of them move in each
    // such time.
    Duration progress_timeout = std::chrono::seconds(10);
    std::size_t progress_bytes_min = 64 << 10;
    Duration keep_alive_every = std::chrono::seconds(3);  // while calls wait or are handled
    Duration idle_timeout = std::chrono::minutes(5);
    Duration stop_grace = std::chrono::seconds(5);  // for calls in flight when stopping
};

class ChannelServer {
  public:
    // Listens on any "HOST:PORT" of this machine; port 0 picks a free one. `serve` runs on several
    // threads at once; what it throws answers `io`. Fails: invalid_argument (no such address),
    // unavailable (the port is taken). `random` outlives the server.
    static Result<std::unique_ptr<ChannelServer>> start(const std::string& listen_address,
                                                        Serve serve, Random& random,
                                                        ChannelLimits limits = {},
                                                        Admit admit = {});
    // Stops.
    ~ChannelServer();
    ChannelServer(const ChannelServer&) = delete;
    ChannelServer& operator=(const ChannelServer&) = delete;

    std::uint16_t port() const;
    // Lets `caller` open channels for limits.ticket_life. Any thread.
    ChannelTicket grant(const Caller& caller);
    // Accepts no more connections or requests, lets calls in flight finish for stop_grace, cuts off
    // the rest, and waits for handlers to return. Any thread but a handler's; a second call does
    // nothing.
    void stop();

  private:
    struct Impl;
    explicit ChannelServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mutirao::net

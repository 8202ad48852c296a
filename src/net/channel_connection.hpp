// One connection of a ChannelServer, and what the connections of a server share. Private to net:
// includes Asio. All on the server's I/O thread unless said otherwise.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/buffer_pool.hpp"
#include "net/channel_server.hpp"
#include "net/channel_stream.hpp"
#include "net/fair_queue.hpp"
#include "net/worker_pool.hpp"

namespace mutirao::net {

class ChannelConnection;

// A request that is whole.
struct ChannelCall {
    std::shared_ptr<ChannelConnection> connection;
    FrameHeader header;
    BufferPool::Buffer request;  // method and payload
};

// What one caller has under way on all its connections.
struct CallerLoad {
    std::size_t connections = 0;
    std::size_t request_bytes = 0;  // that come, wait or are handled
    std::size_t answer_bytes = 0;   // to be sent
    std::size_t handlers = 0;       // that run
    bool operator==(const CallerLoad&) const = default;
};

struct ChannelShared {
    ChannelShared(Serve serve_with, Random& random_with, const ChannelLimits& with,
                  Admit admit_with);

    struct Granted {
        ChannelTicket ticket;
        Caller caller;
        std::chrono::steady_clock::time_point ends;
    };

    // Whether so many bytes more of requests may come from this caller.
    bool has_room(const std::string& caller, std::size_t bytes) const;
    // Whether what this caller and all of them have to be sent leaves room for more answers.
    bool has_room_for_answers(const std::string& caller) const;

    // Of an open connection's caller; to be followed by settle() where it may have become empty.
    CallerLoad& load(const std::string& caller) { return loads[caller]; }
    void settle(const std::string& caller);

    void charge_request(const std::string& caller, std::size_t bytes);
    void discharge_request(const std::string& caller, std::size_t bytes);
    void charge_answer(const std::string& caller, std::size_t bytes);
    void discharge_answer(const std::string& caller, std::size_t bytes);
    // Something became free: handlers start, and who waits for room looks whether there is some.
    void go_on();
    void run_handlers();

    // Any thread.
    ChannelTicket grant(const Caller& caller);
    std::optional<Granted> find_ticket(const ChannelTicket::Id& id);

    const Serve serve;
    Random& random;
    const ChannelLimits limits;
    const Admit admit;
    boost::asio::io_context io{1};
    WorkerPool handlers;
    BufferPool buffers;

    std::set<std::shared_ptr<ChannelConnection>> connections;  // shared with pending operations
    std::vector<ChannelConnection*> greeting;  // of those, who has not greeted; oldest first
    std::map<std::string, CallerLoad> loads;
    std::size_t request_bytes = 0;  // of all callers
    std::size_t answer_bytes = 0;
    std::size_t running = 0;  // handlers
    FairQueue<ChannelCall> queue;
    std::list<std::weak_ptr<ChannelConnection>> waiting;  // for room, first come first served
    bool stopping = false;
    std::atomic<bool> cut_off = false;  // the grace is over: what waits for a thread is not run

    std::mutex tickets_mutex;  // guards tickets
    std::list<Granted> tickets;
};

class ChannelConnection final : public FrameSink,
                                public std::enable_shared_from_this<ChannelConnection> {
  public:
    ChannelConnection(ChannelShared& shared, boost::asio::ip::tcp::socket socket,
                      std::string origin)
        : shared_(shared), origin_(std::move(origin)) {
        stream_ = std::make_shared<ChannelStream>(std::move(socket));
    }

    // Joins the server's connections, the oldest that have not greeted making room.
    void greet();
    // Closes it when its time is over.
    void look(std::chrono::steady_clock::time_point now);
    // There may be room now.
    void leave_line() {
        in_line_ = false;
        stream_->resume();
    }
    void close(const Error& why) { stream_->close(why); }
    void leave();
    bool is_busy() const { return calls_ > 0 || stream_->bytes_to_send() > 0; }
    // The name that limits are counted by; empty before it has greeted.
    const std::string& caller() const { return name_; }
    // Starts the handler; the call is this connection's.
    void run(ChannelCall call);

    Result<std::optional<MutableByteSpan>> place(const FrameHeader& header) override;
    void arrived(const FrameHeader& header) override;
    void sent(std::size_t bytes) override;
    void closed(const Error& why) override;

  private:
    void make_room_to_greet();
    void greeted(const ChannelNonce& nonce, const ChannelGreeting& greeting);
    Status enter();
    void refuse(const Error& why);
    Result<Bytes> handle(const FrameHeader& header, ByteSpan request);  // on a handler's thread
    void answer(std::uint64_t call, std::size_t bytes, Result<Bytes> answer);
    void send(const FrameHeader& header, Bytes payload);

    ChannelShared& shared_;
    const std::string origin_;
    const std::chrono::steady_clock::time_point accepted_ = std::chrono::steady_clock::now();
    std::shared_ptr<ChannelStream> stream_;
    Caller caller_;
    std::string name_;      // of the caller, once it has greeted
    bool carries_ = false;  // frames
    bool left_ = false;
    bool wants_keep_alives_ = false;  // it has sent one itself
    bool in_line_ = false;            // of those that wait for room
    std::size_t calls_ = 0;           // that come, wait or are handled
    std::size_t answer_bytes_ = 0;    // charged
    BufferPool::Buffer coming_;
};

}  // namespace mutirao::net

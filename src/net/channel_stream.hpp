// Frames over one TCP connection, for both ends of a data channel. Private to net: includes Asio.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/ports.hpp"
#include "net/channel_frame.hpp"
#include "net/pace.hpp"

namespace mutirao::net {

// What an end does with frames. Called on the stream's I/O thread.
class FrameSink {
  public:
    virtual ~FrameSink() = default;
    // Where the method and payload of a frame that begins go, method_size + payload_size bytes;
    // nothing to wait for resume(); an error closes the stream.
    virtual Result<std::optional<MutableByteSpan>> place(const FrameHeader& header) = 0;
    // All bytes of the frame are where place() said.
    virtual void arrived(const FrameHeader& header) = 0;
    // So many bytes of what send() took have been sent, and their owners let go.
    virtual void sent(std::size_t /*bytes*/) {}
    // Once, when nothing more comes and nothing more is sent; what was not sent is dropped.
    virtual void closed(const Error& why) = 0;
};

// All on the thread of the socket's executor.
class ChannelStream final : public std::enable_shared_from_this<ChannelStream> {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit ChannelStream(boost::asio::ip::tcp::socket socket);

    // Exactly so many bytes of the greeting, or an error; before frames().
    void read_exactly(std::size_t size, std::function<void(Result<Bytes>)> done);
    void write_all(Bytes bytes, std::function<void(Status)> done);

    // From here on the stream carries frames. The sink lives until closed() was called.
    void frames(std::shared_ptr<FrameSink> sink);
    // Bytes that are sent after the header; the owner is held until they are.
    void send(const FrameHeader& header, std::string_view method, Message payload);
    // There may be room now.
    void resume();
    void close(const Error& why);

    bool is_open() const { return socket_.is_open(); }
    std::size_t bytes_to_send() const { return bytes_to_send_; }
    // The last time any byte came or went.
    Time last_progress() const { return progress_; }
    // Whether a frame, or its header, has begun to come and is not whole yet. Not while the sink
    // has no room: that is not the other end's fault.
    bool in_frame() const { return !paused_ && (header_ || end_ > begin_); }
    // When a frame was whole last, and when any byte left.
    Time last_frame() const { return last_frame_; }
    Time last_sent() const { return last_sent_; }
    // To be asked now and then: whether a frame comes, or what is to be sent goes, more slowly than
    // the rule says.
    bool comes_too_slowly(Time now, const PaceRule& rule) {
        return in_frame() && coming_.is_too_slow(now, rule);
    }
    bool goes_too_slowly(Time now, const PaceRule& rule) {
        return bytes_to_send_ > 0 && going_.is_too_slow(now, rule);
    }

  private:
    struct Outgoing {
        Bytes head;  // header and method
        Message payload;
        std::size_t size = 0;
    };

    void read_more();
    void take();
    bool take_header();
    bool take_body();
    void write_next();
    static Time now() { return std::chrono::steady_clock::now(); }
    void progressed() { progress_ = now(); }
    void received(std::size_t bytes);
    void left(std::size_t bytes);

    boost::asio::ip::tcp::socket socket_;
    std::shared_ptr<FrameSink> sink_;
    Bytes buffer_;  // small frames and headers come through here
    std::size_t begin_ = 0, end_ = 0;
    std::optional<FrameHeader> header_;  // of the frame that is coming
    MutableByteSpan body_;               // what is missing of it
    bool placed_ = false;                // the sink has said where it goes
    bool paused_ = false;                // the sink waits for room
    bool reading_ = false;
    std::deque<Outgoing> outgoing_;
    std::size_t writing_ = 0;  // of outgoing_, from the front
    std::size_t bytes_to_send_ = 0;
    Time progress_ = now();
    Time last_frame_ = now();
    Time last_sent_ = now();
    Pace coming_;
    Pace going_;
};

}  // namespace mutirao::net

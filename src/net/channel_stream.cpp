#include "net/channel_stream.hpp"

#include <algorithm>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace mutirao::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kBufferSize = 64 << 10;
// What is missing of a frame is read to its place directly from here on.
constexpr std::size_t kDirectFrom = 16 << 10;
// What is sent at once is held until all of it is.
constexpr std::size_t kPiecesAtOnce = 512;
constexpr std::size_t kBytesAtOnce = 1 << 20;

Error broken(const error_code& problem) {
    const bool ended = problem == asio::error::eof || problem == asio::error::operation_aborted;
    return {ErrorKind::unavailable,
            ended ? "the other end closed the channel" : "the channel broke: " + problem.message()};
}

}  // namespace

ChannelStream::ChannelStream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

void ChannelStream::read_exactly(std::size_t size, std::function<void(Result<Bytes>)> done) {
    auto bytes = std::make_shared<Bytes>(size);
    asio::async_read(socket_, asio::buffer(*bytes),
                     [self = shared_from_this(), bytes, done = std::move(done)](
                         const error_code& problem, std::size_t) {
                         if (problem) return done(broken(problem));
                         self->progressed();
                         done(std::move(*bytes));
                     });
}

void ChannelStream::write_all(Bytes bytes, std::function<void(Status)> done) {
    auto kept = std::make_shared<const Bytes>(std::move(bytes));
    asio::async_write(socket_, asio::buffer(*kept),
                      [self = shared_from_this(), kept, done = std::move(done)](
                          const error_code& problem, std::size_t) {
                          if (problem) return done(broken(problem));
                          self->progressed();
                          done({});
                      });
}

void ChannelStream::frames(std::shared_ptr<FrameSink> sink) {
    sink_ = std::move(sink);
    buffer_.resize(kBufferSize);
    progressed();
    read_more();
}

void ChannelStream::close(const Error& why) {
    if (!socket_.is_open()) return;
    error_code ignored;
    socket_.close(ignored);
    const auto sink = std::move(sink_);
    sink_ = nullptr;
    if (sink) sink->closed(why);
}

void ChannelStream::resume() {
    if (!paused_ || !is_open()) return;
    paused_ = false;
    take();
    if (!paused_) {  // from now on the rest is waited for
        progressed();
        coming_.began(progress_);
    }
    if (!paused_ && is_open()) read_more();
}

void ChannelStream::read_more() {
    if (reading_ || paused_ || !is_open()) return;
    reading_ = true;
    if (body_.size() >= kDirectFrom) {
        asio::async_read(
            socket_, asio::buffer(body_.data(), body_.size()),
            [self = shared_from_this(), before = std::size_t{0}](
                const error_code& problem, std::size_t size) mutable -> std::size_t {
                self->received(size - std::exchange(before, size));
                return problem ? 0 : std::size_t{1} << 20;
            },
            [self = shared_from_this()](const error_code& problem, std::size_t) {
                self->reading_ = false;
                if (problem) return self->close(broken(problem));
                self->body_ = {};
                self->take();
                self->read_more();
            });
        return;
    }
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= std::exchange(begin_, 0);
    socket_.async_read_some(
        asio::buffer(buffer_.data() + end_, buffer_.size() - end_),
        [self = shared_from_this()](const error_code& problem, std::size_t size) {
            self->reading_ = false;
            if (problem) return self->close(broken(problem));
            self->received(size);
            self->end_ += size;
            self->take();
            self->read_more();
        });
}

void ChannelStream::received(std::size_t bytes) {
    if (bytes == 0) return;  // Asio asks before the first byte, too
    progressed();
    if (!in_frame()) coming_.began(progress_);
    coming_.moved(bytes);
}

void ChannelStream::left(std::size_t bytes) {
    if (bytes == 0) return;
    progressed();
    last_sent_ = progress_;
    going_.moved(bytes);
}

// Goes through what is in the buffer.
void ChannelStream::take() {
    while (is_open() && take_header() && take_body()) {
    }
}

bool ChannelStream::take_header() {
    if (placed_) return true;
    if (!header_) {
        if (end_ - begin_ < FrameHeader::kSize) return false;
        auto header = FrameHeader::decode(std::span<const std::uint8_t, FrameHeader::kSize>(
            &buffer_[begin_], FrameHeader::kSize));
        if (!header.ok()) {
            close(header.error());
            return false;
        }
        begin_ += FrameHeader::kSize;
        header_ = *header;
    }
    auto place = sink_->place(*header_);
    if (!place.ok()) {
        close(place.error());
        return false;
    }
    paused_ = !place->has_value();
    if (paused_) return false;
    body_ = **place;
    placed_ = true;
    return true;
}

bool ChannelStream::take_body() {
    const auto size = std::min(body_.size(), end_ - begin_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), size, body_.begin());
    begin_ += size;
    body_ = body_.subspan(size);
    if (!body_.empty()) return false;
    const auto header = *header_;
    header_.reset();
    placed_ = false;
    body_ = {};
    last_frame_ = now();
    coming_.began(last_frame_);
    sink_->arrived(header);
    return true;
}

void ChannelStream::send(const FrameHeader& header, std::string_view method, Message payload) {
    if (!is_open()) return;
    Outgoing out;
    out.head.resize(FrameHeader::kSize);
    header.encode(std::span<std::uint8_t, FrameHeader::kSize>(out.head.data(), FrameHeader::kSize));
    const auto name = as_bytes(method);
    out.head.insert(out.head.end(), name.begin(), name.end());
    out.payload = std::move(payload);
    out.size = out.head.size() + header.payload_size;
    if (bytes_to_send_ == 0) {  // from now on it is waited for
        progressed();
        going_.began(progress_);
    }
    bytes_to_send_ += out.size;
    outgoing_.push_back(std::move(out));
    write_next();
}

void ChannelStream::write_next() {
    if (writing_ > 0 || outgoing_.empty() || !is_open()) return;
    std::vector<asio::const_buffer> buffers;
    std::size_t size = 0;
    while (writing_ < outgoing_.size() && buffers.size() < kPiecesAtOnce && size < kBytesAtOnce) {
        const auto& out = outgoing_[writing_++];
        size += out.size;
        buffers.emplace_back(out.head.data(), out.head.size());
        for (const auto& piece : out.payload.pieces)
            buffers.emplace_back(piece.data(), piece.size());
    }
    asio::async_write(
        socket_, buffers,
        [self = shared_from_this(), before = std::size_t{0}](
            const error_code& problem, std::size_t all) mutable -> std::size_t {
            self->left(all - std::exchange(before, all));
            return problem ? 0 : std::size_t{1} << 20;
        },
        [self = shared_from_this(), size](const error_code& problem, std::size_t) {
            for (; self->writing_ > 0; --self->writing_) self->outgoing_.pop_front();
            self->bytes_to_send_ -= size;
            if (problem) return self->close(broken(problem));
            self->write_next();  // before the sink, which may add to what is to be sent
            if (const auto sink = self->sink_) sink->sent(size);
        });
}

}  // namespace mutirao::net

#include "os/local_socket.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <poll.h>
#include <sys/socket.h>

#include "os/clock.hpp"
#include "os/shared_memory.hpp"
#include "os/unix_server.hpp"

namespace mutirao::os {
namespace {

union ControlRoom {  // of one descriptor, aligned as the kernel wants it
    cmsghdr header;
    std::array<char, CMSG_SPACE(sizeof(int))> bytes;
};

// Errno, or 0.
int send_message(int socket, ByteSpan bytes, int descriptor) {
    iovec piece{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    ControlRoom control{};
    if (descriptor >= 0) {
        message.msg_control = control.bytes.data();
        message.msg_controllen = control.bytes.size();
        auto* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    for (;;) {
        if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return 0;
        if (errno != EINTR) return errno;
    }
}

struct Received {
    Bytes bytes;
    Descriptor descriptor;
};

// One message; nothing when the other end has gone, or sent what nobody here sends.
std::optional<Received> receive_message(int socket) {
    Received out;
    out.bytes.resize(kLocalMessageMax);
    iovec piece{out.bytes.data(), out.bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    ControlRoom control{};
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    ssize_t got = 0;
    do got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return std::nullopt;
    for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            int descriptor = -1;  // the room holds no more than one
            std::memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
            out.descriptor = Descriptor(descriptor);
        }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return std::nullopt;
    out.bytes.resize(static_cast<std::size_t>(got));
    return out;
}

class SocketLine final : public LocalLine {
  public:
    SocketLine(Descriptor socket, std::string path)
        : socket_(std::move(socket)), path_(std::move(path)) {}

    Result<LocalMessage> call(ByteSpan request, Duration deadline) override {
        const std::lock_guard lock(mutex_);
        if (!socket_) return gone();
        if (request.empty() || request.size() > kLocalMessageMax)
            return Error{ErrorKind::invalid_argument, "a local message has 1 to 65536 bytes"};
        if (send_message(socket_.get(), request, -1) != 0) return close();
        if (!wait(deadline)) {
            socket_.close();  // a late answer must not be taken for the next call's
            return Error{ErrorKind::timeout,
                         "the node at " + path_ + " did not answer in time; connect again"};
        }
        auto received = receive_message(socket_.get());
        if (!received) return close();
        LocalMessage out{std::move(received->bytes), nullptr};
        if (received->descriptor) {
            TRY(out.memory, map_shared(std::move(received->descriptor)));
        }
        return out;
    }

  private:
    bool wait(Duration deadline) {
        const auto until = clock_.monotonic() + deadline;
        for (;;) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(until - clock_.monotonic()).count();
            pollfd wanted{socket_.get(), POLLIN, 0};
            const int ready =
                ::poll(&wanted, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30)));
            if (ready > 0) return true;
            if (ready == 0 || errno != EINTR) return false;
        }
    }
    Error gone() const {
        return Error{ErrorKind::unavailable, "the node at " + path_ +
                                                 " has gone; what is mapped can still be read, for "
                                                 "more connect again or to another node"};
    }
    Error close() {
        socket_.close();
        return gone();
    }

    std::mutex mutex_;  // guards socket_
    Descriptor socket_;
    const std::string path_;
    SystemClock clock_;
};

}  // namespace

Result<std::unique_ptr<LocalLine>> connect_local(const std::string& path) {
    TRY(auto address, UnixAddress::of(path));
    Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!socket) return errno_error("cannot make a socket", errno);
    if (::connect(socket.get(), address.get(), sizeof(address.address)) != 0) {
        auto error = errno_error("nobody serves " + path, errno);
        if (error.kind != ErrorKind::permission_denied) error.kind = ErrorKind::unavailable;
        return error;
    }
    if (!is_same_user(socket.get()))
        return Error{ErrorKind::permission_denied, path + " is served by another user"};
    return std::unique_ptr<LocalLine>(std::make_unique<SocketLine>(std::move(socket), path));
}

struct LocalServer::Impl {
    Impl(LocalService& service, LocalLimits limits) : service(service), limits(limits) {}

    void serve(int socket);

    LocalService& service;
    const LocalLimits limits;
    std::atomic<std::uint64_t> admitted = 0;
    std::unique_ptr<UnixServer> server;  // last: it ends first
};

void LocalServer::Impl::serve(int socket) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limits.send_patience);
    const timeval patience{std::max<time_t>(1, seconds.count()), 0};
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    const auto number = ++admitted;
    for (;;) {
        const auto received = receive_message(socket);
        if (!received || received->descriptor) break;
        auto answer = service.answer(number, received->bytes);
        if (!answer.ok()) break;
        const int memory = answer->memory ? answer->memory->descriptor() : -1;
        if (send_message(socket, answer->bytes, memory) != 0) break;
    }
    service.gone(number);
}

Result<std::unique_ptr<LocalServer>> LocalServer::start(const std::string& path,
                                                        LocalService& service, LocalLimits limits) {
    auto impl = std::make_unique<Impl>(service, limits);
    TRY(impl->server, UnixServer::start(path, SOCK_SEQPACKET, limits.clients_max,
                                        [impl = impl.get()](int socket) { impl->serve(socket); }));
    return std::unique_ptr<LocalServer>(new LocalServer(std::move(impl)));
}

LocalServer::LocalServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalServer::~LocalServer() = default;

std::size_t LocalServer::clients() const { return impl_->server->clients(); }

}  // namespace mutirao::os

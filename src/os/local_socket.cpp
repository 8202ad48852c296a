#include "os/local_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <list>
#include <mutex>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "os/clock.hpp"
#include "os/folder.hpp"
#include "os/shared_memory.hpp"

namespace mutirao::os {
namespace {

// Names longer than an address can hold are reached through their open folder.
struct SocketAddress {
    sockaddr_un address{};
    Descriptor folder;

    static Result<SocketAddress> of(const std::string& path) {
        SocketAddress out;
        out.address.sun_family = AF_UNIX;
        std::string name = path;
        if (name.size() >= sizeof(out.address.sun_path)) {
            out.folder =
                Descriptor(open_retrying(AT_FDCWD, folder_of(path).c_str(), O_PATH | O_DIRECTORY));
            if (!out.folder) return errno_error("cannot open " + folder_of(path), errno);
            name = "/proc/self/fd/" + std::to_string(out.folder.get()) + "/" +
                   path.substr(path.find_last_of('/') + 1);
        }
        if (name.empty() || name.size() >= sizeof(out.address.sun_path))
            return Error{ErrorKind::invalid_argument, "\"" + path + "\" can be no socket's path"};
        std::memcpy(out.address.sun_path, name.data(), name.size());
        return out;
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Descriptor make_socket() { return Descriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)); }

// Whether the other end is a process of the user that this one runs as.
bool is_same_user(int socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.uid == ::geteuid();
}

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
    TRY(auto address, SocketAddress::of(path));
    auto socket = make_socket();
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
    struct Client {
        Descriptor socket;
        std::thread thread;
        bool ended = false;  // with `mutex`
    };

    Impl(std::string path, LocalService& service, LocalLimits limits)
        : path(std::move(path)), service(service), limits(limits) {}

    Status listen();
    void accept_all();
    void admit(Descriptor socket);
    void serve(Client& client, std::uint64_t number);
    void join_ended();

    const std::string path;
    LocalService& service;
    const LocalLimits limits;
    Descriptor socket, wake_reader, wake_writer;
    std::thread acceptor;

    mutable std::mutex mutex;  // guards everything below
    std::list<Client> clients;
    std::uint64_t admitted = 0;
};

Status LocalServer::Impl::listen() {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) == 0) {
        if (!S_ISSOCK(facts.st_mode))
            return Error{ErrorKind::invalid_argument, path + " is there, and is no socket"};
        if (connect_local(path).ok())
            return Error{ErrorKind::already_exists, "another process serves " + path};
        ::unlink(path.c_str());
    }
    TRY(auto address, SocketAddress::of(path));
    socket = make_socket();
    // Before it has a name: nobody else ever sees it with another mode.
    if (!socket || ::fchmod(socket.get(), 0600) != 0 ||
        ::bind(socket.get(), address.get(), sizeof(address.address)) != 0 ||
        ::listen(socket.get(), 64) != 0)
        return errno_error("cannot listen at " + path, errno);
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return errno_error("cannot make a pipe", errno);
    wake_reader = Descriptor(pipe[0]);
    wake_writer = Descriptor(pipe[1]);
    acceptor = std::thread([this] { accept_all(); });
    return {};
}

void LocalServer::Impl::accept_all() {
    for (;;) {
        std::array<pollfd, 2> wanted{pollfd{socket.get(), POLLIN, 0},
                                     pollfd{wake_reader.get(), POLLIN, 0}};
        if (::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) return;
        if (wanted[1].revents != 0) return;
        if (wanted[0].revents == 0) continue;
        Descriptor accepted(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
        join_ended();
        if (accepted && is_same_user(accepted.get())) admit(std::move(accepted));
    }
}

void LocalServer::Impl::admit(Descriptor accepted) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limits.send_patience);
    const timeval patience{std::max<time_t>(1, seconds.count()), 0};
    ::setsockopt(accepted.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    const std::lock_guard lock(mutex);
    if (clients.size() >= limits.clients_max) return;
    auto& client = clients.emplace_back();
    client.socket = std::move(accepted);
    client.thread = std::thread([this, &client, number = ++admitted] { serve(client, number); });
}

void LocalServer::Impl::serve(Client& client, std::uint64_t number) {
    for (;;) {
        const auto received = receive_message(client.socket.get());
        if (!received || received->descriptor) break;
        auto answer = service.answer(number, received->bytes);
        if (!answer.ok()) break;
        const int memory = answer->memory ? answer->memory->descriptor() : -1;
        if (send_message(client.socket.get(), answer->bytes, memory) != 0) break;
    }
    service.gone(number);
    const std::lock_guard lock(mutex);
    ::shutdown(client.socket.get(), SHUT_RDWR);
    client.ended = true;
}

void LocalServer::Impl::join_ended() {
    std::list<Client> ended;
    {
        const std::lock_guard lock(mutex);
        for (auto at = clients.begin(); at != clients.end();) {
            const auto next = std::next(at);
            if (at->ended) ended.splice(ended.end(), clients, at);
            at = next;
        }
    }
    for (auto& client : ended) client.thread.join();
}

Result<std::unique_ptr<LocalServer>> LocalServer::start(const std::string& path,
                                                        LocalService& service, LocalLimits limits) {
    auto impl = std::make_unique<Impl>(path, service, limits);
    TRY_VOID(impl->listen());
    return std::unique_ptr<LocalServer>(new LocalServer(std::move(impl)));
}

LocalServer::LocalServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LocalServer::~LocalServer() {
    impl_->wake_writer.close();
    impl_->acceptor.join();
    ::unlink(impl_->path.c_str());
    {
        const std::lock_guard lock(impl_->mutex);
        for (auto& client : impl_->clients) ::shutdown(client.socket.get(), SHUT_RDWR);
    }
    for (auto& client : impl_->clients) client.thread.join();
}

std::size_t LocalServer::clients() const {
    const std::lock_guard lock(impl_->mutex);
    std::size_t count = 0;
    for (const auto& client : impl_->clients) count += !client.ended;
    return count;
}

}  // namespace mutirao::os

#include "os/stream_socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <list>
#include <mutex>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "os/descriptor.hpp"

namespace mutirao::os {
namespace {

constexpr std::size_t kPiece = 64 << 10;

bool send_all(int socket, ByteSpan bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return true;
}

bool is_same_user(int socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.uid == ::geteuid();
}

}  // namespace

struct StreamServer::Impl {
    struct Client {
        Descriptor socket;
        std::thread thread;
        bool ended = false;  // with `mutex`
    };

    Status listen();
    void accept_all();
    void admit(Descriptor accepted);
    void serve(Client& client, const StreamTalk& talk);
    void join_ended();

    std::string path;
    std::function<StreamTalk()> begin;
    Descriptor socket, wake_reader, wake_writer;
    std::thread acceptor;
    std::mutex mutex;  // guards everything below
    std::list<Client> clients;
};

Status StreamServer::Impl::listen() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    static_assert(kSocketPathMax + 1 == sizeof(address.sun_path));
    if (path.empty() || path.size() > kSocketPathMax)
        return Error{ErrorKind::invalid_argument,
                     "\"" + path + "\" is too long for a socket; use a folder with a shorter path"};
    std::memcpy(address.sun_path, path.data(), path.size());
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) == 0) {
        if (!S_ISSOCK(facts.st_mode))
            return Error{ErrorKind::invalid_argument, path + " is there, and is no socket"};
        ::unlink(path.c_str());
    }
    socket = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Before it has a name: nobody else ever sees it with another mode.
    if (!socket || ::fchmod(socket.get(), 0600) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(socket.get(), kStreamClientsMax) != 0)
        return errno_error("cannot listen at " + path, errno);
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return errno_error("cannot make a pipe", errno);
    wake_reader = Descriptor(pipe[0]);
    wake_writer = Descriptor(pipe[1]);
    acceptor = std::thread([this] { accept_all(); });
    return {};
}

void StreamServer::Impl::accept_all() {
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

void StreamServer::Impl::admit(Descriptor accepted) {
    const std::lock_guard lock(mutex);
    if (clients.size() >= kStreamClientsMax) return;
    auto& client = clients.emplace_back();
    client.socket = std::move(accepted);
    client.thread = std::thread([this, &client, talk = begin()] { serve(client, talk); });
}

void StreamServer::Impl::serve(Client& client, const StreamTalk& talk) {
    Bytes room(kPiece);
    for (;;) {
        const auto got = ::recv(client.socket.get(), room.data(), room.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        const auto answer = talk(ByteSpan(room).first(static_cast<std::size_t>(got)));
        if (!answer.ok() || !send_all(client.socket.get(), *answer)) break;
    }
    const std::lock_guard lock(mutex);
    ::shutdown(client.socket.get(), SHUT_RDWR);
    client.ended = true;
}

void StreamServer::Impl::join_ended() {
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

Result<std::unique_ptr<StreamServer>> StreamServer::start(const std::string& path,
                                                          std::function<StreamTalk()> begin) {
    auto impl = std::make_unique<Impl>();
    impl->path = path;
    impl->begin = std::move(begin);
    TRY_VOID(impl->listen());
    return std::unique_ptr<StreamServer>(new StreamServer(std::move(impl)));
}

StreamServer::StreamServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StreamServer::~StreamServer() {
    impl_->wake_writer.close();
    impl_->acceptor.join();
    ::unlink(impl_->path.c_str());
    {
        const std::lock_guard lock(impl_->mutex);
        for (auto& client : impl_->clients) ::shutdown(client.socket.get(), SHUT_RDWR);
    }
    for (auto& client : impl_->clients) client.thread.join();
}

}  // namespace mutirao::os

#include "os/unix_server.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/folder.hpp"

namespace mutirao::os {
namespace {

constexpr int kBacklog = 64;

bool somebody_listens(const UnixAddress& address, int type) {
    const Descriptor caller(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    return caller && ::connect(caller.get(), address.get(), sizeof(address.address)) == 0;
}

}  // namespace

Result<UnixAddress> UnixAddress::of(const std::string& path) {
    UnixAddress out;
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

bool is_same_user(int socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.uid == ::geteuid();
}

UnixServer::UnixServer(std::string path, std::size_t clients_max, Serve serve)
    : path_(std::move(path)), clients_max_(clients_max), serve_(std::move(serve)) {}

Result<std::unique_ptr<UnixServer>> UnixServer::start(const std::string& path, int type,
                                                      std::size_t clients_max, Serve serve) {
    std::unique_ptr<UnixServer> out(new UnixServer(path, clients_max, std::move(serve)));
    // The thread begins last: until then there is nothing to end.
    if (auto listening = out->listen(type); !listening.ok()) return std::move(listening).error();
    return out;
}

Status UnixServer::listen(int type) {
    TRY(auto address, UnixAddress::of(path_));
    struct stat facts {};
    if (::lstat(path_.c_str(), &facts) == 0) {
        if (!S_ISSOCK(facts.st_mode))
            return Error{ErrorKind::invalid_argument, path_ + " is there, and is no socket"};
        if (somebody_listens(address, type))
            return Error{ErrorKind::already_exists, "another process serves " + path_};
        ::unlink(path_.c_str());
    }
    socket_ = Descriptor(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    // Before it has a name: nobody else ever sees it with another mode.
    if (!socket_ || ::fchmod(socket_.get(), 0600) != 0 ||
        ::bind(socket_.get(), address.get(), sizeof(address.address)) != 0 ||
        ::listen(socket_.get(), kBacklog) != 0)
        return errno_error("cannot listen at " + path_, errno);
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return errno_error("cannot make a pipe", errno);
    wake_reader_ = Descriptor(pipe[0]);
    wake_writer_ = Descriptor(pipe[1]);
    acceptor_ = std::thread([this] { accept_all(); });
    return {};
}

void UnixServer::accept_all() {
    for (;;) {
        std::array<pollfd, 2> wanted{pollfd{socket_.get(), POLLIN, 0},
                                     pollfd{wake_reader_.get(), POLLIN, 0}};
        if (::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) return;
        if (wanted[1].revents != 0) return;
        if (wanted[0].revents == 0) continue;
        Descriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        join_ended();
        if (accepted && is_same_user(accepted.get())) admit(std::move(accepted));
    }
}

void UnixServer::admit(Descriptor accepted) {
    const std::lock_guard lock(mutex_);
    if (clients_.size() >= clients_max_) return;
    auto& client = clients_.emplace_back();
    client.socket = std::move(accepted);
    client.thread = std::thread([this, &client] {
        serve_(client.socket.get());
        const std::lock_guard ending(mutex_);
        ::shutdown(client.socket.get(), SHUT_RDWR);
        client.ended = true;
    });
}

void UnixServer::join_ended() {
    std::list<Client> ended;
    {
        const std::lock_guard lock(mutex_);
        for (auto at = clients_.begin(); at != clients_.end();) {
            const auto next = std::next(at);
            if (at->ended) ended.splice(ended.end(), clients_, at);
            at = next;
        }
    }
    for (auto& client : ended) client.thread.join();
}

UnixServer::~UnixServer() {
    if (!acceptor_.joinable()) return;  // it never listened
    wake_writer_.close();
    acceptor_.join();
    ::unlink(path_.c_str());
    {
        const std::lock_guard lock(mutex_);
        for (auto& client : clients_) ::shutdown(client.socket.get(), SHUT_RDWR);
    }
    for (auto& client : clients_) client.thread.join();
}

std::size_t UnixServer::clients() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& client : clients_) count += !client.ended;
    return count;
}

}  // namespace mutirao::os

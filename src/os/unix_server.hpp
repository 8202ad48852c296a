// A UNIX socket that listens, and a thread for each of its clients. Internal to os.
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>

#include "base/result.hpp"
#include "os/descriptor.hpp"

namespace mutirao::os {

// Names longer than an address can hold are reached through their open folder.
struct UnixAddress {
    sockaddr_un address{};
    Descriptor folder;

    // invalid_argument for what can be no socket's path.
    static Result<UnixAddress> of(const std::string& path);
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// Whether the other end is a process of the user that this one runs as.
bool is_same_user(int socket);

// Any thread may call.
class UnixServer {
  public:
    // Serves one client, of this user, in a thread of its own; when it returns the client goes.
    using Serve = std::function<void(int socket)>;

    // Makes the socket (mode 0600; `type` is SOCK_STREAM or SOCK_SEQPACKET) and replaces one that a
    // dead process left. One client more than `clients_max` is closed at once. already_exists when
    // another process listens there; invalid_argument when something else is there.
    static Result<std::unique_ptr<UnixServer>> start(const std::string& path, int type,
                                                     std::size_t clients_max, Serve serve);
    // Closes all connections, waits until they are served no more, removes the socket.
    ~UnixServer();
    UnixServer(const UnixServer&) = delete;
    UnixServer& operator=(const UnixServer&) = delete;

    std::size_t clients() const;

  private:
    struct Client {
        Descriptor socket;
        std::thread thread;
        bool ended = false;  // with mutex_
    };

    UnixServer(std::string path, std::size_t clients_max, Serve serve);
    Status listen(int type);
    void accept_all();
    void admit(Descriptor accepted);
    void join_ended();

    const std::string path_;
    const std::size_t clients_max_;
    const Serve serve_;
    Descriptor socket_, wake_reader_, wake_writer_;
    std::thread acceptor_;

    mutable std::mutex mutex_;  // guards everything below
    std::list<Client> clients_;
};

}  // namespace mutirao::os

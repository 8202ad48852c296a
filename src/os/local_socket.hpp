// Connections between processes of one user on one machine: a UNIX socket in a folder, over which
// descriptors of shared memory travel (unix(7), SCM_RIGHTS).
#pragma once

#include <memory>
#include <string>

#include "base/shared_memory.hpp"

namespace mutirao::os {

// Connects to the socket that a LocalServer listens on. The path may be of any length. unavailable,
// naming it, when nobody listens there; permission_denied when another user does.
Result<std::unique_ptr<LocalLine>> connect_local(const std::string& path);

struct LocalLimits {
    std::size_t clients_max = 64;                      // connections at a time; a thread each
    Duration send_patience = std::chrono::seconds(5);  // with a client that does not read
};

// Listens for processes of this user. A client is served by one thread of its own; what it sends
// beyond kLocalMessageMax, with a descriptor, or as another user, ends its connection. One client
// too many is told so by being closed.
class LocalServer {
  public:
    // Makes the socket (mode 0600); one that a dead process left behind is replaced, so only the
    // owner of the folder may call. `service` must outlive the server. already_exists when a live
    // server listens there, invalid_argument when the path is something else than a socket.
    static Result<std::unique_ptr<LocalServer>> start(const std::string& path,
                                                      LocalService& service,
                                                      LocalLimits limits = {});
    // Stops: closes all connections, waits for answers under way, removes the socket.
    ~LocalServer();
    LocalServer(const LocalServer&) = delete;
    LocalServer& operator=(const LocalServer&) = delete;

    std::size_t clients() const;

  private:
    struct Impl;
    explicit LocalServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mutirao::os

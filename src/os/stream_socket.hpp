// A UNIX stream socket in a folder, for a program of the same user that speaks a protocol of its
// own (unix(7)).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.hpp"

namespace mutirao::os {

// Bytes that came, and the bytes to answer with; an error ends the connection. One thread at a
// time.
using StreamTalk = std::function<Result<Bytes>(ByteSpan bytes)>;

// One thread a connection, kStreamClientsMax connections; one too many is closed at once, and so is
// another user's.
class StreamServer {
  public:
    // Makes the socket (mode 0600) and replaces one that a dead process left. `begin` is called for
    // each connection, from its thread. already_exists when another process listens there;
    // invalid_argument when the path is longer than 107 bytes or is something else than a socket.
    static Result<std::unique_ptr<StreamServer>> start(const std::string& path,
                                                       std::function<StreamTalk()> begin);
    // Closes all connections, waits for talks under way, removes the socket.
    ~StreamServer();
    StreamServer(const StreamServer&) = delete;
    StreamServer& operator=(const StreamServer&) = delete;

  private:
    struct Impl;
    explicit StreamServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

inline constexpr std::size_t kStreamClientsMax = 16;
inline constexpr std::size_t kSocketPathMax = 107;  // bytes

}  // namespace mutirao::os

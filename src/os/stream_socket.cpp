#include "os/stream_socket.hpp"

#include <cerrno>
#include <sys/socket.h>

#include "os/unix_server.hpp"

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

void converse(int socket, const StreamTalk& talk) {
    Bytes room(kPiece);
    for (;;) {
        const auto got = ::recv(socket, room.data(), room.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        const auto answer = talk(ByteSpan(room).first(static_cast<std::size_t>(got)));
        if (!answer.ok() || !send_all(socket, *answer)) return;
    }
}

}  // namespace

struct StreamServer::Impl {
    std::unique_ptr<UnixServer> server;
};

Result<std::unique_ptr<StreamServer>> StreamServer::start(const std::string& path,
                                                          std::function<StreamTalk()> begin) {
    if (path.empty() || path.size() > kSocketPathMax)
        return Error{ErrorKind::invalid_argument,
                     "\"" + path + "\" is too long for a socket; use a folder with a shorter path"};
    auto impl = std::make_unique<Impl>();
    TRY(impl->server,
        UnixServer::start(path, SOCK_STREAM, kStreamClientsMax,
                          [begin = std::move(begin)](int socket) { converse(socket, begin()); }));
    return std::unique_ptr<StreamServer>(new StreamServer(std::move(impl)));
}

StreamServer::StreamServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StreamServer::~StreamServer() = default;

}  // namespace mutirao::os

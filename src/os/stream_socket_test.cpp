#include "os/stream_socket.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/descriptor.hpp"
#include "os/test_folder.hpp"

namespace mutirao::os {
namespace {

Descriptor connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    Descriptor out(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(out.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return out;
}

std::string say(const Descriptor& socket, const std::string& text) {
    EXPECT_EQ(::send(socket.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    char room[16];
    const auto got = ::recv(socket.get(), room, sizeof(room), 0);
    return got > 0 ? std::string(room, static_cast<std::size_t>(got)) : "";
}

TEST(StreamServer, each_connection_has_a_talk_of_its_own_and_bad_words_end_only_that) {
    TestFolder folder;
    const auto path = folder.path() + "/s";
    auto server = StreamServer::start(path, [] {
        return [count = 0](ByteSpan bytes) mutable -> Result<Bytes> {
            if (as_text(bytes) == "bad") return Error{ErrorKind::corrupt, "bad"};
            return to_bytes(as_bytes(std::to_string(++count)));
        };
    });
    ASSERT_TRUE(server.ok());
    const auto first = connect(path), second = connect(path);
    EXPECT_EQ(say(first, "x"), "1");
    EXPECT_EQ(say(first, "x"), "2");
    EXPECT_EQ(say(second, "x"), "1");
    EXPECT_EQ(say(first, "bad"), "");
    EXPECT_EQ(say(second, "x"), "2");
    server->reset();
    EXPECT_EQ(::access(path.c_str(), F_OK), -1);
}

}  // namespace
}  // namespace mutirao::os

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

StreamTalk echo() {
    return [](ByteSpan bytes) -> Result<Bytes> { return to_bytes(bytes); };
}

TEST(StreamServer, takes_the_place_of_a_socket_that_a_dead_process_left_and_of_nothing_else) {
    TestFolder folder;
    const auto path = folder.path() + "/s";
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    }
    auto server = StreamServer::start(path, echo);
    ASSERT_TRUE(server.ok());
    EXPECT_EQ(say(connect(path), "oi"), "oi");
    EXPECT_EQ(StreamServer::start(folder.path(), echo).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(StreamServer::start("/" + std::string(107, 'x'), echo).error().kind,
              ErrorKind::invalid_argument);
}

TEST(StreamServer, has_room_for_so_many_and_again_when_one_leaves) {
    TestFolder folder;
    const auto path = folder.path() + "/s";
    const auto server = StreamServer::start(path, echo).value();
    std::vector<Descriptor> clients;
    for (std::size_t i = 0; i < kStreamClientsMax; ++i) {
        clients.push_back(connect(path));
        ASSERT_EQ(say(clients.back(), "x"), "x");
    }
    const auto one_more = connect(path);
    char room = 0;
    EXPECT_EQ(::recv(one_more.get(), &room, 1, 0), 0);  // closed at once
    clients.pop_back();
    std::string answer;
    for (int tries = 0; tries < 1000 && answer.empty(); ++tries) {  // until it is seen to be gone
        const auto again = connect(path);
        if (::send(again.get(), "y", 1, MSG_NOSIGNAL) == 1 && ::recv(again.get(), &room, 1, 0) == 1)
            answer = room;
    }
    EXPECT_EQ(answer, "y");
}

}  // namespace
}  // namespace mutirao::os

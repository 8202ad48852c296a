#include "os/local_socket.hpp"

#include <condition_variable>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "os/clock.hpp"
#include "os/shared_memory.hpp"
#include "os/test_folder.hpp"

namespace mutirao::os {
namespace {

constexpr Duration kLong = std::chrono::seconds(20);

// Answers with what it was asked; "share" brings memory, "end" ends the connection, "wait" waits
// until release().
class Echo final : public LocalService {
  public:
    Result<LocalMessage> answer(std::uint64_t client, ByteSpan request) override {
        const std::string text(as_text(request));
        std::unique_lock lock(mutex_);
        seen_.insert(client);
        if (text == "end") return Error{ErrorKind::corrupt, "ended"};
        if (text == "wait") changed_.wait(lock, [&] { return released_; });
        LocalMessage out{to_bytes(request), nullptr};
        if (text == "share") {
            TRY(out.memory, MemfdMemory().make(5, [](MutableByteSpan room) -> Status {
                std::copy_n("cinco", 5, room.begin());
                return {};
            }));
        }
        return out;
    }
    void gone(std::uint64_t client) override {
        const std::lock_guard lock(mutex_);
        gone_.insert(client);
        changed_.notify_all();
    }
    void release() {
        const std::lock_guard lock(mutex_);
        released_ = true;
        changed_.notify_all();
    }
    bool wait_gone(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, kLong, [&] { return gone_.size() >= count; });
    }
    std::size_t seen() {
        const std::lock_guard lock(mutex_);
        return seen_.size();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::uint64_t> seen_, gone_;
    bool released_ = false;
};

struct Served {
    explicit Served(LocalLimits limits = {}, const std::string& name = "hot.sock")
        : path(folder.file(name)), server(LocalServer::start(path, echo, limits).value()) {}
    std::unique_ptr<LocalLine> connect() { return connect_local(path).value(); }
    TestFolder folder;
    Echo echo;
    std::string path;
    std::unique_ptr<LocalServer> server;
};

std::string ask(LocalLine& line, std::string_view text) {
    const auto answer = line.call(as_bytes(text), kLong);
    return answer.ok() ? std::string(as_text(answer->bytes)) : answer.error().message;
}

TEST(LocalSocket, requests_are_answered_and_memory_comes_with_them) {
    Served served;
    const auto line = served.connect();
    EXPECT_EQ(ask(*line, "olá"), "olá");
    const auto shared = line->call(as_bytes("share"), kLong).value();
    EXPECT_EQ(as_text(shared.memory->bytes()), "cinco");
    const std::string large(kLocalMessageMax, 'x');
    EXPECT_EQ(ask(*line, large), large);
    EXPECT_EQ(line->call(as_bytes(large + "x"), kLong).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(line->call({}, kLong).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(ask(*line, "still there"), "still there");
}

TEST(LocalSocket, the_socket_is_its_users_alone_and_goes_with_the_server) {
    Served served;
    struct stat facts {};
    ASSERT_EQ(::stat(served.path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
    const auto line = served.connect();
    served.server.reset();
    EXPECT_NE(::stat(served.path.c_str(), &facts), 0);
    EXPECT_EQ(line->call(as_bytes("a"), kLong).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(connect_local(served.path).error().kind, ErrorKind::unavailable);
}

TEST(LocalSocket, another_user_is_not_heard) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
    Served served;
    ASSERT_EQ(::chmod(served.folder.path().c_str(), 0755), 0);
    ASSERT_EQ(::chmod(served.path.c_str(), 0666), 0);  // as if the mode had not kept them out
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setresuid(65534, 65534, 65534) != 0) ::_exit(3);
        // The client end refuses a foreign server by itself, so the system calls are our own.
        const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(served.path.begin(), served.path.end(), address.sun_path);
        char answer[8];
        if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
            ::_exit(4);
        static_cast<void>(::send(socket, "hello", 5, MSG_NOSIGNAL));
        const bool heard = ::recv(socket, answer, sizeof(answer), 0) > 0;
        const bool refused =
            connect_local(served.path).error().kind == ErrorKind::permission_denied;
        ::_exit(heard ? 1 : refused ? 0 : 2);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(served.echo.seen(), 0u);
}

TEST(LocalSocket, paths_longer_than_an_address_work) {
    TestFolder folder;
    const auto deep = folder.file(std::string(120, 'd'));
    ASSERT_EQ(::mkdir(deep.c_str(), 0700), 0);
    Echo echo;
    const auto server = LocalServer::start(deep + "/hot.sock", echo).value();
    EXPECT_EQ(ask(*connect_local(deep + "/hot.sock").value(), "fundo"), "fundo");
}

TEST(LocalSocket, what_a_dead_process_left_is_replaced_and_a_live_one_is_not) {
    Served served;
    Echo other;
    EXPECT_EQ(LocalServer::start(served.path, other).error().kind, ErrorKind::already_exists);
    const auto left = served.folder.file("left.sock");
    const int dead = ::socket(AF_UNIX, SOCK_SEQPACKET, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(left.begin(), left.end(), address.sun_path);
    ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ::close(dead);
    const auto server = LocalServer::start(left, other).value();
    EXPECT_EQ(ask(*connect_local(left).value(), "a"), "a");
    const auto file = served.folder.file("file");
    std::ofstream(file) << "mine";
    EXPECT_EQ(LocalServer::start(file, other).error().kind, ErrorKind::invalid_argument);
}

TEST(LocalSocket, more_clients_than_the_limit_are_closed_and_room_comes_back) {
    Served served({.clients_max = 2});
    auto first = served.connect();
    auto second = served.connect();
    EXPECT_EQ(ask(*first, "1"), "1");
    EXPECT_EQ(ask(*second, "2"), "2");
    EXPECT_EQ(served.connect()->call(as_bytes("3"), kLong).error().kind, ErrorKind::unavailable);
    first.reset();
    ASSERT_TRUE(served.echo.wait_gone(1));
    while (served.server->clients() > 1) std::this_thread::yield();
    EXPECT_EQ(ask(*served.connect(), "4"), "4");
}

TEST(LocalSocket, an_end_of_one_connection_is_no_end_of_others) {
    Served served;
    const auto one = served.connect(), other = served.connect();
    EXPECT_EQ(one->call(as_bytes("end"), kLong).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(ask(*other, "b"), "b");
    ASSERT_TRUE(served.echo.wait_gone(1));
}

TEST(LocalSocket, a_late_answer_is_a_timeout_and_never_the_next_calls_answer) {
    Served served;
    const auto line = served.connect();
    EXPECT_EQ(line->call(as_bytes("wait"), std::chrono::milliseconds(1)).error().kind,
              ErrorKind::timeout);
    served.echo.release();
    EXPECT_EQ(line->call(as_bytes("next"), kLong).error().kind, ErrorKind::unavailable);
}

TEST(LocalSocket, many_threads_share_lines_and_each_gets_its_own_answer) {
    Served served;
    std::vector<std::unique_ptr<LocalLine>> lines;
    for (int i = 0; i < 3; ++i) lines.push_back(served.connect());
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 200; ++i) {
                const auto text = std::to_string(t) + ":" + std::to_string(i);
                EXPECT_EQ(ask(*lines[static_cast<std::size_t>(t % 3)], text), text);
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(served.echo.seen(), 3u);
}

}  // namespace
}  // namespace mutirao::os

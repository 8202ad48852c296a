#include "coding/peer.hpp"

#include <array>
#include <boost/json.hpp>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mutirao::bench {
namespace {

constexpr int kTimeoutMs = 120'000;
constexpr std::size_t kLineMax = 64 << 10;

// How a program's library is called where it cannot say so itself.
std::string library_of(const std::string& program) {
    static const std::map<std::string, std::string> names{{"leopard", "Leopard"},
                                                          {"isal", "ISA-L"},
                                                          {"ckzg", "c-kzg"},
                                                          {"klauspost", "klauspost/reedsolomon"}};
    const auto at = names.find(program);
    return at == names.end() ? program : at->second;
}

Error absence(const std::filesystem::path& program) {
    std::ifstream file(program.string() + ".missing");
    std::string reason;
    if (!std::getline(file, reason)) reason = "not built: make bench-coding does it";
    return {ErrorKind::unavailable, reason};
}

Result<boost::json::object> parsed(const std::string& line) {
    boost::system::error_code failure;
    auto value = boost::json::parse(line, failure);
    if (failure || !value.is_object())
        return Error{ErrorKind::corrupt, "the peer answered no JSON: " + line.substr(0, 200)};
    return std::move(value.as_object());
}

std::string text_of(const boost::json::object& answer, std::string_view field) {
    const auto* value = answer.if_contains(field);
    return value && value->is_string() ? std::string(value->as_string()) : "";
}

}  // namespace

Result<std::unique_ptr<Peer>> Peer::start(const std::filesystem::path& program,
                                          const std::vector<std::string>& arguments) {
    if (access(program.c_str(), X_OK) != 0) return absence(program);
    std::array<int, 2> requests{}, answers{};
    if (pipe2(requests.data(), O_CLOEXEC) != 0 || pipe2(answers.data(), O_CLOEXEC) != 0)
        return Error{ErrorKind::io, "no pipe for the peer"};
    std::string path = program.string();
    std::vector<std::string> words = arguments;
    std::vector<char*> argv{path.data()};
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, requests[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, answers[1], STDOUT_FILENO);
    std::unique_ptr<Peer> peer(new Peer);
    const int failure =
        posix_spawn(&peer->pid_, path.c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(requests[0]);
    close(answers[1]);
    peer->to_ = requests[1];
    peer->from_ = answers[0];
    if (failure != 0) {
        peer->pid_ = -1;
        return Error{ErrorKind::io, "cannot start " + path + ": " + std::strerror(failure)};
    }
    // Nothing that a peer knows: the refusal carries its name.
    TRY(auto line, peer->exchange("name"));
    TRY(auto answer, parsed(line));
    peer->name_ = text_of(answer, "peer");
    return peer;
}

Peer::~Peer() {
    if (to_ >= 0) close(to_);  // the end of its input is the end of the peer
    if (from_ >= 0) close(from_);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

Result<std::string> Peer::exchange(std::string_view request) {
    std::string line = std::string(request) + "\n";
    for (std::size_t done = 0; done < line.size();) {
        const auto written = write(to_, line.data() + done, line.size() - done);
        if (written <= 0) return Error{ErrorKind::unavailable, "the peer has ended"};
        done += static_cast<std::size_t>(written);
    }
    for (;;) {
        if (const auto end = unread_.find('\n'); end != std::string::npos) {
            line = unread_.substr(0, end);
            unread_.erase(0, end + 1);
            return line;
        }
        pollfd waiting{from_, POLLIN, 0};
        if (poll(&waiting, 1, kTimeoutMs) <= 0)
            return Error{ErrorKind::timeout, "the peer did not answer within two minutes"};
        std::array<char, 4096> part{};
        const auto count = read(from_, part.data(), part.size());
        if (count <= 0 || unread_.size() > kLineMax)
            return Error{ErrorKind::unavailable, "the peer has ended"};
        unread_.append(part.data(), static_cast<std::size_t>(count));
    }
}

Result<double> Peer::ask(std::string_view request) {
    TRY(auto line, exchange(request));
    TRY(auto answer, parsed(line));
    if (const auto reason = text_of(answer, "error"); !reason.empty())
        return Error{ErrorKind::unavailable, reason};
    const auto* check = answer.if_contains("check");
    const auto* ms = answer.if_contains("ms");
    if (!check || !check->is_bool() || !check->as_bool() || !ms || !ms->is_number())
        return Error{ErrorKind::corrupt, "its result was wrong"};
    return ms->to_number<double>();
}

Result<Peer*> Peers::find(const std::string& program) {
    if (folder_.empty()) return Error{ErrorKind::unavailable, "left out: --no-peers"};
    if (const auto at = running_.find(program); at != running_.end()) return at->second.get();
    if (const auto at = absent_.find(program); at != absent_.end()) return at->second;
    std::vector<std::string> arguments;
    if (program == "ckzg") arguments.emplace_back(KZG_TRUSTED_SETUP);
    auto started = Peer::start(folder_ / program, arguments);
    if (!started.ok()) {
        absent_.emplace(program, started.error());
        return started.error();
    }
    auto& peer = running_[program];
    peer = std::move(started).value();
    return peer.get();
}

Contestant Peers::contestant(const std::string& program, const std::string& request,
                             const std::string& suffix) {
    const auto found = find(program);
    if (!found.ok())
        return {library_of(program) + suffix,
                [error = found.error()]() -> Result<double> { return error; }};
    Peer* peer = *found;
    return {peer->name() + suffix, [peer, request] { return peer->ask(request); }};
}

}  // namespace mutirao::bench

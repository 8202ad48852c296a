// Other people's libraries as programs of their own (bench/coding/peers/README.md): started once,
// asked round by round. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coding/contest.hpp"

namespace mutirao::bench {

// One running peer. It ends when this is destroyed.
class Peer {
  public:
    // unavailable, with what bench/coding/prepare said, when `program` is not there.
    static Result<std::unique_ptr<Peer>> start(const std::filesystem::path& program,
                                               const std::vector<std::string>& arguments);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    // The library and its version, as it calls itself.
    const std::string& name() const { return name_; }
    // Milliseconds for one request. `unavailable` with the peer's own words, `timeout` after two
    // minutes, `corrupt` when its result was wrong.
    Result<double> ask(std::string_view request);

  private:
    Peer() = default;
    Result<std::string> exchange(std::string_view request);

    std::string name_;
    std::string unread_;  // what came after the last line
    int pid_ = -1, to_ = -1, from_ = -1;
};

// All peers in a folder; each is started when it is first asked for.
class Peers {
  public:
    // An empty name, or a folder without programs: every contestant is out, its row says why.
    explicit Peers(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // The peer answering `request`, named `name` + `suffix` as it calls itself, or without a
    // version where it cannot run. Refers to *this.
    Contestant contestant(const std::string& program, const std::string& request,
                          const std::string& suffix = "");

  private:
    Result<Peer*> find(const std::string& program);

    std::filesystem::path folder_;
    std::map<std::string, std::unique_ptr<Peer>> running_;
    std::map<std::string, Error> absent_;
};

}  // namespace mutirao::bench

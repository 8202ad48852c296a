#include "ledger/restart.hpp"

#include <charconv>
#include <chrono>

#include "os/clock.hpp"

namespace mutirao::bench {
namespace {

using std::chrono::steady_clock;

// The number behind the last `words` of the log; nullopt where they are not.
std::optional<std::uint64_t> number_after(std::string_view log, std::string_view words) {
    const auto at = log.rfind(words);
    if (at == log.npos) return std::nullopt;
    const auto* const begin = log.data() + at + words.size();
    std::uint64_t out = 0;
    if (std::from_chars(begin, log.data() + log.size(), out).ec != std::errc()) return std::nullopt;
    return out;
}

}  // namespace

Result<Restart> restart(Server& server) {
    Restart out;
    TRY(out.answer_ms, server.kill_and_restart());
    const auto until = steady_clock::now() + std::chrono::seconds(60);
    // Of the last start alone.
    const auto read_log = [&] {
        const auto all = server.log();
        const auto at = all.rfind("goes on after the snapshot of block ");
        return at == all.npos ? std::string() : all.substr(at);
    };
    auto log = read_log();
    // A ledger that went on without a snapshot has nothing old.
    const bool has_old = number_after(log, "the snapshot of block ").value_or(0) > 0;
    while (has_old && !number_after(log, "old blocks are here after ")) {
        if (steady_clock::now() > until)
            return Error{ErrorKind::unavailable, "the ledger does not read its old blocks: " + log};
        os::SystemClock().sleep(std::chrono::milliseconds(20));
        log = read_log();
    }
    const auto ms = [&](std::string_view words) {
        return static_cast<double>(number_after(log, words).value_or(0));
    };
    out.snapshot_ms = ms("; its state took ");
    out.log_ms = ms("; the log after it took ");
    out.old_ms = ms("old blocks are here after ");
    out.run_again = number_after(log, "; ran again: ").value_or(0);
    return out;
}

MemoryWatch::MemoryWatch(const Server& server)
    : server_(server), thread_([this] {
          while (!over_) {
              const bool writes = server_.writes_snapshot();
              auto& peak = writes ? peaks_.beside_snapshot : peaks_.without;
              peak = std::max(peak, server_.resident_bytes());
              os::SystemClock().sleep(std::chrono::milliseconds(5));
          }
      }) {}

MemoryWatch::~MemoryWatch() { stop(); }

MemoryWatch::Peaks MemoryWatch::stop() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
    return peaks_;
}

}  // namespace mutirao::bench

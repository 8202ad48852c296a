// A small application for the engine's tests: a transaction is a counter's name and its next value
// ("a1", "a2"), so that replays, gaps and order show in the state.
#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "base/codec.hpp"
#include "base/ports.hpp"
#include "consensus/application.hpp"
#include "consensus/fault.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {

class Counters final : public Application {
  public:
    void prepare(std::span<const ByteSpan> transactions) const override {
        prepared_ += transactions.size();
    }
    Status await(std::span<const ByteSpan> transactions) const override {
        if (await_) return await_(transactions.size());
        return {};
    }
    // What await() does.
    void set_await(std::function<Status(std::size_t transactions)> await) {
        await_ = std::move(await);
    }
    Status check(ByteSpan transaction) override {
        TRY(auto step, step_in(transaction));
        const auto now = value(counters_, step.first);
        if (step.second <= now) return Error{ErrorKind::already_exists, "replayed"};
        return {};
    }
    std::vector<Bytes> propose(const std::vector<Bytes>& waiting, std::size_t bytes_max) override {
        auto counters = counters_;
        std::vector<Bytes> out;
        std::size_t bytes = 0;
        for (bool more = true; more;) {
            more = false;
            for (const auto& raw : waiting) {
                const auto step = step_in(raw);
                if (!step.ok() || step->second != value(counters, step->first) + 1) continue;
                if (bytes + raw.size() > bytes_max) return out;
                counters[step->first] = step->second;
                bytes += raw.size();
                out.push_back(raw);
                more = true;
            }
        }
        return out;
    }
    Result<Digest> finalize(std::uint64_t height, std::uint64_t time_ms,
                            const std::vector<Bytes>& transactions) override {
        if (height != height_ + 1) return Error{ErrorKind::invalid_argument, "wrong height"};
        staged_ = counters_;
        updates_.clear();
        for (const auto& raw : transactions) {
            if (const auto fault = Fault::decode(raw); fault.ok()) {
                ++staged_[kFaults];
                updates_.push_back({Bytes(32, fault->validator.bytes[0]), fault->height});
            }
            const auto step = step_in(raw);
            if (step.ok() && step->second == value(staged_, step->first) + 1)
                staged_[step->first] = step->second;
        }
        staged_time_ms_ = time_ms;
        staged_hash_ = hash(staged_, height, time_ms);
        return staged_hash_;
    }
    // Whoever is at fault has as many votes as the height.
    std::vector<ValidatorUpdate> validator_updates() const override { return updates_; }
    Status commit() override {
        counters_ = staged_;
        ++height_;
        time_ms_ = staged_time_ms_;
        hash_ = staged_hash_;
        history_[height_] = to_bytes(hash_.span());
        return {};
    }
    std::unique_ptr<FrozenState> freeze() const override {
        Writer out;
        out.u(height_).u(time_ms_).raw(hash_.span());
        for (const auto& [name, number] : counters_)
            out.u(static_cast<std::uint8_t>(name)).u(number);
        return std::make_unique<Copy>(out.bytes(), history_);
    }
    Status restore(ByteSpan snapshot) override {
        Reader in(snapshot);
        TRY(height_, in.u<std::uint64_t>());
        TRY(time_ms_, in.u<std::uint64_t>());
        TRY(hash_, in.fixed<Digest>());
        counters_.clear();
        history_.clear();
        while (in.remaining() > 0) {
            TRY(auto name, in.u<std::uint8_t>());
            TRY(auto number, in.u<std::uint32_t>());
            counters_[static_cast<char>(name)] = number;
        }
        return {};
    }
    Status recall(const ReadHistory& read) override {
        return read([&](std::uint64_t height, ByteSpan part) -> Status {
            history_[height] = to_bytes(part);
            return {};
        });
    }
    // The state hash after each block, as far as this has run it or recalls it.
    const std::map<std::uint64_t, Bytes>& history() const { return history_; }
    Result<std::optional<Bytes>> record(ByteSpan key) const override {
        const auto at =
            key.size() == 1 ? counters_.find(static_cast<char>(key[0])) : counters_.end();
        if (at == counters_.end()) return std::optional<Bytes>();
        return std::optional(Writer().u(at->second).bytes());
    }
    std::uint64_t height() const override { return height_; }
    Digest state_hash() const override { return hash_; }
    std::uint64_t time_ms() const override { return time_ms_; }
    static constexpr char kFaults = '~';  // the counter of validators' faults
    std::uint32_t counter(char name) const { return value(counters_, name); }
    std::size_t prepared() const { return prepared_; }

  private:
    struct Copy final : FrozenState {
        Copy(Bytes bytes, std::map<std::uint64_t, Bytes> parts)
            : left(std::move(bytes)), history(std::move(parts)) {}
        Bytes next(std::size_t) override { return std::exchange(left, {}); }
        std::optional<HistoryPart> next_history(std::uint64_t height) override {
            const auto at = history.upper_bound(height);
            if (at == history.end()) return std::nullopt;
            return HistoryPart{at->first, at->second};
        }
        Bytes left;
        std::map<std::uint64_t, Bytes> history;
    };
    using Map = std::map<char, std::uint32_t>;
    static std::uint32_t value(const Map& counters, char name) {
        const auto at = counters.find(name);
        return at == counters.end() ? 0 : at->second;
    }
    // A letter, then decimal digits; what follows a space is ballast.
    static Result<std::pair<char, std::uint32_t>> step_in(ByteSpan raw) {
        std::uint32_t number = 0;
        std::size_t i = 1;
        for (; i < raw.size() && raw[i] != ' ' && i < 10; ++i) {
            if (raw[i] < '0' || raw[i] > '9') break;
            number = number * 10 + raw[i] - '0';
        }
        if (i < 2 || (i != raw.size() && raw[i] != ' '))
            return Error{ErrorKind::invalid_argument, "no counter"};
        return std::pair(static_cast<char>(raw[0]), number);
    }
    static Digest hash(const Map& counters, std::uint64_t height, std::uint64_t time_ms) {
        Writer out;
        out.u(height).u(time_ms);
        for (const auto& [name, number] : counters)
            out.u(static_cast<std::uint8_t>(name)).u(number);
        return crypto::blake3(out.bytes());
    }

    Map counters_, staged_;
    std::uint64_t height_ = 0, time_ms_ = 0, staged_time_ms_ = 0;
    Digest hash_, staged_hash_;
    std::vector<ValidatorUpdate> updates_;
    std::map<std::uint64_t, Bytes> history_;
    mutable std::atomic<std::size_t> prepared_ = 0;
    std::function<Status(std::size_t)> await_;
};

// Keeps tasks until they are asked for, one by one: the test says what happens beside what.
class QueuedTasks final : public Executor {
  public:
    void post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
    // Whether there was one.
    bool run_one() {
        if (tasks_.empty()) return false;
        const auto task = std::move(tasks_.front());
        tasks_.pop_front();
        task();
        return true;
    }

  private:
    std::deque<std::function<void()>> tasks_;
};

}  // namespace mutirao::consensus

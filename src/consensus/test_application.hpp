// A small application for the engine's tests: a transaction is a counter's name and its next value
// ("a1", "a2"), so that replays, gaps and order show in the state.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>

#include "base/codec.hpp"
#include "consensus/application.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {

class Counters final : public Application {
  public:
    void prepare(std::span<const ByteSpan> transactions) const override {
        prepared_ += transactions.size();
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
        for (const auto& raw : transactions) {
            const auto step = step_in(raw);
            if (step.ok() && step->second == value(staged_, step->first) + 1)
                staged_[step->first] = step->second;
        }
        staged_time_ms_ = time_ms;
        staged_hash_ = hash(staged_, height, time_ms);
        return staged_hash_;
    }
    Status commit() override {
        counters_ = staged_;
        ++height_;
        time_ms_ = staged_time_ms_;
        hash_ = staged_hash_;
        return {};
    }
    Bytes snapshot() override {
        Writer out;
        out.u(height_).u(time_ms_).raw(hash_.span());
        for (const auto& [name, number] : counters_)
            out.u(static_cast<std::uint8_t>(name)).u(number);
        return std::move(out).take();
    }
    Status restore(ByteSpan snapshot) override {
        Reader in(snapshot);
        TRY(height_, in.u<std::uint64_t>());
        TRY(time_ms_, in.u<std::uint64_t>());
        TRY(hash_, in.fixed<Digest>());
        counters_.clear();
        while (in.remaining() > 0) {
            TRY(auto name, in.u<std::uint8_t>());
            TRY(auto number, in.u<std::uint32_t>());
            counters_[static_cast<char>(name)] = number;
        }
        return {};
    }
    Result<std::optional<Bytes>> record(ByteSpan key) const override {
        const auto at =
            key.size() == 1 ? counters_.find(static_cast<char>(key[0])) : counters_.end();
        if (at == counters_.end()) return std::optional<Bytes>();
        return std::optional(Writer().u(at->second).bytes());
    }
    std::uint64_t height() const override { return height_; }
    Digest state_hash() const override { return hash_; }
    std::uint64_t time_ms() const override { return time_ms_; }
    std::uint32_t counter(char name) const { return value(counters_, name); }
    std::size_t prepared() const { return prepared_; }

  private:
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
    mutable std::atomic<std::size_t> prepared_ = 0;
};

}  // namespace mutirao::consensus

// Objects of a run whose bytes are made when they are read, for tests: they are nowhere in memory.
#pragma once

#include <algorithm>
#include <atomic>
#include <string>

#include "node/run_objects.hpp"

namespace mutirao::node {

// Whose time goes on by sleeping only.
class SleepClock final : public Clock {
  public:
    Duration monotonic() override { return Duration(slept_.load()); }
    std::uint64_t unix_ms() override { return 0; }
    void sleep(Duration duration) override { slept_ += duration.count(); }

  private:
    std::atomic<Duration::rep> slept_ = 0;
};

// A head, and so many lines of one length behind it, made by their numbers.
class Lines final : public RunObject {
  public:
    using Line = std::function<std::string(std::uint64_t number)>;
    Lines(std::string head, std::uint64_t count, Line line)
        : head_(std::move(head)),
          line_(std::move(line)),
          length_(line_(0).size()),
          size_(head_.size() + count * length_) {}
    std::uint64_t size() const override { return size_; }
    Result<Bytes> read(std::uint64_t offset, std::uint64_t size) override {
        read_ += size;
        Bytes out;
        out.reserve(size);
        while (out.size() < size) {
            const auto at = offset + out.size();
            const auto number = at < head_.size() ? 0 : (at - head_.size()) / length_;
            const auto line = at < head_.size() ? head_ : line_(number);
            const auto skip = at < head_.size() ? at : (at - head_.size()) % length_;
            const auto taken = std::min(line.size() - skip, size - out.size());
            const auto some = as_bytes(std::string_view(line).substr(skip, taken));
            out.insert(out.end(), some.begin(), some.end());
        }
        return out;
    }
    std::uint64_t bytes_read() const { return read_; }

  private:
    const std::string head_;
    const Line line_;
    const std::uint64_t length_, size_;
    std::atomic<std::uint64_t> read_ = 0;
};

}  // namespace mutirao::node

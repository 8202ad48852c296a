// The doors to the outside: Clock, Random, Disk, Network, and an Executor for work beside the
// caller. Rooms receive them by reference and never reach for the real thing, so that the simulator
// can run a thousand nodes in one process and replay any failure from its seed. Real ones are built
// by `cli` (from `os` and `net`) only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace mutirao {

using Duration = std::chrono::nanoseconds;

// Any thread may call.
class Clock {
  public:
    virtual ~Clock() = default;
    // Never goes back; its zero means nothing.
    virtual Duration monotonic() = 0;
    // Milliseconds since 1970-01-01 UTC. May jump.
    virtual std::uint64_t unix_ms() = 0;
    virtual void sleep(Duration duration) = 0;
};

// Any thread may call.
class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(MutableByteSpan out) = 0;
    std::uint64_t next_u64();
    // Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound);
    template <class Fixed>
    Fixed fixed() {
        Fixed out;
        fill(out.bytes);
        return out;
    }
};

// An open file. One thread at a time may append or truncate; reads may run beside them.
class File {
  public:
    virtual ~File() = default;
    virtual std::uint64_t size() const = 0;
    // Writes at the end. On failure (resource_exhausted when the disk is full, else io) the file
    // may hold a part of `bytes`: the caller truncates.
    virtual Status append(ByteSpan bytes) = 0;
    // The same for bytes that lie in several places. As it stands it joins them first.
    virtual Status append_pieces(std::span<const ByteSpan> pieces);
    // Exactly out.size() bytes at `offset`, or an error.
    virtual Status read(std::uint64_t offset, MutableByteSpan out) const = 0;
    virtual Status truncate(std::uint64_t size) = 0;
    // A hint: these bytes, which were synced, will not be read soon and need not stay in memory.
    virtual void let_go(std::uint64_t offset, std::uint64_t size);
    // Returns once everything appended so far survives a power cut.
    virtual Status sync() = 0;
};

// A folder that one role owns. Paths are relative, with '/' between names, without "..".
// Any thread may call.
class Disk {
  public:
    virtual ~Disk() = default;
    // Opens for reading and appending; creates it, and its folders, when missing.
    virtual Result<std::unique_ptr<File>> open(std::string_view path) = 0;
    virtual Result<bool> exists(std::string_view path) = 0;
    // The whole file, at most `max_size` bytes (resource_exhausted beyond). not_found if absent.
    virtual Result<Bytes> read_file(std::string_view path, std::size_t max_size) = 0;
    // All or nothing, and durable when it returns: a new file, synced, then renamed over the old.
    virtual Status write_file_atomic(std::string_view path, ByteSpan bytes) = 0;
    virtual Status remove(std::string_view path) = 0;
    // Names of the files directly in `folder`, sorted. An absent folder is empty.
    virtual Result<std::vector<std::string>> list(std::string_view folder) = 0;
};

// A request as pieces that are sent one after another, so that large ones need not be joined first.
// `owner` keeps what the pieces point to; it is shared because the call may outlast its caller.
struct Message {
    std::vector<ByteSpan> pieces;
    std::shared_ptr<const void> owner;

    static Message of(Bytes bytes);
    std::size_t size() const;
    Bytes joined() const;
};

// A request/response network. `method` is a full gRPC method path ("/mutirao.v1.Storage/PutSlot")
// and the bytes are the serialized protobuf messages of proto/mutirao/v1.
class Network {
  public:
    virtual ~Network() = default;
    // Blocks until the answer, an error from the peer, or the deadline (timeout). A peer that
    // cannot be reached is `unavailable`. Any thread may call.
    virtual Result<Bytes> call(const std::string& peer, std::string_view method, ByteSpan request,
                               Duration deadline) = 0;

    // Begins a call; `done` gets what call() would return, exactly once, on any thread and perhaps
    // before start() returns. `done` must be quick and must not wait for another call. As it stands
    // start() is call(): networks that move much data do better.
    using Done = std::function<void(Result<Bytes>)>;
    virtual void start(const std::string& peer, std::string_view method, Message request,
                       Duration deadline, Done done);
};

// Runs tasks beside the caller. Real ones are bounded thread pools; the simulator runs each task at
// once, in the caller, so that a run replays from its seed. Any thread may post.
class Executor {
  public:
    virtual ~Executor() = default;
    virtual void post(std::function<void()> task) = 0;
};

// What a role answers on a Network. Called from many threads at once. `request` is borrowed for the
// call. An unknown method is `unimplemented`.
using Serve = std::function<Result<Bytes>(std::string_view method, ByteSpan request)>;

}  // namespace mutirao

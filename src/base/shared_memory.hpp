// The door to memory that other processes of this machine can map, and to those processes. As with
// base/ports.hpp, real ones are built by `cli` (from `os`) only. docs/decisions/0015-hot-tier.md.
#pragma once

#include <functional>
#include <memory>

#include "base/ports.hpp"

namespace mutirao {

// Bytes that never change, in memory that stays as long as somebody holds this. Any thread may
// read.
class SharedBytes {
  public:
    virtual ~SharedBytes() = default;
    virtual ByteSpan bytes() const = 0;
    // What another process maps them by; -1 when they are in this process only.
    virtual int descriptor() const { return -1; }
};

// Any thread may call.
class SharedMemory {
  public:
    virtual ~SharedMemory() = default;
    // `size` bytes (0 is none) as `fill` writes them; from when this returns nobody can change
    // them. `fill`'s error is returned and nothing stays. resource_exhausted when there is no
    // memory.
    using Fill = std::function<Status(MutableByteSpan)>;
    virtual Result<std::shared_ptr<const SharedBytes>> make(std::size_t size, const Fill& fill) = 0;
};

// Memory of this process alone, which nobody else can map: for tests and the simulator.
class HeapMemory final : public SharedMemory {
  public:
    Result<std::shared_ptr<const SharedBytes>> make(std::size_t size, const Fill& fill) override;
};

// What processes of one machine say to each other: a few bytes, and perhaps memory to map.
struct LocalMessage {
    Bytes bytes;
    std::shared_ptr<const SharedBytes> memory;
};

inline constexpr std::size_t kLocalMessageMax = 64 << 10;  // bytes

// A connection to a process of this machine. Any thread may call; calls take turns.
class LocalLine {
  public:
    virtual ~LocalLine() = default;
    // Sends a request and waits for its answer. unavailable when the other end has gone, timeout
    // when the deadline passes; after either the line is of no more use.
    virtual Result<LocalMessage> call(ByteSpan request, Duration deadline) = 0;
};

// What answers such connections. `client` names one connection; calls for one client come one after
// another, those for different clients at the same time.
class LocalService {
  public:
    virtual ~LocalService() = default;
    // An error closes the connection.
    virtual Result<LocalMessage> answer(std::uint64_t client, ByteSpan request) = 0;
    // The client has gone; it is not heard of again.
    virtual void gone(std::uint64_t client) = 0;
};

}  // namespace mutirao

// A node's hot tier over an object of random bytes, in this process and really served.
#pragma once

#include <filesystem>
#include <map>

#include "base/random.hpp"
#include "crypto/aead.hpp"
#include "node/hot_service.hpp"
#include "os/clock.hpp"
#include "os/disk.hpp"
#include "os/local_socket.hpp"
#include "os/random.hpp"
#include "os/shared_memory.hpp"
#include "os/thread_pool.hpp"

namespace mutirao::bench {

inline constexpr std::size_t kWorkingSet = std::size_t{256} << 20;  // bytes
inline constexpr std::size_t kShardSize = std::size_t{32} << 20;
inline constexpr std::uint32_t kShards = kWorkingSet / kShardSize;

// A folder of its own, removed with all in it.
class Folder {
  public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    std::string file(const std::string& name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

// Random plaintext, the same every run; its ciphertext is in memory, so what a cold read costs here
// is opening it, without any network.
class SampleObject final : public hot::OpenObject {
  public:
    SampleObject();
    Digest content() const override { return content_; }
    Result<Bytes> manifest() const override { return Bytes(); }
    std::uint32_t shards() const override { return kShards; }
    BlockId block(std::uint32_t index) const override;
    std::uint64_t size(std::uint32_t) const override { return kShardSize; }
    Result<Bytes> read_sealed(std::uint32_t index) override { return sealed_of(index); }
    Result<Bytes> open_sealed(std::uint32_t index, ByteSpan sealed) override;
    Bytes plain(std::uint32_t index) const;

  private:
    Bytes sealed_of(std::uint32_t index);
    crypto::Key key_;
    Digest content_;
    std::map<std::uint32_t, Bytes> sealed_;
};

struct Serving final : hot::Opener {
    Serving();
    Result<std::shared_ptr<hot::OpenObject>> open(ByteSpan) override {
        return std::shared_ptr<hot::OpenObject>(object);
    }

    Folder folder;
    os::SystemClock clock;
    os::SystemRandom random;
    os::MemfdMemory memory;
    os::ThreadPool executor{1, 16};
    std::unique_ptr<os::PosixDisk> disk;
    std::shared_ptr<SampleObject> object = std::make_shared<SampleObject>();
    node::HotMembers members;
    std::unique_ptr<node::HotService> service;
    std::unique_ptr<os::LocalServer> door;
};

}  // namespace mutirao::bench

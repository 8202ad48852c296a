// An object of a run, read under its licence: from the memory of a node that keeps it hot, where
// one does, else from the storage nodes, whose rows hold just the bytes that are asked for.
// Decrypted in memory.
#pragma once

#include "node/hot_client.hpp"
#include "node/identity.hpp"
#include "node/object_access.hpp"
#include "node/run_objects.hpp"

namespace mutirao::node {

// All must outlive the object.
struct LicensedPorts {
    Clock& clock;
    Network& network;
    ObjectAccess& objects;
    HotMembers& hot_members;
};

class LicensedObject final : public RunObject {
  public:
    // Gathers the object's key at once. Errors as KeyShares::open().
    static Result<std::shared_ptr<RunObject>> open(const LicensedPorts& ports,
                                                   const Identity& identity, const Digest& content,
                                                   const Digest& run);

    std::uint64_t size() const override { return object_.manifest.size(); }
    Result<Bytes> read(std::uint64_t offset, std::uint64_t size) override;

  private:
    LicensedObject(const LicensedPorts& ports, const Identity& identity, const Digest& run,
                   KeyShares::Opened object);
    Result<Bytes> read_block(std::uint32_t index, std::uint64_t offset, std::uint64_t size);

    const LicensedPorts ports_;
    const KeyShares::Opened object_;
    HotClient hot_;
    std::mutex mutex_;                              // guards cold_until_
    std::map<std::uint32_t, Duration> cold_until_;  // blocks that were not hot: not asked for then
};

}  // namespace mutirao::node

// Sealed memory that processes of one machine share (memfd_create(2)): filled once, then nobody can
// change, shrink or grow it, this process included, and it lives as long as anybody maps it.
#pragma once

#include "base/shared_memory.hpp"
#include "os/descriptor.hpp"

namespace mutirao::os {

// As SharedMemory says. Any thread. Costs a page fault a page and one copy by `fill`, about 0.3 ms
// a MiB; every page is there when make() returns, so readers meet no fault of their own. Pages are
// 4 KiB unless the system allows huge ones to shared memory ("advise" or more in
// /sys/kernel/mm/transparent_hugepage/shmem_enabled).
class MemfdMemory final : public SharedMemory {
  public:
    Result<std::shared_ptr<const SharedBytes>> make(std::size_t size, const Fill& fill) override;
};

// Maps what another process made, for reading, with every page present. Takes the descriptor.
// permission_denied unless it is memory sealed against writing, shrinking and growing: bytes that
// could change or go away under a reader are not mapped. resource_exhausted when there is no room.
Result<std::shared_ptr<const SharedBytes>> map_shared(Descriptor descriptor);

}  // namespace mutirao::os

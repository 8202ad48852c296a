#include "os/shared_memory.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mutirao::os {
namespace {

constexpr std::size_t kHugePage = 2 << 20;
constexpr int kCollapse = 25;  // MADV_COLLAPSE, which older headers do not name
constexpr int kSealsNeeded = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

Error memory_error(std::string_view what, int code) {
    auto error = errno_error(what, code);
    if (code == ENOMEM || code == ENOSPC || code == EMFILE || code == ENFILE)
        error.kind = ErrorKind::resource_exhausted;
    return error;
}

// Pages of a descriptor in our address space, until this goes.
class Mapping {
  public:
    Mapping() = default;
    Mapping(void* at, std::size_t size) : at_(at), size_(size) {}
    Mapping(Mapping&& other) noexcept
        : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Mapping& operator=(Mapping&&) = delete;
    ~Mapping() {
        if (at_ != nullptr) ::munmap(at_, size_);
    }

    std::uint8_t* data() const { return static_cast<std::uint8_t*>(at_); }
    std::size_t size() const { return size_; }

    // With every page present: a machine without memory says so here, not by a signal at the first
    // touch, and no reader waits for a page fault.
    static Result<Mapping> of(int descriptor, std::size_t size, int access) {
        if (size == 0) return Mapping();
        TRY(void* const at, map_aligned(descriptor, size, access));
        Mapping out(at, size);
        const bool writes = (access & PROT_WRITE) != 0;
        ask_for_huge_pages(out, writes);
        if (::madvise(at, size, writes ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) != 0)
            return Error{ErrorKind::resource_exhausted,
                         "there is no memory for " + std::to_string(size) + " shared bytes"};
        return out;
    }

  private:
    // At a multiple of a huge page where there is room for one.
    static Result<void*> map_aligned(int descriptor, std::size_t size, int access) {
        if (size < kHugePage) {
            void* at = ::mmap(nullptr, size, access, MAP_SHARED, descriptor, 0);
            if (at == MAP_FAILED) return memory_error("cannot map shared memory", errno);
            return at;
        }
        const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const std::size_t used = (size + page - 1) / page * page;
        void* const room = ::mmap(nullptr, used + kHugePage, PROT_NONE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (room == MAP_FAILED) return memory_error("cannot map shared memory", errno);
        auto* const begin = static_cast<std::uint8_t*>(room);
        const std::size_t before = -reinterpret_cast<std::uintptr_t>(begin) % kHugePage;
        void* const at =
            ::mmap(begin + before, used, access, MAP_SHARED | MAP_FIXED, descriptor, 0);
        const int failed = errno;
        if (at == MAP_FAILED) {
            ::munmap(room, used + kHugePage);
            return memory_error("cannot map shared memory", failed);
        }
        if (before > 0) ::munmap(begin, before);
        if (before < kHugePage) ::munmap(begin + before + used, kHugePage - before);
        return at;
    }

    // Only a wish. A reader at random places walks the page tables for every 4 KiB otherwise.
    // MADV_COLLAPSE (Linux 6.1) works where the system gives shared memory small pages by default;
    // a page that holds nothing yet must be touched first.
    static void ask_for_huge_pages(const Mapping& mapping, bool writes) {
        static_cast<void>(::madvise(mapping.at_, mapping.size_, MADV_HUGEPAGE));
        for (std::size_t at = 0; at + kHugePage <= mapping.size_; at += kHugePage) {
            if (writes && ::madvise(mapping.data() + at, 1, MADV_POPULATE_WRITE) != 0) return;
            if (::madvise(mapping.data() + at, kHugePage, kCollapse) != 0) return;
        }
    }

    void* at_ = nullptr;
    std::size_t size_ = 0;
};

class MappedBytes final : public SharedBytes {
  public:
    MappedBytes(Descriptor descriptor, Mapping mapping)
        : descriptor_(std::move(descriptor)), mapping_(std::move(mapping)) {}
    ByteSpan bytes() const override { return {mapping_.data(), mapping_.size()}; }
    int descriptor() const override { return descriptor_.get(); }

  private:
    const Descriptor descriptor_;
    const Mapping mapping_;
};

Result<std::shared_ptr<const SharedBytes>> map_for_reading(Descriptor descriptor,
                                                           std::size_t size) {
    TRY(auto mapping, Mapping::of(descriptor.get(), size, PROT_READ));
    return std::shared_ptr<const SharedBytes>(
        std::make_shared<MappedBytes>(std::move(descriptor), std::move(mapping)));
}

}  // namespace

Result<std::shared_ptr<const SharedBytes>> MemfdMemory::make(std::size_t size, const Fill& fill) {
    Descriptor descriptor(::memfd_create("mutirao-shard", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!descriptor) return memory_error("cannot make shared memory", errno);
    if (::ftruncate(descriptor.get(), static_cast<off_t>(size)) != 0)
        return memory_error("cannot make " + std::to_string(size) + " bytes of shared memory",
                            errno);
    {
        TRY(auto mapping, Mapping::of(descriptor.get(), size, PROT_READ | PROT_WRITE));
        TRY_VOID(fill({mapping.data(), mapping.size()}));
    }
    // The kernel refuses this seal while anybody could still write.
    if (::fcntl(descriptor.get(), F_ADD_SEALS, kSealsNeeded | F_SEAL_SEAL) != 0)
        return memory_error("cannot seal shared memory", errno);
    return map_for_reading(std::move(descriptor), size);
}

Result<std::shared_ptr<const SharedBytes>> map_shared(Descriptor descriptor) {
    const int seals = ::fcntl(descriptor.get(), F_GET_SEALS);
    struct stat facts {};
    if (seals < 0 || (seals & kSealsNeeded) != kSealsNeeded ||
        ::fstat(descriptor.get(), &facts) != 0)
        return Error{ErrorKind::permission_denied,
                     "what was handed over is no sealed memory: it could change while it is read"};
    return map_for_reading(std::move(descriptor), static_cast<std::size_t>(facts.st_size));
}

}  // namespace mutirao::os

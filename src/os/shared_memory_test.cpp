#include "os/shared_memory.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/random.hpp"

namespace mutirao::os {
namespace {

Bytes random_bytes(std::size_t size) {
    Bytes out(size);
    SeededRandom(size).fill(out);
    return out;
}

std::shared_ptr<const SharedBytes> share(ByteSpan bytes) {
    return MemfdMemory()
        .make(bytes.size(),
              [&](MutableByteSpan out) -> Status {
                  std::copy(bytes.begin(), bytes.end(), out.begin());
                  return {};
              })
        .value();
}

Descriptor copy_of(const SharedBytes& shared) {
    return Descriptor(::fcntl(shared.descriptor(), F_DUPFD_CLOEXEC, 0));
}

TEST(SharedMemory, what_was_written_is_read_by_whoever_maps_it_and_outlives_its_maker) {
    for (const std::size_t size : {0u, 1u, 4096u, 4097u, 2u << 20, 3u << 20, (4u << 20) + 5000}) {
        const auto bytes = random_bytes(size);
        auto made = share(bytes);
        EXPECT_EQ(to_bytes(made->bytes()), bytes);
        const auto mapped = map_shared(copy_of(*made)).value();
        made.reset();
        EXPECT_EQ(to_bytes(mapped->bytes()), bytes);
    }
}

TEST(SharedMemory, nobody_can_write_shrink_or_grow_it) {
    const auto made = share(random_bytes(8192));
    const auto other = copy_of(*made);
    EXPECT_EQ(::pwrite(other.get(), "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_NE(::ftruncate(other.get(), 1), 0);
    EXPECT_NE(::ftruncate(other.get(), 100000), 0);
    EXPECT_EQ(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, other.get(), 0),
              MAP_FAILED);
    EXPECT_NE(::fcntl(other.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);  // not even more seals
    EXPECT_EQ(to_bytes(made->bytes()), random_bytes(8192));
}

TEST(SharedMemory, what_could_change_under_a_reader_is_not_mapped) {
    Descriptor open_memory(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::ftruncate(open_memory.get(), 4096), 0);
    ASSERT_EQ(::fcntl(open_memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    EXPECT_EQ(map_shared(std::move(open_memory)).error().kind, ErrorKind::permission_denied);
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const Descriptor writer(pipe[1]);
    EXPECT_EQ(map_shared(Descriptor(pipe[0])).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(map_shared(Descriptor()).error().kind, ErrorKind::permission_denied);
}

TEST(SharedMemory, a_fill_that_fails_leaves_nothing) {
    const Error no{ErrorKind::corrupt, "no"};
    EXPECT_EQ(MemfdMemory().make(100, [&](auto) -> Status { return no; }).error(), no);
    EXPECT_EQ(HeapMemory().make(100, [&](auto) -> Status { return no; }).error(), no);
    const auto descriptors = [] {
        const Descriptor lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        return lowest.get();
    };
    const int before = descriptors();
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(MemfdMemory().make(100, [&](auto) -> Status { return no; }).ok());
    EXPECT_EQ(descriptors(), before);
}

}  // namespace
}  // namespace mutirao::os

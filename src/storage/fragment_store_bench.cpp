// What the fragment store costs on a folder of this machine, against plain files. Usage:
// storage_fragment_store_bench [MB]   (in TMPDIR, or /tmp; 768 MB by default)
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <malloc.h>
#include <string>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/random.hpp"
#include "block/coded_rows.hpp"
#include "os/disk.hpp"
#include "storage/fragment_store.hpp"

namespace {

using namespace mutirao;
using namespace mutirao::storage;

constexpr std::uint32_t kRows = 12;  // of a slot

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

double cpu() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// Prints what happened between its construction and done().
class Measured {
  public:
    void done(const char* what, std::uint64_t bytes) const {
        const double gb = 1e-9 * static_cast<double>(bytes);
        std::printf("%-44s %8.0f MB/s %8.3f CPU-s/GB\n", what, 1e3 * gb / (now() - begin_),
                    (cpu() - cpu_) / gb);
    }

  private:
    double begin_ = now(), cpu_ = cpu();
};

struct Share {
    Share(std::uint32_t slot_count, std::uint32_t row_size)
        : bytes(std::size_t{slot_count} * kRows * row_size) {
        SeededRandom(1).fill(bytes);
        for (std::size_t at = 0; at < bytes.size(); at += row_size)
            digests.push_back(block::row_digest(ByteSpan(bytes).subspan(at, row_size)));
        for (std::uint32_t slot = 0; slot < slot_count; ++slot) {
            const std::size_t first = std::size_t{slot} * kRows;
            slots.push_back({slot, std::span(digests).subspan(first, kRows), {}});
            for (std::size_t i = first; i < first + kRows; ++i)
                slots.back().rows.push_back(ByteSpan(bytes).subspan(i * row_size, row_size));
        }
    }
    Bytes bytes;
    std::vector<Digest> digests;
    std::vector<SlotToStore> slots;
};

BlockId block_id(std::uint64_t n) {
    BlockId out;
    SeededRandom(n).fill(out.bytes);
    return out;
}

// The same bytes with pwrite and fdatasync; then pread. With let_go as the store does it: what was
// synced leaves memory.
void plain_files(const std::string& path, const Share& share, std::uint64_t total, bool let_go) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return;
    Measured writing;
    std::uint64_t at = 0;
    while (at < total) {
        const auto wrote =
            ::pwrite(file, share.bytes.data(), share.bytes.size(), static_cast<off_t>(at));
        if (wrote <= 0 || ::fdatasync(file) != 0) break;
        if (let_go)
            static_cast<void>(
                ::posix_fadvise(file, static_cast<off_t>(at), wrote, POSIX_FADV_DONTNEED));
        at += static_cast<std::uint64_t>(wrote);
    }
    writing.done(let_go ? "  plain file: pwrite, fdatasync, let go a share"
                        : "  plain file: pwrite, fdatasync a share",
                 at);
    Bytes out(share.bytes.size() / share.slots.size());
    Measured reading;
    std::uint64_t read = 0;
    for (; read + out.size() <= at; read += out.size())
        if (::pread(file, out.data(), out.size(), static_cast<off_t>(read)) < 0) break;
    reading.done(
        let_go ? "  plain file: pread a slot, from the disk" : "  plain file: pread a slot", read);
    ::close(file);
    ::unlink(path.c_str());
}

std::unique_ptr<FragmentStore> open_store(Disk& disk) {
    SeededRandom random(3);
    return FragmentStore::open(disk, random).value();
}

void store_of(const std::string& folder, const Share& share, std::uint64_t total) {
    const auto disk = os::PosixDisk::open_folder(folder).value();
    auto store = open_store(*disk);
    const Bytes statement(20000, 7);
    const auto count = total / share.bytes.size();
    Measured writing;
    for (std::uint64_t i = 0; i < count; ++i) {
        const bool stored =
            store->put_share(block_id(i), statement, share.slots).ok() && store->sync().ok();
        ENSURE(stored);
    }
    writing.done("  store: put_share, sync a share", count * share.bytes.size());
    const std::size_t slot_size = share.bytes.size() / share.slots.size();
    Bytes out(slot_size);
    const auto read_all = [&](const char* what) {
        Measured reading;
        for (std::uint64_t i = 0; i < count; ++i)
            for (const auto& slot : share.slots)
                ENSURE(store->read_slot(block_id(i), slot.slot, kRows * Digest::kSize, out).ok());
        reading.done(what, count * share.bytes.size());
    };
    read_all("  store: read_slot, from the disk");
    read_all("  store: read_slot, again");
    Measured scrubbing;
    ENSURE(store->scrub_some(~std::uint64_t{0}).ok());
    scrubbing.done("  store: scrub", store->bytes_stored());
    const auto stored = store->bytes_stored();
    store.reset();
    double begin = now();
    open_store(*disk).reset();
    std::printf("  opening with sidecars: %.1f ms\n", 1e3 * (now() - begin));
    const auto names = disk->list("segments").value();
    for (const auto& name : names)
        if (name.ends_with(".idx")) static_cast<void>(disk->remove("segments/" + name).ok());
    Measured scanning;
    open_store(*disk).reset();
    scanning.done("  opening without: scan", stored);
}

// Takes everything and keeps nothing: for an index without its bytes.
class SizeOnly final : public File {
  public:
    std::uint64_t size() const override { return size_; }
    Status append(ByteSpan bytes) override {
        size_ += bytes.size();
        return {};
    }
    Status append_pieces(std::span<const ByteSpan> pieces) override {
        for (const auto& piece : pieces) size_ += piece.size();
        return {};
    }
    Status read(std::uint64_t, MutableByteSpan) const override { return {}; }
    Status truncate(std::uint64_t) override { return {}; }
    Status sync() override { return {}; }

  private:
    std::uint64_t size_ = 0;
};

class SizeOnlyDisk final : public Disk {
  public:
    Result<std::unique_ptr<File>> open(std::string_view) override {
        return std::unique_ptr<File>(std::make_unique<SizeOnly>());
    }
    Result<bool> exists(std::string_view) override { return false; }
    Result<Bytes> read_file(std::string_view, std::size_t) override { return Bytes(); }
    Status write_file_atomic(std::string_view path, ByteSpan bytes) override {
        if (path.ends_with(".idx")) sidecar_bytes += bytes.size();
        return {};
    }
    Status remove(std::string_view) override { return {}; }
    Result<std::vector<std::string>> list(std::string_view) override {
        return std::vector<std::string>{};
    }
    std::uint64_t sidecar_bytes = 0;
};

void index_memory() {
    constexpr std::uint64_t kBlocks = 30000;
    SizeOnlyDisk disk;
    const Share share(32, 1024);
    const auto before = ::mallinfo2().uordblks;
    const auto store = open_store(disk);
    for (std::uint64_t i = 0; i < kBlocks; ++i)
        ENSURE(store->put_share(block_id(i), ByteSpan(), share.slots).ok());
    ENSURE(store->sync().ok());
    const auto used = ::mallinfo2().uordblks - before;
    std::printf("index: %.1f bytes of memory a slot at 32 slots a block; %.1f of sidecar\n",
                static_cast<double>(used) / static_cast<double>(store->slot_count()),
                static_cast<double>(disk.sidecar_bytes) / static_cast<double>(store->slot_count()));
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t total = (argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 768) * 1000000;
    const auto folder = std::filesystem::temp_directory_path() /
                        ("mutirao-fragment-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    struct {
        const char* name;
        std::uint32_t slots, row_size;
    } const shares[] = {{"shares of 384 KiB (8 slots)", 8, 4096},
                        {"shares of 12 MiB (32 slots)", 32, 32768}};
    for (const auto& [name, slots, row_size] : shares) {
        std::printf("%s\n", name);
        const Share share(slots, row_size);
        plain_files(folder / "plain", share, total, false);
        plain_files(folder / "plain", share, total, true);
        store_of(folder / name, share, total);
        std::filesystem::remove_all(folder / name);
    }
    index_memory();
    std::filesystem::remove_all(folder);
    return 0;
}

#include "os/disk.hpp"

#include <climits>
#include <fstream>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>

#include "base/random.hpp"
#include "os/test_folder.hpp"

namespace mutirao::os {
namespace {

std::unique_ptr<PosixDisk> open_disk(const TestFolder& folder) {
    return PosixDisk::open_folder(folder.file("data")).value();
}

std::string text_of(Disk& disk, std::string_view path) {
    return std::string(as_text(disk.read_file(path, 1 << 20).value()));
}

// While it lives, files of this process cannot grow past `bytes`: EFBIG, as on a full disk.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) : before_signal_(::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ENSURE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, before_signal_);
    }

  private:
    rlimit before_{};
    sighandler_t before_signal_;
};

TEST(PosixDisk, what_is_appended_is_read_back) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    auto file = disk->open("log").value();
    EXPECT_EQ(file->size(), 0u);
    ASSERT_TRUE(file->append(as_bytes("one")).ok());
    ASSERT_TRUE(file->append(as_bytes("")).ok());
    ASSERT_TRUE(file->append(as_bytes("two")).ok());
    ASSERT_TRUE(file->sync().ok());
    EXPECT_EQ(file->size(), 6u);
    Bytes middle(4);
    ASSERT_TRUE(file->read(1, middle).ok());
    EXPECT_EQ(as_text(middle), "netw");
}

// More pieces than one system call takes, empty ones among them.
TEST(PosixDisk, pieces_are_appended_in_their_order) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    const auto file = disk->open("log").value();
    ASSERT_TRUE(file->append(as_bytes("before")).ok());
    Bytes content(3 * IOV_MAX + 500);
    SeededRandom(1).fill(content);
    std::vector<ByteSpan> pieces;
    for (std::size_t at = 0; at < content.size();) {
        const auto size = std::min<std::size_t>(content.size() - at, pieces.size() % 3);
        pieces.push_back(ByteSpan(content).subspan(at, size));
        at += size;
    }
    ASSERT_GT(pieces.size(), 2u * IOV_MAX);
    ASSERT_TRUE(file->append_pieces(pieces).ok());
    ASSERT_TRUE(file->append_pieces({}).ok());
    ASSERT_EQ(file->size(), 6 + content.size());
    Bytes read(content.size());
    ASSERT_TRUE(file->read(6, read).ok());
    EXPECT_EQ(read, content);
}

TEST(PosixDisk, a_disk_that_fills_amid_pieces_keeps_the_part_that_fitted) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    const auto file = disk->open("log").value();
    const Bytes ones(400, 1), twos(400, 2);
    {
        const FileSizeLimit limit(1000);
        const std::vector<ByteSpan> pieces{ones, twos, ones};
        EXPECT_EQ(file->append_pieces(pieces).error().kind, ErrorKind::resource_exhausted);
    }
    EXPECT_EQ(file->size(), 1000u);
    Bytes read(3);
    ASSERT_TRUE(file->read(799, read).ok());
    EXPECT_EQ(read, (Bytes{2, 1, 1}));
    ASSERT_TRUE(file->truncate(0).ok());
    EXPECT_TRUE(file->append_pieces(std::vector<ByteSpan>{ones}).ok());
}

TEST(PosixDisk, a_file_opened_again_goes_on_at_its_end) {
    const TestFolder folder;
    ASSERT_TRUE(open_disk(folder)->open("a/b/log").value()->append(as_bytes("one")).ok());
    const auto disk = open_disk(folder);
    const auto file = disk->open("a/b/log").value();
    EXPECT_EQ(file->size(), 3u);
    ASSERT_TRUE(file->append(as_bytes("two")).ok());
    EXPECT_EQ(text_of(*disk, "a/b/log"), "onetwo");
}

TEST(PosixDisk, reading_past_the_end_is_an_error) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    const auto file = disk->open("log").value();
    ASSERT_TRUE(file->append(as_bytes("123")).ok());
    Bytes out(3);
    EXPECT_TRUE(file->read(0, out).ok());
    const auto past = file->read(1, out);
    ASSERT_FALSE(past.ok());
    EXPECT_NE(past.error().message.find("log"), std::string::npos);
    EXPECT_FALSE(file->read(~std::uint64_t{0} >> 1, out).ok());
    EXPECT_TRUE(file->read(3, MutableByteSpan{}).ok());
}

TEST(PosixDisk, truncating_drops_the_end_and_never_grows_a_file) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    const auto file = disk->open("log").value();
    ASSERT_TRUE(file->append(as_bytes("123456")).ok());
    ASSERT_TRUE(file->truncate(2).ok());
    EXPECT_EQ(file->size(), 2u);
    ASSERT_TRUE(file->append(as_bytes("x")).ok());
    EXPECT_EQ(text_of(*disk, "log"), "12x");
    EXPECT_EQ(file->truncate(4).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(file->size(), 3u);
}

TEST(PosixDisk, paths_cannot_leave_the_folder) {
    const TestFolder folder;
    std::ofstream(folder.file("secret")) << "outside";
    const auto disk = open_disk(folder);
    const std::string with_nul("a\0b", 3);
    for (const std::string& path :
         {std::string(""), std::string("/etc/passwd"), std::string("../secret"),
          std::string("a/../../secret"), std::string(".."), std::string("a/.."), std::string("."),
          std::string("./a"), std::string("a//b"), std::string("a/"), std::string(".tmp-1-1"),
          with_nul, std::string(5000, 'x')}) {
        EXPECT_EQ(disk->open(path).error().kind, ErrorKind::invalid_argument) << path;
        EXPECT_EQ(disk->exists(path).error().kind, ErrorKind::invalid_argument) << path;
        EXPECT_EQ(disk->read_file(path, 100).error().kind, ErrorKind::invalid_argument) << path;
        EXPECT_EQ(disk->write_file_atomic(path, {}).error().kind, ErrorKind::invalid_argument);
        EXPECT_EQ(disk->remove(path).error().kind, ErrorKind::invalid_argument) << path;
        if (path.empty()) continue;
        EXPECT_EQ(disk->list(path).error().kind, ErrorKind::invalid_argument) << path;
    }
    EXPECT_TRUE(disk->open("..dots are.fine..").ok());
}

TEST(PosixDisk, atomic_writes_replace_the_whole_file) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    ASSERT_TRUE(disk->write_file_atomic("keys/node one.json", as_bytes("long content")).ok());
    ASSERT_TRUE(disk->write_file_atomic("keys/node one.json", as_bytes("short")).ok());
    EXPECT_EQ(text_of(*disk, "keys/node one.json"), "short");
    EXPECT_EQ(disk->list("keys").value(), std::vector<std::string>{"node one.json"});
    struct stat facts {};
    ASSERT_EQ(::stat(folder.file("data/keys/node one.json").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST(PosixDisk, a_full_disk_is_resource_exhausted_and_names_the_file) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    const auto file = disk->open("slots/1.segment").value();
    ASSERT_TRUE(disk->write_file_atomic("state", as_bytes("old")).ok());
    {
        const FileSizeLimit limit(1000);
        ASSERT_TRUE(file->append(Bytes(600, 1)).ok());
        const auto full = file->append(Bytes(600, 2));
        ASSERT_FALSE(full.ok());
        EXPECT_EQ(full.error().kind, ErrorKind::resource_exhausted);
        EXPECT_TRUE(full.error().message.starts_with("disk full: ")) << full.error().message;
        EXPECT_NE(full.error().message.find("slots/1.segment"), std::string::npos);
        // What fitted is there, size() says so, and the caller can take it back.
        EXPECT_EQ(file->size(), 1000u);
        ASSERT_TRUE(file->truncate(600).ok());

        const auto replaced = disk->write_file_atomic("state", Bytes(2000, 3));
        EXPECT_EQ(replaced.error().kind, ErrorKind::resource_exhausted);
    }
    EXPECT_EQ(text_of(*disk, "state"), "old");
    EXPECT_EQ(disk->list("").value(), std::vector<std::string>{"state"});
    std::size_t entries = 0;  // no half-written file stays behind
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(folder.file("data")))
        ++entries;
    EXPECT_EQ(entries, 2u);
    ASSERT_TRUE(file->append(Bytes(600, 2)).ok());
    EXPECT_EQ(file->size(), 1200u);
}

TEST(PosixDisk, absent_files_are_not_found) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    EXPECT_FALSE(disk->exists("a/b").value());
    EXPECT_EQ(disk->read_file("a", 10).error().kind, ErrorKind::not_found);
    EXPECT_EQ(disk->remove("a").error().kind, ErrorKind::not_found);
    EXPECT_TRUE(disk->list("a").value().empty());
}

TEST(PosixDisk, reads_no_more_than_allowed) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    ASSERT_TRUE(disk->write_file_atomic("a", Bytes(11, 7)).ok());
    EXPECT_EQ(disk->read_file("a", 10).error().kind, ErrorKind::resource_exhausted);
    EXPECT_EQ(disk->read_file("a", 11).value(), Bytes(11, 7));
    ASSERT_TRUE(disk->write_file_atomic("empty", {}).ok());
    EXPECT_TRUE(disk->read_file("empty", 0).value().empty());
}

TEST(PosixDisk, lists_files_sorted_and_without_folders) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    for (const auto* path : {"b", "a", "folder/c", "é"}) ASSERT_TRUE(disk->open(path).ok());
    EXPECT_EQ(disk->list("").value(), (std::vector<std::string>{"a", "b", "é"}));
    EXPECT_EQ(disk->list("folder").value(), std::vector<std::string>{"c"});
    EXPECT_TRUE(disk->exists("folder").value());
    ASSERT_TRUE(disk->remove("folder/c").ok());
    EXPECT_FALSE(disk->exists("folder/c").value());
}

TEST(PosixDisk, a_folder_is_not_a_file) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    ASSERT_TRUE(disk->open("folder/c").ok());
    EXPECT_FALSE(disk->open("folder").ok());
    EXPECT_FALSE(disk->read_file("folder", 10).ok());
    EXPECT_FALSE(disk->remove("folder").ok());
    EXPECT_FALSE(disk->write_file_atomic("folder", as_bytes("x")).ok());
    EXPECT_FALSE(disk->open("folder/c/d").ok());
    EXPECT_FALSE(PosixDisk::open_folder(folder.file("data/folder/c")).ok());
}

TEST(PosixDisk, a_locked_folder_refuses_a_second_owner) {
    const TestFolder folder;
    auto first = open_disk(folder);
    const auto second = open_disk(folder);
    ASSERT_TRUE(first->lock().ok());
    const auto refused = second->lock();
    EXPECT_EQ(refused.error().kind, ErrorKind::already_exists);
    EXPECT_NE(refused.error().message.find(folder.path()), std::string::npos);
    first.reset();
    EXPECT_TRUE(second->lock().ok());
}

TEST(PosixDisk, writers_of_one_file_never_mix) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    const auto write = [&](std::uint8_t fill) {
        for (int i = 0; i < 20; ++i)
            ASSERT_TRUE(disk->write_file_atomic("state", Bytes(4096, fill)).ok());
    };
    std::thread other([&] { write(1); });
    write(2);
    other.join();
    const Bytes final = disk->read_file("state", 1 << 20).value();
    EXPECT_TRUE(final == Bytes(4096, 1) || final == Bytes(4096, 2));
}

// Any sequence of appends and truncations leaves the file like a vector that had the same done.
TEST(PosixDisk, behaves_like_a_byte_vector) {
    const TestFolder folder;
    const auto disk = open_disk(folder);
    int round = 0;
    rc::check([&] {
        const std::string name = "file" + std::to_string(round++);
        const auto file = disk->open(name).value();
        Bytes model;
        const auto steps = *rc::gen::resize(8, rc::gen::arbitrary<std::vector<Bytes>>());
        for (const auto& step : steps) {
            RC_ASSERT(file->append(step).ok());
            model.insert(model.end(), step.begin(), step.end());
            if (model.size() % 3 == 1) {
                model.resize(model.size() / 2);
                RC_ASSERT(file->truncate(model.size()).ok());
            }
        }
        Bytes read(model.size());
        RC_ASSERT(file->read(0, read).ok());
        RC_ASSERT(read == model);
    });
}

}  // namespace
}  // namespace mutirao::os

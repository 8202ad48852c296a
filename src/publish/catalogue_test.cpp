#include "publish/catalogue.hpp"

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "base/random.hpp"

namespace mutirao::publish {
namespace {

CatalogueEntry entry_of(std::uint8_t owner, const std::string& name, std::uint64_t seed) {
    SeededRandom random(seed);
    CatalogueEntry out;
    out.owner.bytes.fill(owner);
    out.name = name;
    out.manifest = {random.fixed<Digest>(), {{random.fixed<BlockId>(), seed}}, seed};
    out.content = out.manifest.content();
    out.stored_unix_ms = seed;
    return out;
}

TEST(Catalogue, names_stay_through_a_restart_and_belong_to_their_owner) {
    MemoryDisk disk;
    const auto a = entry_of(1, "notas", 1), b = entry_of(2, "notas", 2);
    {
        const auto catalogue = Catalogue::open(disk).value();
        ASSERT_TRUE(catalogue->put(a).ok());
        ASSERT_TRUE(catalogue->put(b).ok());
    }
    const auto catalogue = Catalogue::open(disk).value();
    EXPECT_EQ(catalogue->find(a.owner, "notas")->content, a.content);
    EXPECT_EQ(catalogue->find(b.owner, "notas")->content, b.content);
    EXPECT_EQ(catalogue->list(a.owner).size(), 1u);
    ASSERT_TRUE(catalogue->remove(a.owner, "notas").ok());
    EXPECT_EQ(catalogue->remove(a.owner, "notas").error().kind, ErrorKind::not_found);
    EXPECT_FALSE(catalogue->is_named(a.content));
    EXPECT_TRUE(catalogue->is_named(b.content));
}

// Many at once: after a power cut at any byte what is listed is a beginning of them, whole entries
// only, and all of them once put_all() has returned.
TEST(Catalogue, many_names_survive_a_power_cut_at_every_byte) {
    std::vector<CatalogueEntry> entries;
    for (std::uint64_t i = 0; i < 5; ++i)
        entries.push_back(entry_of(1, "n" + std::to_string(i), i + 1));
    std::uint64_t total = 0;
    for (std::uint64_t cut = 0; cut == 0 || cut <= total; ++cut) {
        MemoryDisk disk;
        auto catalogue = Catalogue::open(disk).value();
        const auto start = disk.bytes_written();
        if (cut > 0) disk.cut_power_after_bytes(cut - 1);
        const bool put = catalogue->put_all(entries).ok();
        if (cut == 0) total = disk.bytes_written() - start;
        disk.restart(cut % 3 == 0 ? 0 : ~std::uint64_t{0});
        catalogue = Catalogue::open(disk).value();
        const auto listed = catalogue->list(entries[0].owner);
        if (put) {
            EXPECT_EQ(listed.size(), entries.size()) << "cut " << cut;
        }
        for (std::size_t i = 0; i < listed.size(); ++i)
            EXPECT_EQ(listed[i].content, entries[i].content) << "cut " << cut;
        ASSERT_TRUE(catalogue->put_all(entries).ok());
        EXPECT_EQ(catalogue->list({}).size(), entries.size());
    }
    EXPECT_GT(total, 300u);
}

}  // namespace
}  // namespace mutirao::publish

#include "publish/small_objects.hpp"

#include <gtest/gtest.h>

#include "base/test_threads.hpp"
#include "publish/object.hpp"
#include "publish/test_nodes.hpp"

namespace mutirao::publish {
namespace {

struct Objects {
    explicit Objects(std::size_t count) {
        SeededRandom random(count);
        for (std::size_t i = 0; i < count; ++i)
            contents.push_back(random_bytes(random.below(3000), i));
        for (const auto& content : contents)
            objects.push_back({random.fixed<crypto::Key>(), content});
    }
    std::vector<Bytes> contents;
    std::vector<SmallObject> objects;
};

TEST(SmallObjects, together_they_fill_one_block_and_each_opens_with_its_own_key_only) {
    TestNetwork network(8);
    Packer packer(network.publishing());
    const Objects many(300);
    const auto stored = store_together(packer, many.objects, Strength::available).value();
    ASSERT_EQ(stored.manifests.size(), many.objects.size());
    std::uint64_t parts = 0;
    for (std::size_t i = 0; i < many.objects.size(); ++i) {
        const auto& manifest = stored.manifests[i];
        EXPECT_EQ(manifest.blocks.front().id, stored.certificate.id);
        EXPECT_EQ(stored.parts[i], crypto::sealed_size(many.contents[i].size()));
        parts += stored.parts[i];
        const auto read = [&](const crypto::Key& key) {
            return read_block(network.retriever, network.nodes.committee, manifest, 0, key);
        };
        EXPECT_EQ(read(many.objects[i].key)->plain, many.contents[i]);
        EXPECT_EQ(read(many.objects[(i + 1) % 300].key).error().kind, ErrorKind::permission_denied);
    }
    EXPECT_EQ(parts, stored.certificate.length);
}

TEST(SmallObjects, none_too_many_and_too_large_are_refused) {
    TestNetwork network(4);
    Packer packer(network.publishing());
    const auto kind_of = [&](std::span<const SmallObject> objects) {
        return store_together(packer, objects, Strength::available).error().kind;
    };
    EXPECT_EQ(kind_of({}), ErrorKind::invalid_argument);
    EXPECT_EQ(kind_of(std::vector<SmallObject>(kTogetherMax + 1)), ErrorKind::invalid_argument);
    const Bytes large(kPackedPlainMax + 1), most(kPackedPlainMax);
    EXPECT_EQ(kind_of({{{{}, large}}}), ErrorKind::invalid_argument);
    // More than a block takes in all.
    EXPECT_EQ(kind_of(std::vector<SmallObject>(17, {{}, most})), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace mutirao::publish

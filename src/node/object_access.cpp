#include "node/object_access.hpp"

namespace mutirao::node {

Result<ObjectAccess::BlockText> ObjectAccess::read_block(const publish::Manifest& manifest,
                                                         const crypto::Key& key,
                                                         std::uint32_t index) {
    if (index >= manifest.blocks.size())
        return Error{ErrorKind::invalid_argument,
                     "the object has " + std::to_string(manifest.blocks.size()) + " blocks"};
    const auto& id = manifest.blocks[index].id;
    TRY(auto committee, directory_.committee_of(id));
    BlockText out;
    TRY(out.read, retriever_.read(id, committee));
    TRY(out.plain,
        publish::open_block_content(manifest, index, out.read.header, out.read.content, key));
    out.read.content.clear();
    return out;
}

Result<Bytes> ObjectAccess::read(const Digest& content, const Digest& run,
                                 const crypto::AccountKey& reader,
                                 const crypto::BoxSecretKey& box) {
    TRY(auto keepers, directory_.keepers());
    TRY(auto opened, keys_.open(content, run, reader, box, clock_.unix_ms(), keepers));
    if (opened.manifest.size() > kObjectInMemoryMax)
        return Error{ErrorKind::resource_exhausted, "the object is over 1 GiB"};
    Bytes out;
    for (std::uint32_t i = 0; i < opened.manifest.blocks.size(); ++i) {
        TRY(auto block, read_block(opened.manifest, opened.key, i));
        out.insert(out.end(), block.plain.begin(), block.plain.end());
    }
    return out;
}

}  // namespace mutirao::node

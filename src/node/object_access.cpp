#include "node/object_access.hpp"

namespace mutirao::node {

Result<publish::PlainRead> ObjectAccess::read_block(const publish::Manifest& manifest,
                                                    const crypto::Key& key, std::uint32_t index) {
    TRY(auto committee, committee_of(manifest, index));
    return publish::read_block(retriever_, committee, manifest, index, key);
}

Result<publish::PlainRead> ObjectAccess::read_range(const publish::Manifest& manifest,
                                                    const crypto::Key& key, std::uint32_t index,
                                                    std::uint64_t offset, std::uint64_t size) {
    TRY(auto committee, committee_of(manifest, index));
    return publish::read_block_range(retriever_, committee, manifest, index, offset, size, key);
}

Result<publish::Committee> ObjectAccess::committee_of(const publish::Manifest& manifest,
                                                      std::uint32_t index) {
    if (index >= manifest.blocks.size())
        return Error{ErrorKind::invalid_argument,
                     "the object has " + std::to_string(manifest.blocks.size()) + " blocks"};
    return directory_.committee_of(manifest.blocks[index].id);
}

Result<KeyShares::Opened> ObjectAccess::open(const Digest& content, const Digest& run,
                                             const crypto::AccountKey& reader,
                                             const crypto::BoxSecretKey& box) {
    TRY(const auto keepers, directory_.keepers());
    return keys_.open(content, run, reader, box, clock_.unix_ms(), keepers);
}

Result<Bytes> ObjectAccess::read(const Digest& content, const Digest& run,
                                 const crypto::AccountKey& reader,
                                 const crypto::BoxSecretKey& box) {
    TRY(const auto opened, open(content, run, reader, box));
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

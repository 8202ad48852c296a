#include "publish/small_objects.hpp"

#include <algorithm>

#include "base/codec.hpp"

namespace mutirao::publish {

Bytes packed_context(const Digest& key_commitment) {
    Writer out;
    out.raw(as_bytes("mutirao v1 packed")).raw(key_commitment.span());
    return std::move(out).take();
}

Result<StoredTogether> store_together(Packer& packer, std::span<const SmallObject> objects,
                                      Strength strength) {
    if (objects.empty() || objects.size() > kTogetherMax)
        return Error{ErrorKind::invalid_argument, "1 to " + std::to_string(kTogetherMax) +
                                                      " objects are stored together, not " +
                                                      std::to_string(objects.size())};
    StoredTogether out;
    std::size_t total = 0;
    for (const auto& object : objects) {
        if (object.plain.size() > kPackedPlainMax)
            return Error{
                ErrorKind::invalid_argument,
                "an object of " + std::to_string(object.plain.size()) + " bytes is no small one"};
        out.parts.push_back(crypto::sealed_size(object.plain.size()));
        total += out.parts.back();
    }
    Bytes sealed(total);
    std::size_t at = 0;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const auto& [key, plain] = objects[i];
        const MutableByteSpan room = MutableByteSpan(sealed).subspan(at, out.parts[i]);
        static_assert(kPackedPlainMax <= crypto::kSegmentSize, "it is sealed where it is laid");
        std::copy(plain.begin(), plain.end(), room.begin());
        const auto commitment = crypto::commit_key(key);
        crypto::seal_in_place(key, 0, packed_context(commitment), room);
        out.manifests.push_back({commitment, {{{}, plain.size()}}, at});
        at += out.parts[i];
    }
    TRY(auto stored, packer.store(sealed, strength));
    for (std::size_t i = 0; i < objects.size(); ++i) {
        auto& manifest = out.manifests[i];
        manifest.blocks.front().id = stored.certificate.id;
        *manifest.packed_at += stored.offset;
        const auto length = stored.certificate.length;
        out.stored_bytes.push_back((stored.fragment_bytes * out.parts[i] + length - 1) / length);
    }
    out.fragments_per_block = stored.fragments;
    out.certificate = std::move(stored.certificate);
    return out;
}

}  // namespace mutirao::publish

#include <algorithm>

#include "base/codec.hpp"
#include "rights/keeper.hpp"

namespace mutirao::rights {
namespace {

constexpr std::uint16_t kKeptShareVersion = 1;

}  // namespace

Status KeptShare::validate() const {
    if (manifest.empty() || manifest.size() > kManifestSizeMax)
        return Error{ErrorKind::invalid_argument,
                     "a manifest has 1 to " + std::to_string(kManifestSizeMax) + " bytes, not " +
                         std::to_string(manifest.size())};
    if (crypto::blake3_keyed(crypto::domain_key("manifest"), manifest) != content)
        return Error{ErrorKind::invalid_argument,
                     "the manifest is not that of content " + content.hex()};
    if (threshold == 0 || share.index == 0)
        return Error{ErrorKind::invalid_argument,
                     "a key share has an index and a threshold from 1 on"};
    return {};
}

Bytes KeptShare::encode() const {
    Writer out;
    out.u(kKeptShareVersion).raw(content.span()).raw(owner.span()).u(threshold);
    out.u(share.index).raw(share.bytes).blob(manifest);
    return std::move(out).take();
}

Result<KeptShare> KeptShare::decode(ByteSpan bytes) {
    Reader in(bytes);
    TRY(auto version, in.u<std::uint16_t>());
    if (version != kKeptShareVersion)
        return Error{ErrorKind::corrupt,
                     "a kept share of version " + std::to_string(version) + " is not known"};
    KeptShare out;
    TRY(out.content, in.fixed<Digest>());
    TRY(out.owner, in.fixed<Address>());
    TRY(out.threshold, in.u<std::uint8_t>());
    TRY(out.share.index, in.u<std::uint8_t>());
    TRY(auto share, in.raw(out.share.bytes.size()));
    std::copy(share.begin(), share.end(), out.share.bytes.begin());
    TRY(auto manifest, in.blob(kManifestSizeMax));
    out.manifest = to_bytes(manifest);
    TRY_VOID(in.finish());
    if (auto status = out.validate(); !status.ok())
        return Error{ErrorKind::corrupt, status.error().message};
    return out;
}

Result<crypto::KeyShare> open_share(const ReleasedShare& released, const KeyRequest& request,
                                    const crypto::BoxSecretKey& key) {
    TRY(auto opened, crypto::open_box(key, request.digest().span(), released.sealed));
    crypto::KeyShare share;
    if (opened.size() != 1 + share.bytes.size() || opened[0] != released.index)
        return Error{ErrorKind::corrupt,
                     "the sealed key share is not share " + std::to_string(released.index)};
    share.index = opened[0];
    std::copy(opened.begin() + 1, opened.end(), share.bytes.begin());
    return share;
}

}  // namespace mutirao::rights

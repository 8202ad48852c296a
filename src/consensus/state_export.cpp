#include "consensus/state_export.hpp"

#include "base/codec.hpp"
#include "consensus/chain.hpp"
#include "crypto/hash.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::string_view kMagic = "MUTSTATE";
constexpr std::uint16_t kVersion = 1;

Bytes head_before_checksum(const StateExport& from) {
    Writer out;
    out.raw(as_bytes(kMagic)).u(kVersion).u(from.height).raw(from.last_hash.span());
    return std::move(out).take();
}

Digest checksum(ByteSpan head, ByteSpan state) {
    return crypto::KeyedHasher(crypto::domain_key("ledger export"))
        .update(head)
        .update(state)
        .digest();
}

}  // namespace

Bytes StateExport::encode_head() const {
    auto out = head_before_checksum(*this);
    const auto sum = checksum(out, state);
    out.insert(out.end(), sum.bytes.begin(), sum.bytes.end());
    return out;
}

Bytes StateExport::encode() const {
    auto out = encode_head();
    out.insert(out.end(), state.begin(), state.end());
    return out;
}

Result<StateExport> StateExport::decode(ByteSpan bytes) {
    Reader in(bytes);
    const auto magic = in.raw(kMagic.size());
    if (!magic.ok() || as_text(*magic) != kMagic)
        return Error{ErrorKind::corrupt, "this is no exported state of a ledger"};
    TRY(auto version, in.u<std::uint16_t>());
    if (version != kVersion)
        return Error{ErrorKind::corrupt,
                     "the exported state has version " + std::to_string(version) +
                         " and this program reads version " + std::to_string(kVersion)};
    StateExport out;
    TRY(out.height, in.u<std::uint64_t>());
    TRY(out.last_hash, in.fixed<Digest>());
    const auto head = bytes.first(in.offset());
    TRY(auto expected, in.fixed<Digest>());
    const auto state = bytes.subspan(in.offset());
    if (checksum(head, state) != expected)
        return Error{ErrorKind::corrupt,
                     "the exported state is damaged or cut short; copy it "
                     "again"};
    out.state = to_bytes(state);
    return out;
}

Result<StateExport> export_state(Disk& disk, Application& application,
                                 const EngineOptions& options) {
    Chain chain(disk, application, options);
    TRY_VOID(chain.open());
    return StateExport{application.height(), chain.last_hash(), application.snapshot()};
}

Status import_state(Disk& disk, Application& application, const StateExport& state) {
    const EngineOptions options;
    Chain chain(disk, application, options);
    TRY_VOID(chain.open());
    TRY_VOID(application.restore(state.state));
    if (application.height() != state.height)
        return Error{ErrorKind::corrupt, "the exported state names block " +
                                             std::to_string(state.height) + " and is of block " +
                                             std::to_string(application.height())};
    return chain.begin_at(state, Origin::import);
}

}  // namespace mutirao::consensus

#include "publish/owner_request.hpp"

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::publish {
namespace {

void write_body(Writer& out, const OwnerRequest& request) {
    out.u(static_cast<std::uint8_t>(request.action)).text(request.name);
    out.raw(request.content.span()).u(request.expires_unix_ms);
}

Digest signed_hash(const OwnerRequest& request, std::uint64_t chain_id) {
    Writer out;
    out.raw(as_bytes("mutirao v1 owner request")).u(chain_id);
    write_body(out, request);
    return crypto::personal_message_hash(out.bytes());
}

// Size of the UTF-8 sequence at the front of `text`, or 0 when it is not one (RFC 3629).
std::size_t utf8_sequence(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return 1;
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
    std::uint32_t code = lead & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80) return 0;
        code = code << 6 | (next & 0x3f);
    }
    const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    return overlong || surrogate || code > 0x10ffff ? 0 : size;
}

}  // namespace

void OwnerRequest::sign(const crypto::AccountKey& key, std::uint64_t chain_id) {
    signature = key.sign(signed_hash(*this, chain_id));
}

Result<Address> OwnerRequest::owner(std::uint64_t chain_id, std::uint64_t now_unix_ms) const {
    if (expires_unix_ms < now_unix_ms)
        return Error{ErrorKind::permission_denied, "the owner's request has expired"};
    if (expires_unix_ms > now_unix_ms + 2 * kRequestLifeMs)
        return Error{ErrorKind::permission_denied,
                     "the owner's request is valid for too long; check this machine's clock"};
    return crypto::recover(signed_hash(*this, chain_id), signature);
}

Bytes OwnerRequest::encode() const {
    Writer out;
    write_body(out, *this);
    out.raw(signature.to_bytes());
    return std::move(out).take();
}

Result<OwnerRequest> OwnerRequest::decode(ByteSpan bytes) {
    Reader in(bytes);
    OwnerRequest out;
    TRY(auto action, in.u<std::uint8_t>());
    if (action < 1 || action > 4)
        return Error{ErrorKind::corrupt,
                     "owner action " + std::to_string(action) + " is not known"};
    out.action = static_cast<OwnerAction>(action);
    TRY(out.name, in.text(kNameSizeMax));
    TRY(out.content, in.fixed<Digest>());
    TRY(out.expires_unix_ms, in.u<std::uint64_t>());
    TRY(auto signature, in.raw(crypto::AccountSignature::kSize));
    TRY(out.signature, crypto::AccountSignature::from_bytes(signature));
    TRY_VOID(in.finish());
    return out;
}

Digest digest_names(std::span<const Naming> namings) {
    Writer out;
    for (const auto& naming : namings) out.text(naming.name).raw(naming.content.span());
    return crypto::blake3_keyed(crypto::domain_key("names"), out.bytes());
}

Status check_name(std::string_view name) {
    if (name.empty() || name.size() > kNameSizeMax)
        return Error{ErrorKind::invalid_argument, "a name has 1 to " +
                                                      std::to_string(kNameSizeMax) +
                                                      " bytes, not " + std::to_string(name.size())};
    for (std::size_t at = 0; at < name.size();) {
        const auto lead = static_cast<unsigned char>(name[at]);
        const auto size = utf8_sequence(name.substr(at));
        if (size == 0 || lead < 0x20 || lead == 0x7f)
            return Error{ErrorKind::invalid_argument,
                         "the name has a byte at position " + std::to_string(at) +
                             " that is a control character or no UTF-8"};
        at += size;
    }
    return {};
}

}  // namespace mutirao::publish

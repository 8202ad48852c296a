#include "rights/key_request.hpp"

#include "base/codec.hpp"

namespace mutirao::rights {
namespace {

void write_body(Writer& out, const KeyRequest& request) {
    out.u(static_cast<std::uint8_t>(request.action)).raw(request.content.span());
    out.raw(request.requester.span()).raw(request.run.span()).raw(request.reply_to.span());
    out.u(request.expires_unix_ms);
}

Digest signed_hash(const KeyRequest& request) {
    Writer out;
    out.raw(as_bytes("mutirao v1 key request"));
    write_body(out, request);
    return crypto::personal_message_hash(out.bytes());
}

}  // namespace

Digest KeyRequest::digest() const {
    Writer out;
    write_body(out, *this);
    return crypto::blake3_keyed(crypto::domain_key("key request"), out.bytes());
}

void KeyRequest::sign(const crypto::AccountKey& key) {
    requester = key.address();
    signature = key.sign(signed_hash(*this));
}

Status KeyRequest::verify(std::uint64_t now_unix_ms) const {
    if (expires_unix_ms <= now_unix_ms)
        return Error{ErrorKind::permission_denied, "the key request has expired; sign a new one"};
    if (expires_unix_ms - now_unix_ms > kRequestLifeMaxMs)
        return Error{ErrorKind::permission_denied,
                     "the key request is valid for more than 10 minutes; check this machine's "
                     "clock"};
    const auto signer = crypto::recover(signed_hash(*this), signature);
    if (!signer.ok() || *signer != requester)
        return Error{ErrorKind::permission_denied,
                     "the key request is not signed by " + crypto::to_checksum_text(requester)};
    return {};
}

Bytes KeyRequest::encode() const {
    Writer out;
    write_body(out, *this);
    out.raw(signature.to_bytes());
    return std::move(out).take();
}

Result<KeyRequest> KeyRequest::decode(ByteSpan bytes) {
    Reader in(bytes);
    KeyRequest out;
    TRY(auto action, in.u<std::uint8_t>());
    if (action < 1 || action > 2)
        return Error{ErrorKind::corrupt, "key action " + std::to_string(action) + " is not known"};
    out.action = static_cast<KeyAction>(action);
    TRY(out.content, in.fixed<Digest>());
    TRY(out.requester, in.fixed<Address>());
    TRY(out.run, in.fixed<Digest>());
    TRY(out.reply_to, in.fixed<crypto::BoxPublicKey>());
    TRY(out.expires_unix_ms, in.u<std::uint64_t>());
    TRY(auto signature, in.raw(crypto::AccountSignature::kSize));
    TRY(out.signature, crypto::AccountSignature::from_bytes(signature));
    TRY_VOID(in.finish());
    return out;
}

}  // namespace mutirao::rights

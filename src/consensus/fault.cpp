#include "consensus/fault.hpp"

#include "base/codec.hpp"

namespace mutirao::consensus {

Bytes Fault::encode() const {
    Writer out;
    out.u(kTag).u(static_cast<std::uint8_t>(kind)).raw(validator.span()).u(height);
    return std::move(out).take();
}

Result<Fault> Fault::decode(ByteSpan bytes) {
    Reader in(bytes);
    Fault out;
    TRY(const auto tag, in.u<std::uint8_t>());
    TRY(const auto kind, in.u<std::uint8_t>());
    if (tag != kTag || kind == 0 || kind > static_cast<std::uint8_t>(FaultKind::last_))
        return Error{ErrorKind::corrupt, "these bytes are no validator's fault"};
    out.kind = static_cast<FaultKind>(kind);
    TRY(out.validator, in.fixed<Address>());
    TRY(out.height, in.u<std::uint64_t>());
    TRY_VOID(in.finish());
    return out;
}

std::string Fault::sentence() const {
    return "validator " + to_hex(validator.span()) +
           (kind == FaultKind::duplicate_vote ? " voted for two different blocks at height "
                                              : " deceived light clients at height ") +
           std::to_string(height);
}

}  // namespace mutirao::consensus

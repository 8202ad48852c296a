// What consensus proved of a validator, as it stands in a block among the transactions: so the log
// brings it back in a replay. Only an engine puts one there, from what all validators agreed on;
// whoever sends one is refused like any bytes that are no transaction. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.hpp"

namespace mutirao::consensus {

enum class FaultKind : std::uint8_t { duplicate_vote = 1, light_client_attack = 2, last_ = 2 };

struct Fault {
    FaultKind kind = FaultKind::duplicate_vote;
    Address validator;  // the front of its key's SHA-256
    std::uint64_t height = 0;

    // The first byte: no transaction's, and no batch's certificate's.
    static constexpr std::uint8_t kTag = 0x7e;
    static constexpr std::size_t kSize = 1 + 1 + Address::kSize + 8;
    // tag | kind u8 | validator 20 | height u64
    Bytes encode() const;
    // corrupt on anything that encode() would not have written.
    static Result<Fault> decode(ByteSpan bytes);
    // "validator AB.. voted for two different blocks at height 7"
    std::string sentence() const;
    bool operator==(const Fault&) const = default;
};

inline bool is_fault(ByteSpan bytes) { return !bytes.empty() && bytes[0] == Fault::kTag; }

}  // namespace mutirao::consensus

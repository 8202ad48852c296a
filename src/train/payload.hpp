// What one worker sends to every other after its local steps of a round.
#pragma once

#include <cstdint>
#include <vector>

#include "base/codec.hpp"

namespace mutirao::train {

using RunId = FixedBytes<struct RunIdTag, 32>;

inline constexpr std::uint32_t kWorkersMax = 256;
inline constexpr std::uint32_t kRoundsMax = 1u << 20;
inline constexpr std::size_t kPayloadBytesMax = 1ull << 30;

struct Payload {
    RunId run;
    std::uint32_t round = 0;
    std::uint32_t worker = 0;  // index in the run's order of workers
    std::uint64_t tokens = 0;  // bytes trained on in this round
    double loss = 0;           // mean training loss of the local steps, nats a byte
    Digest base;               // state_hash() of the shared parameters when it was made
    Bytes delta;               // a PseudoGradientCodec's bytes
    // worker_state_digest() of what the round began with, for whoever computes it again
    // (recompute.hpp); zero when the worker does not offer that.
    Digest before = {};
    // What each owner's examples did in this round, owner by owner in kCreditUnit
    // (contribution.hpp); empty when it was not measured.
    std::vector<std::int64_t> credits = {};

    bool operator==(const Payload&) const = default;
};

// Canonical: version u16, run, round u32, worker u32, tokens u64, loss (IEEE 754 bits) u64, base,
// delta blob, before, owners u32, credits as i64; little-endian.
Bytes encode_payload(const Payload& payload);
// corrupt for anything that encode_payload would not have written, a loss that is not finite
// included.
Result<Payload> decode_payload(ByteSpan bytes);

}  // namespace mutirao::train

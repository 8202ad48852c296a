// What workers of a run tell one another so that all of them count the same payloads in a round
// (agreement.hpp), and mask and unmask these (secure_sum.hpp): small messages, each signed by its
// worker, which anybody may pass on.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "crypto/account.hpp"
#include "train/secure_sum.hpp"

namespace mutirao::train {

// One worker's payload among those that count.
struct Member {
    std::uint32_t worker = 0;
    Digest payload;  // BlobId of its encoded Payload (blob.hpp)

    bool operator==(const Member&) const = default;
};

// What is agreed on for a round.
struct RoundValue {
    Digest base;  // state_hash() of the shared parameters that its payloads are from
    std::vector<Member> members;  // in worker order, at least one

    bool operator==(const RoundValue&) const = default;
    Digest digest() const;
};

// "I stand before this round's local steps, and my RunState is this." Of round rounds_total(): I
// have finished.
struct Standing {
    Digest state;  // BlobId of the encoded RunState
    bool operator==(const Standing&) const = default;
};
// "My payload of this round is durable here."
struct Ready {
    Digest base;
    Digest payload;
    bool operator==(const Ready&) const = default;
};
// The coordinator of a view proposes what should count.
struct Proposal {
    std::uint32_t view = 0;
    RoundValue value;
    bool operator==(const Proposal&) const = default;
};
// "All payloads of what view `view` proposed are durable here, and I vote for it."
struct Acceptance {
    std::uint32_t view = 0;
    Digest value;  // RoundValue::digest()
    bool operator==(const Acceptance&) const = default;
};
// "I take no part in views before this one." With what this worker last accepted, if anything:
// then accepted_view is one more than its view.
struct Promise {
    std::uint32_t view = 0;
    std::uint32_t accepted_views = 0;
    RoundValue accepted;  // no members when accepted_views is 0
    bool operator==(const Promise&) const = default;
};

// "I computed this worker's payload of the round again, and it is not what it sent." Whoever hears
// it does the same before believing it (audit.hpp).
struct Doubt {
    std::uint32_t worker = 0;
    bool operator==(const Doubt&) const = default;
};

// "I have computed again all that I had to, up to the run's last round, and said what I found."
struct Looked {
    bool operator==(const Looked&) const = default;
};

// What ready, proposal, acceptance and promise are about: rounds with a secure sum agree first on
// whose keys it is with, on who shared with all of these, and on who could open what
// (sum_rounds.hpp).
enum class Subject : std::uint8_t { payloads = 0, sum_keys = 1, sum_shares = 2, sum_opened = 3 };

struct Message {
    RunId run;
    std::uint32_t round = 0;
    std::uint32_t worker = 0;  // who says it; the place of a sum's message is this one, too
    std::variant<Standing, Ready, Proposal, Acceptance, Promise, Doubt, SumKeys, SumShares,
                 SumReveal, SumOpened, Looked>
        body;
    Subject subject = Subject::payloads;

    bool operator==(const Message&) const = default;
};

inline constexpr std::uint32_t kViewsMax = 1u << 16;
inline constexpr std::size_t kMessageBytesMax = 256 + 212 * std::size_t{kWorkersMax};

// Canonical: version u16, run, round u32, worker u32, kind u8 (+ 16 * subject), then the fields of
// the kind in their order, a value as base, member count u32, {worker u32, payload}, a message of a
// sum as encode() of it has it; little-endian.
Bytes encode_message(const Message& message);
// corrupt for anything that encode_message would not have written, workers out of order included.
Result<Message> decode_message(ByteSpan bytes);

// The message, then r, s and y_parity of an account's signature over its keyed hash.
Bytes sign_message(const Message& message, const crypto::AccountKey& key);
// The message of a signed one whose signer is trainers[worker]. corrupt: no message.
// permission_denied: another run, a worker that the run has not, or not signed by that worker.
// About 50 us.
Result<Message> check_message(ByteSpan signed_bytes, const RunId& run,
                              std::span<const Address> trainers);

}  // namespace mutirao::train

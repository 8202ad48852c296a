#include "ledger/state_proof.hpp"

#include <bit>

#include "crypto/hash.hpp"
#include "ledger/state_hash.hpp"
#include "ledger/state_slots.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::uint64_t kSlotsMax = std::uint64_t{1} << 32;

// Levels of siblings for which there is one within the tree.
std::size_t sibling_count(std::uint64_t slots, std::uint64_t slot) {
    std::size_t out = 0;
    for (; slots > 1; slots = (slots + 1) / 2, slot /= 2)
        if ((slot ^ 1) < slots) ++out;
    return out;
}

Error bad(const char* why) {
    return {ErrorKind::corrupt, std::string("the proof of state is wrong: ") + why};
}

}  // namespace

Digest StateHeader::hash() const {
    return crypto::blake3_keyed(crypto::domain_key("state"), encode());
}

Bytes StateHeader::encode() const {
    Writer out;
    out.raw(tree_root.span()).raw(history_root.span()).u(height).u(time_ms).raw(previous.span());
    return std::move(out).take();
}

Result<StateHeader> StateHeader::decode(ByteSpan bytes) {
    Reader in(bytes);
    StateHeader out;
    TRY(out.tree_root, in.fixed<Digest>());
    TRY(out.history_root, in.fixed<Digest>());
    TRY(out.height, in.u<std::uint64_t>());
    TRY(out.time_ms, in.u<std::uint64_t>());
    TRY(out.previous, in.fixed<Digest>());
    TRY_VOID(in.finish());
    return out;
}

Bytes StateProof::encode() const {
    Writer out;
    out.u(static_cast<std::uint8_t>(present)).u(slots).u(slot);
    if (present)
        out.blob(value);
    else
        out.blob(below).raw(value_digest.span());
    out.blob(next);
    for (const auto& sibling : siblings) out.raw(sibling.span());
    return std::move(out).take();
}

Result<StateProof> StateProof::decode(ByteSpan bytes) {
    Reader in(bytes);
    StateProof out;
    TRY(auto present, in.u<std::uint8_t>());
    if (present > 1) return bad("neither present nor absent");
    out.present = present == 1;
    TRY(out.slots, in.u<std::uint64_t>());
    TRY(out.slot, in.u<std::uint64_t>());
    if (out.slots > kSlotsMax || out.slot >= out.slots) return bad("no such slot");
    if (out.present) {
        TRY(auto value, in.blob(kStateValueMax));
        out.value = to_bytes(value);
    } else {
        TRY(auto below, in.blob(kStateKeyMax));
        out.below = to_bytes(below);
        TRY(out.value_digest, in.fixed<Digest>());
    }
    TRY(auto next, in.blob(kStateKeyMax));
    out.next = to_bytes(next);
    for (auto left = sibling_count(out.slots, out.slot); left > 0; --left) {
        TRY(auto sibling, in.fixed<Digest>());
        out.siblings.push_back(sibling);
    }
    TRY_VOID(in.finish());
    return out;
}

Result<Value> verify(const Digest& tree_root, ByteSpan key, const StateProof& proof) {
    if (key.empty()) return Error{ErrorKind::invalid_argument, "the empty key has no record"};
    if (key.size() > kStateKeyMax || proof.below.size() > kStateKeyMax ||
        proof.next.size() > kStateKeyMax || proof.value.size() > kStateValueMax)
        return bad("too long");
    if (proof.slots > kSlotsMax || proof.slot >= proof.slots) return bad("no such slot");
    if (proof.siblings.size() != sibling_count(proof.slots, proof.slot))
        return bad("another number of digests");
    if (!proof.present &&
        !(key_less(proof.below, key) && (proof.next.empty() || key_less(key, proof.next))))
        return bad("the key is not between its leaf's keys");
    const auto value = proof.present ? state_hash::value_digest(proof.value) : proof.value_digest;
    auto digest = state_hash::leaf_digest(proof.slot, value,
                                          proof.present ? key : ByteSpan(proof.below), proof.next);
    auto sibling = proof.siblings.begin();
    auto at = proof.slot;
    for (auto size = proof.slots; size > 1; size = (size + 1) / 2, at /= 2) {
        const auto beside = (at ^ 1) < size ? *sibling++ : Digest();
        digest = at % 2 == 0 ? state_hash::node_digest(digest, beside)
                             : state_hash::node_digest(beside, digest);
    }
    if (state_hash::tree_root(digest, proof.slots) != tree_root)
        return bad("it leads to another root");
    return proof.present ? Value(proof.value) : Value();
}

}  // namespace mutirao::ledger

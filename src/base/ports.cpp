#include "base/ports.hpp"

namespace mutirao {

std::uint64_t Random::next_u64() {
    std::uint64_t value = 0;
    std::uint8_t raw[sizeof(value)];
    fill(raw);
    std::memcpy(&value, raw, sizeof(value));
    return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
    ENSURE(bound > 0);
    // Rejection keeps the result uniform: values under 2^64 mod bound are drawn again.
    const std::uint64_t reject_under = (0 - bound) % bound;
    for (;;) {
        const std::uint64_t value = next_u64();
        if (value >= reject_under) return value % bound;
    }
}

Status File::append_pieces(std::span<const ByteSpan> pieces) {
    Bytes all;
    for (const auto& piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
    return append(all);
}

void File::let_go(std::uint64_t, std::uint64_t) {}

Message Message::of(Bytes bytes) {
    auto owner = std::make_shared<const Bytes>(std::move(bytes));
    return {{ByteSpan(*owner)}, owner};
}

std::size_t Message::size() const {
    std::size_t total = 0;
    for (const auto& piece : pieces) total += piece.size();
    return total;
}

Bytes Message::joined() const {
    Bytes all;
    all.reserve(size());
    for (const auto& piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
    return all;
}

void Network::start(const std::string& peer, std::string_view method, Message request,
                    Duration deadline, Done done) {
    const auto answered = std::move(done);
    if (request.pieces.size() == 1)
        return answered(call(peer, method, request.pieces[0], deadline));
    answered(call(peer, method, request.joined(), deadline));
}

}  // namespace mutirao

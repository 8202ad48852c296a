// However bytes are cut into pieces, the same messages come out; what is no message is refused; and
// no message makes the engine stumble.
#include "base/ensure.hpp"
#include "base/memory_disk.hpp"
#include "consensus/abci_messages.hpp"
#include "consensus/comet.hpp"
#include "consensus/test_application.hpp"

using namespace mutirao;
using namespace mutirao::consensus;

namespace {

struct Seen {
    std::vector<Bytes> messages;
    bool failed = false;
    bool operator==(const Seen&) const = default;
};

Seen read(ByteSpan bytes, std::size_t piece) {
    AbciFrames frames;
    Seen out;
    for (std::size_t at = 0; at < bytes.size() && !out.failed; at += piece) {
        frames.feed(bytes.subspan(at, std::min(piece, bytes.size() - at)));
        for (;;) {
            auto next = frames.next();
            out.failed = !next.ok();
            if (!next.ok() || !*next) break;
            out.messages.push_back(std::move(**next));
        }
    }
    return out;
}

void talk_to_the_engine(ByteSpan bytes) {
    static const auto proposer = crypto::BlsSecretKey::generate(Bytes(32, 1)).value();
    MemoryDisk disk;
    Counters counters;
    EngineOptions options;
    options.engine = "cometbft";
    options.proposer = proposer;
    options.snapshot_every = 1;
    const auto engine = open_comet(disk, counters, std::move(options)).value();
    (void)engine->converse()(bytes);
    ENSURE(counters.height() <= bytes.size(), "a block of no bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan bytes(data, size);
    const auto whole = read(bytes, std::max<std::size_t>(size, 1));
    ENSURE(whole == read(bytes, 3), "messages depend on how they arrive");
    for (const auto& message : whole.messages) {
        std::size_t inside = 0;
        (void)each_field(message, [&](const WireField& field) { inside += field.bytes.size(); });
        ENSURE(inside <= message.size(), "fields overlap");
        (void)read_proposal(message);
    }
    talk_to_the_engine(bytes);
    return 0;
}

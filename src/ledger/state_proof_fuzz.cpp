// A proof from a stranger: whatever decodes is canonical, and none shows what is not so under a
// root that it was not made for.
#include "base/ensure.hpp"
#include "ledger/state_tree.hpp"

using namespace mutirao;
using namespace mutirao::ledger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const StateTree kTree = [] {
        StateTree out;
        out.apply({{{'a'}, Bytes{1}}, {{'b'}, Bytes{2}}, {{'c'}, Bytes{3}}});
        return out;
    }();
    const ByteSpan bytes(data, size);
    if (const auto header = StateHeader::decode(bytes); header.ok())
        ENSURE(header->encode() == to_bytes(bytes), "two encodings of a header");
    const auto proof = StateProof::decode(bytes);
    if (!proof.ok()) return 0;
    ENSURE(proof->encode() == to_bytes(bytes), "two encodings of a proof");
    for (const Bytes& key : {Bytes{'a'}, Bytes{'b'}, Bytes{'b', 'b'}, Bytes{'d'}, Bytes{}}) {
        const auto shown = verify(kTree.root(), key, *proof);
        ENSURE(!shown.ok() || *shown == kTree.get(key), "a proof of what is not so");
    }
    return 0;
}

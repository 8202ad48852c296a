// Whatever decodes is what encode() writes, and recovering its sender neither crashes nor hangs.
#include "base/ensure.hpp"
#include "ledger/rlp.hpp"
#include "ledger/transaction.hpp"

namespace {

// Walks RLP of any shape; the depth is bounded by the caller.
void walk(mutirao::ledger::rlp::Reader in, int depth) {
    while (!in.done()) {
        auto as_list = in;
        const auto list = as_list.list();
        if (list.ok()) {
            if (depth > 0) walk(*list, depth - 1);
            in = as_list;
            continue;
        }
        auto as_number = in;
        static_cast<void>(as_number.number().ok());
        const auto bytes = in.bytes();
        if (!bytes.ok()) return;
        mutirao::ledger::rlp::Writer again;
        again.bytes(*bytes);
        ENSURE(!again.view().empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const mutirao::ByteSpan bytes(data, size);
    walk(mutirao::ledger::rlp::Reader(bytes), 8);
    const auto tx = mutirao::ledger::Transaction::decode(bytes);
    if (tx.ok()) {
        ENSURE(tx->encode() == mutirao::to_bytes(bytes), "two encodings of one transaction");
        static_cast<void>(tx->sender().ok());
    }
    return 0;
}

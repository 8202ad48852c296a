#include "base/ensure.hpp"
#include "block/share_message.hpp"

using namespace mutirao;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan bytes(data, size);
    if (auto share = block::ShareMessage::decode(bytes); share.ok()) {
        auto again = share->encode_head();
        for (const auto& slot : share->slots)
            for (const auto row : slot.rows) again.insert(again.end(), row.begin(), row.end());
        ENSURE(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
    }
    if (auto served = block::ServedMessage::decode(bytes); served.ok()) {
        const auto head = block::ServedMessage::head_size(served->slots);
        ENSURE(head <= size);
        std::size_t rows = 0;
        for (const auto& slot : served->slots) rows += slot.rows.size();
        ENSURE(rows == 0 || head < size);
    }
    return 0;
}

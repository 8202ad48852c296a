#include "base/codec.hpp"

namespace {

using namespace mutirao;

// What the reader takes, the writer writes the same.
Status read_and_write(std::uint8_t choice, Reader& in, Writer& out) {
    switch (choice % 6) {
        case 0: {
            TRY(auto value, in.u<std::uint8_t>());
            out.u(value);
            return {};
        }
        case 1: {
            TRY(auto value, in.u<std::uint16_t>());
            out.u(value);
            return {};
        }
        case 2: {
            TRY(auto value, in.u<std::uint64_t>());
            out.u(value);
            return {};
        }
        case 3: {
            TRY(auto value, in.blob(100));
            out.blob(value);
            return {};
        }
        case 4: {
            TRY(auto value, in.text(100));
            out.text(value);
            return {};
        }
        default: {
            TRY(auto value, in.fixed<Address>());
            out.raw(value.span());
            return {};
        }
    }
}

}  // namespace

// The first eight bytes choose what is read from the rest.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kChoices = 8;
    if (size < kChoices) return 0;
    const ByteSpan rest(data + kChoices, size - kChoices);
    Reader in(rest);
    Writer out;
    for (std::size_t i = 0; i < kChoices; ++i)
        if (!read_and_write(data[i], in, out)) return 0;
    ENSURE(out.bytes() == to_bytes(rest.first(in.offset())));
    ENSURE(in.finish().ok() == (in.remaining() == 0));
    return 0;
}

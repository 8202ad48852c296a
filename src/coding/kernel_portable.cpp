// Eight bytes in an ordinary word: products are conditional additions of doublings (Russian
// peasant), free of tables and of branches on data.
#include "coding/kernel_body.hpp"

namespace mutirao::coding {
namespace {

struct Word {
    static constexpr std::size_t kLanes = 8;
    static constexpr std::uint32_t kLayersMax = 2;
    static constexpr std::size_t kFoldAtOnce = 2;
    using Constant = F8;
    static constexpr std::uint64_t kOnes = 0x0101010101010101u;
    std::uint64_t v;

    static Word load(const std::uint8_t* p) {
        Word out;
        __builtin_memcpy(&out.v, p, kLanes);
        return out;
    }
    void store(std::uint8_t* p) const { __builtin_memcpy(p, &v, kLanes); }
    void stream(std::uint8_t* p) const { store(p); }
    static Word add(Word a, Word b) { return {a.v ^ b.v}; }
    static Word add(Word a, Word b, Word c) { return {a.v ^ b.v ^ c.v}; }
    static Constant constant(F8 c) { return c; }
    static std::uint64_t doubled(std::uint64_t v) {
        const std::uint64_t carries = v >> 7 & kOnes;
        return ((v & ~(kOnes << 7)) << 1) ^ carries * 0x1b;
    }
    static Word mul(Word a, Constant c) {
        std::uint64_t product = 0;
        for (std::uint32_t rest = c; rest != 0; rest >>= 1) {
            if (rest & 1) product ^= a.v;
            a.v = doubled(a.v);
        }
        return {product};
    }
    static Word mul(Word a, Word b) {
        std::uint64_t product = 0;
        for (int bit = 0; bit < 8; ++bit) {
            product ^= a.v & (b.v >> bit & kOnes) * 0xff;
            a.v = doubled(a.v);
        }
        return {product};
    }
};

}  // namespace

extern const Kernels kPortableKernels = make_kernels<Word>("portable");

}  // namespace mutirao::coding

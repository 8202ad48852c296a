// Numbers below the smallest normal float (1.2e-38), which soft maxima and gradients are full of
// once a model is sure of itself: Intel's processors take some 150 cycles for each product that
// meets one, which made steps six times as long; and nothing learns from them.
#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mutirao::model {

// While it lives, its thread reads such numbers and writes them as zero; then as before. Lives and
// ends on one thread. Nothing where the processor is neither x86-64 nor ARMv8.
class FlushDenormals {
  public:
    FlushDenormals() : before_(mode()) { set_mode(before_ | kFlush); }
    ~FlushDenormals() { set_mode(before_); }
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

  private:
#if defined(__x86_64__)
    static constexpr std::uint64_t kFlush = 0x8040;  // MXCSR: flush to zero, denormals are zero
    static std::uint64_t mode() { return _mm_getcsr(); }
    static void set_mode(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
    static constexpr std::uint64_t kFlush = 1 << 24;  // FPCR.FZ
    static std::uint64_t mode() {
        std::uint64_t out = 0;
        asm volatile("mrs %0, fpcr" : "=r"(out));
        return out;
    }
    static void set_mode(std::uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
    static constexpr std::uint64_t kFlush = 0;
    static std::uint64_t mode() { return 0; }
    static void set_mode(std::uint64_t) {}
#endif
    const std::uint64_t before_;
};

}  // namespace mutirao::model

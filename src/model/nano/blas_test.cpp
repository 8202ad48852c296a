#include "model/nano/blas.hpp"

#include <cstdlib>
#include <dlfcn.h>
#include <gtest/gtest.h>

namespace mutirao::model::nano {
namespace {

// A library that does not know this processor would take its oldest kernels.
TEST(Blas, computes_with_the_kernels_that_the_processors_features_allow) {
    ASSERT_TRUE(open_blas().ok()) << open_blas().error().message;
    const char* const named = std::getenv("OPENBLAS_CORETYPE");
    if (named == nullptr || *named == '\0') GTEST_SKIP() << "left to OpenBLAS on this processor";
    void* const library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_NOLOAD);
    ASSERT_NE(library, nullptr);
    const auto core =
        reinterpret_cast<decltype(&openblas_get_corename)>(dlsym(library, "openblas_get_corename"));
    ASSERT_NE(core, nullptr);
    EXPECT_STREQ(core(), named);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        EXPECT_STRNE(core(), "Prescott");
    }
#endif
}

TEST(Blas, is_opened_once) {
    ASSERT_TRUE(open_blas().ok());
    EXPECT_EQ(*open_blas(), *open_blas());
}

}  // namespace
}  // namespace mutirao::model::nano

// Every *_fuzz.cpp defines this one function (libFuzzer's entry point). It must return 0 and may
// not crash, hang or allocate without bound, whatever the bytes.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Our own small backend for CPUs: the GPT's gradients by hand over OpenBLAS matrix products. It
// starts in milliseconds, holds one process at tens of MB, and gives the same bits every time on
// one CPU, so tests, simulation and consumer machines use it; libtorch (torch_backend.hpp) is what
// it is checked against.
#pragma once

#include <memory>

#include "model/backend.hpp"

namespace mutirao::model {

// Models of different threads are independent; one model is one thread at a time. A model cannot be
// made where OpenBLAS is not installed (unavailable).
std::unique_ptr<Backend> make_nano_backend();

}  // namespace mutirao::model

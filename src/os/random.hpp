// The kernel's random bytes, fit for keys.
#pragma once

#include "base/ports.hpp"

namespace mutirao::os {

// getrandom(2). Any thread may call.
class SystemRandom final : public Random {
  public:
    void fill(MutableByteSpan out) override;
};

}  // namespace mutirao::os

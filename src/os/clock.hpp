// The machine's clocks.
#pragma once

#include "base/ports.hpp"

namespace mutirao::os {

// Any thread may call.
class SystemClock final : public Clock {
  public:
    Duration monotonic() override;
    std::uint64_t unix_ms() override;
    void sleep(Duration duration) override;
};

}  // namespace mutirao::os

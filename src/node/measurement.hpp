// What a gateway's network does, measured by the gateway itself with data of its own making: writes
// until they are certified, reads until they are decrypted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ports.hpp"
#include "node/object_access.hpp"
#include "publish/object.hpp"

namespace mutirao::node {

inline constexpr std::uint64_t kMeasuredSizeMax = std::uint64_t{4} << 30;
inline constexpr std::uint32_t kMeasuredCountMax = 100'000;
inline constexpr std::uint32_t kMeasuredThreadsMax = 64;

struct Measured {
    double seconds = 0;
    std::uint64_t bytes = 0;         // of user data
    std::vector<double> samples_ms;  // of each object or block
    std::vector<std::string> failures;
};

// One measurement at a time; what it is given must outlive it.
class Measurement {
  public:
    Measurement(publish::Publishing publishing, publish::Packer& packer,
                publish::Retriever& retriever, Clock& clock, Random& random)
        : publishing_(std::move(publishing)),
          packer_(packer),
          retriever_(retriever),
          clock_(clock),
          random_(random) {}

    // `count` objects of `size` bytes, `threads` at a time. invalid_argument beyond the limits
    // above, unavailable while another measurement runs.
    Result<Measured> write(std::uint64_t size, std::uint32_t count, std::uint32_t threads);
    // All blocks of the object written last, `count` times; not_found when there is none.
    Result<Measured> read(std::uint32_t count);

  private:
    struct Written {
        publish::Manifest manifest;
        crypto::Key key;
    };
    Result<Written> write_one(std::uint64_t size, ByteSpan content);

    const publish::Publishing publishing_;
    publish::Packer& packer_;
    publish::Retriever& retriever_;
    Clock& clock_;
    Random& random_;
    std::mutex running_;  // guards last_
    std::optional<Written> last_;
};

}  // namespace mutirao::node

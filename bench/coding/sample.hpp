// The block that everything is measured on, and what is lost of it. The same in every run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "coding/coding.hpp"

namespace mutirao::bench {

inline constexpr std::size_t kBlockSize = std::size_t{32} << 20;  // bytes

// Bytes of which every page was touched, aligned to 64 bytes, as those of the peers are.
class Buffer {
  public:
    explicit Buffer(std::size_t size) : bytes_(size + kAlignment, 1), size_(size) {}
    MutableByteSpan span() {
        const auto past = reinterpret_cast<std::uintptr_t>(bytes_.data()) % kAlignment;
        return MutableByteSpan(bytes_).subspan((kAlignment - past) % kAlignment, size_);
    }

  private:
    static constexpr std::size_t kAlignment = 64;
    Bytes bytes_;
    std::size_t size_;
};

Bytes random_bytes(std::size_t size, std::uint64_t seed);

// A code for one block: kBlockSize / data_rows bytes a row.
coding::Shape block_shape(std::uint32_t data_rows, std::uint32_t rows);

// A third of all rows, evenly at random with a fixed seed; ascending.
std::vector<std::uint32_t> lost_third(std::uint32_t rows);

// The rows that are left.
std::vector<coding::Row> surviving_rows(const coding::Shape& shape, ByteSpan data, ByteSpan parity,
                                        const std::vector<std::uint32_t>& lost);

// A request to a peer: "encode K M SIZE", "decode K M SIZE LOST ...".
std::string peer_request(const std::string& verb, const coding::Shape& shape,
                         const std::vector<std::uint32_t>& lost = {});

}  // namespace mutirao::bench

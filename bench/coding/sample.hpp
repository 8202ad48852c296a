// The block that everything is measured on, and what is lost of it. The same in every run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "coding/coding.hpp"

namespace mutirao::bench {

inline constexpr std::size_t kBlockSize = std::size_t{32} << 20;  // bytes

// Room of which every page was touched, aligned as that of the peers is.
coding::RowBuffer touched_room(std::size_t size);

// One block of random bytes, in such room.
coding::RowBuffer random_block();

// A code for one block: kBlockSize / data_rows bytes a row.
coding::Shape block_shape(std::uint32_t data_rows, std::uint32_t rows);

// A third of all rows, evenly at random with a fixed seed; ascending.
std::vector<std::uint32_t> lost_third(std::uint32_t rows);

// The rows that are left.
std::vector<coding::Row> surviving_rows(const coding::Shape& shape, ByteSpan data, ByteSpan parity,
                                        const std::vector<std::uint32_t>& lost);

// The rows of one slot, m = 256 slots: what a node loses that held one.
std::vector<std::uint32_t> lost_slot(std::uint32_t rows);

// A request to a peer: "encode K M SIZE", "decode K M SIZE LOST ...".
std::string peer_request(const std::string& verb, const coding::Shape& shape,
                         const std::vector<std::uint32_t>& lost = {});

}  // namespace mutirao::bench

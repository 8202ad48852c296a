// Blocks, payloads and stores for tests of the fragment store.
#pragma once

#include <gtest/gtest.h>

#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "block/coded_rows.hpp"
#include "storage/fragment_store.hpp"

namespace mutirao::storage {

inline constexpr std::uint64_t kSmallSegment = 700;  // a handful of records each

inline BlockId block_id(std::uint8_t n) {
    BlockId id;
    id.bytes.fill(n);
    return id;
}

inline Bytes payload(std::size_t size, std::uint64_t seed) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

inline std::unique_ptr<FragmentStore> open_store(MemoryDisk& disk,
                                                 std::uint64_t segment_size = kSmallSegment) {
    SeededRandom random(11);
    auto store = FragmentStore::open(disk, random, segment_size);
    if (!store.ok()) ADD_FAILURE() << store.error().message;
    return store.ok() ? std::move(*store) : nullptr;
}

// Three slots of four rows, which come together.
struct Share {
    Share(std::size_t row_size, std::uint64_t seed) {
        for (std::uint32_t slot = 0; slot < 3; ++slot)
            for (std::uint32_t j = 0; j < 4; ++j) {
                rows.push_back(payload(row_size, seed * 100 + slot * 10 + j));
                digests.push_back(block::row_digest(rows.back()));
            }
        for (std::uint32_t slot = 0; slot < 3; ++slot) {
            SlotToStore out{slot * 7, std::span(digests).subspan(slot * 4, 4), {}};
            for (std::uint32_t j = 0; j < 4; ++j) out.rows.push_back(rows[slot * 4 + j]);
            slots.push_back(std::move(out));
        }
    }
    // What slot() gives of the i-th slot.
    Bytes stored(std::size_t i) const {
        Bytes out;
        for (const auto& digest : slots[i].digests)
            out.insert(out.end(), digest.bytes.begin(), digest.bytes.end());
        for (const auto row : slots[i].rows) out.insert(out.end(), row.begin(), row.end());
        return out;
    }
    std::vector<Bytes> rows;
    std::vector<Digest> digests;
    std::vector<SlotToStore> slots;
};

}  // namespace mutirao::storage

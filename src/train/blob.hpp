// Payloads and states between workers, by the hash of what they are: cut into chunks that are
// checked one by one, so that any peer may give any of them.
//
// Values in, values out. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/codec.hpp"

namespace mutirao::train {

inline constexpr std::size_t kChunkBytes = 256 << 10;
inline constexpr std::uint64_t kBlobBytesMax = std::uint64_t{8} << 30;

struct ChunkList {
    std::uint64_t size = 0;      // of the blob
    std::vector<Digest> hashes;  // of its chunks, each kChunkBytes long but the last

    bool operator==(const ChunkList&) const = default;
    // Keyed BLAKE3 of the encoded list: the blob's name.
    Digest id() const;
};

ChunkList chunk_list(ByteSpan blob);
// The `index`th chunk of a blob; empty beyond its end.
ByteSpan chunk_of(ByteSpan blob, std::uint32_t index);

// Canonical: version u16, size u64, hashes; little-endian.
Bytes encode_chunk_list(const ChunkList& list);
// corrupt for anything that encode_chunk_list would not have written.
Result<ChunkList> decode_chunk_list(ByteSpan bytes);

inline constexpr std::uint32_t kAsksEach = 2;     // under way at one holder
inline constexpr std::uint32_t kFailuresMax = 2;  // in a row; then the holder is asked no more

// One blob from several holders at once. What arrived stays when holders fail and others come.
class BlobFetch {
  public:
    struct Ask {
        std::uint32_t holder = 0;
        std::optional<std::uint32_t> chunk;  // none: the list
    };

    explicit BlobFetch(const Digest& id) : id_(id) {}

    // A holder that is known already is given another chance.
    void add_holder(std::uint32_t holder);
    // What to ask whom now; none while enough is under way, or nobody is left to ask.
    std::optional<Ask> next();
    // The answer. corrupt: not what the hash says; that holder is asked no more.
    Status got(const Ask& ask, ByteSpan bytes);
    void failed(const Ask& ask);
    // What nobody was asked for; `chunk` none: the list. corrupt as got().
    Status offer(std::optional<std::uint32_t> chunk, ByteSpan bytes);
    // Nothing came for a while: what is under way may be asked for again, of others.
    void ask_again();

    bool is_whole() const { return list_ && missing_ == 0; }
    // Nobody is left to ask and nothing is under way: add holders.
    bool is_stuck() const;
    const ChunkList& list() const { return *list_; }
    // When it is whole.
    Bytes take() { return std::move(bytes_); }

  private:
    struct Holder {
        std::uint32_t under_way = 0, failures = 0;
        bool is_bad = false;
    };
    enum class State : std::uint8_t { missing, asked, here };
    Holder& answered(const Ask& ask);
    Status got_list(ByteSpan bytes);

    const Digest id_;
    std::map<std::uint32_t, Holder> holders_;
    std::optional<ChunkList> list_;
    bool list_asked_ = false;
    std::vector<State> chunks_;
    std::size_t missing_ = 0;
    Bytes bytes_;
};

}  // namespace mutirao::train

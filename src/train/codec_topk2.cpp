// Body: for each chunk of 4096 (the last may be short and keeps its share, rounded up): two levels
// low <= high (bf16), the kept indices ascending, 12 bits each, then for each of them a sign bit
// (1 = negative) and a level bit (1 = high). Bits fill each byte from its lowest; the rest of the
// chunk's last byte is zero.
//
// Magnitudes above the middle between the smallest and the largest kept one are high; each level is
// the mean of its magnitudes.
#include <algorithm>
#include <numeric>

#include "train/codec_frame.hpp"
#include "train/codec_kinds.hpp"

namespace mutirao::train {

namespace {

constexpr unsigned kIndexBits = 12;
constexpr unsigned kValueBits = 2;
static_assert(kChunk == 1u << kIndexBits);

class BitWriter {
  public:
    void put(std::uint32_t value, unsigned bits) {
        for (unsigned i = 0; i < bits; ++i, ++used_) {
            if (used_ % 8 == 0) bytes_.push_back(0);
            bytes_.back() =
                static_cast<std::uint8_t>(bytes_.back() | (value >> i & 1) << used_ % 8);
        }
    }
    const Bytes& bytes() const { return bytes_; }

  private:
    Bytes bytes_;
    std::size_t used_ = 0;
};

// The caller knows that there are enough bits.
class BitReader {
  public:
    explicit BitReader(ByteSpan bytes) : bytes_(bytes) {}
    std::uint32_t get(unsigned bits) {
        std::uint32_t value = 0;
        for (unsigned i = 0; i < bits; ++i, ++used_)
            value |= (bytes_[used_ / 8] >> used_ % 8 & 1u) << i;
        return value;
    }
    bool rest_is_zero() const { return used_ % 8 == 0 || bytes_[used_ / 8] >> used_ % 8 == 0; }

  private:
    ByteSpan bytes_;
    std::size_t used_ = 0;
};

// The border is half-way between the smallest and the largest magnitude that is kept.
TwoLevels levels_of(std::span<const float> values, std::span<const std::uint32_t> kept) {
    float smallest = std::abs(values[kept[0]]), largest = smallest;
    for (const auto index : kept) {
        smallest = std::min(smallest, std::abs(values[index]));
        largest = std::max(largest, std::abs(values[index]));
    }
    TwoLevels levels(static_cast<double>(smallest + (largest - smallest) / 2));
    for (const auto index : kept) levels.add(values[index]);
    return levels;
}

class TopK2 final : public PseudoGradientCodec {
  public:
    TopK2(std::uint64_t parameters, std::uint32_t kept) : parameters_(parameters), kept_(kept) {}

    std::size_t encoded_size() const override { return kCodecHeaderSize + body_size(); }

    Result<Bytes> encode(std::span<const float> values) const override {
        ENSURE(values.size() == parameters_);
        TRY_VOID(check_finite(values));
        Writer writer;
        write_codec_header(writer, CodecKind::topk2, kept_, parameters_);
        for (std::size_t start = 0; start < values.size(); start += kChunk)
            encode_chunk(
                values.subspan(start, std::min<std::size_t>(kChunk, values.size() - start)),
                writer);
        return std::move(writer).take();
    }

    Status decode(ByteSpan bytes, std::span<float> out) const override {
        ENSURE(out.size() == parameters_);
        TRY(auto reader,
            read_codec_header(bytes, CodecKind::topk2, kept_, parameters_, body_size()));
        for (std::size_t start = 0; start < out.size(); start += kChunk)
            TRY_VOID(decode_chunk(
                reader, out.subspan(start, std::min<std::size_t>(kChunk, out.size() - start))));
        return reader.finish();
    }

  private:
    std::size_t kept_of(std::size_t chunk) const { return (kept_ * chunk + kChunk - 1) / kChunk; }
    static std::size_t packed_size(std::size_t kept) {
        return (kept * (kIndexBits + kValueBits) + 7) / 8;
    }
    std::size_t chunk_size(std::size_t chunk) const {
        return 2 * sizeof(std::uint16_t) + packed_size(kept_of(chunk));
    }
    std::size_t body_size() const {
        const std::uint64_t tail = parameters_ % kChunk;
        return parameters_ / kChunk * chunk_size(kChunk) + (tail ? chunk_size(tail) : 0);
    }

    void encode_chunk(std::span<const float> values, Writer& writer) const {
        std::vector<std::uint32_t> order(values.size());
        std::iota(order.begin(), order.end(), 0u);
        const auto end = order.begin() + static_cast<std::ptrdiff_t>(kept_of(values.size()));
        // Equal magnitudes: the earlier one stays, so that the choice is the same everywhere.
        std::nth_element(order.begin(), end - 1, order.end(), [&](auto a, auto b) {
            const float x = std::abs(values[a]), y = std::abs(values[b]);
            return x > y || (x == y && a < b);
        });
        order.erase(end, order.end());
        std::sort(order.begin(), order.end());

        const auto levels = levels_of(values, order);
        write_magnitudes(writer, levels.means());
        BitWriter bits;
        for (const auto index : order) bits.put(index, kIndexBits);
        for (const auto index : order) bits.put(levels.bits(values[index]), kValueBits);
        writer.raw(bits.bytes());
    }

    Status decode_chunk(Reader& reader, std::span<float> out) const {
        TRY(const auto magnitudes, read_magnitudes(reader));
        const auto kept = kept_of(out.size());
        TRY(const auto packed, reader.raw(packed_size(kept)));
        BitReader bits(packed);
        std::vector<std::uint32_t> indexes(kept);
        for (std::size_t i = 0; i < kept; ++i) {
            indexes[i] = bits.get(kIndexBits);
            if (indexes[i] >= out.size() || (i > 0 && indexes[i] <= indexes[i - 1]))
                return codec_broken("indexes do not ascend within their chunk");
        }
        std::fill(out.begin(), out.end(), 0.0f);
        for (const auto index : indexes)
            out[index] = TwoLevels::value(bits.get(kValueBits), magnitudes);
        if (!bits.rest_is_zero()) return codec_broken("bits after the last value");
        return {};
    }

    std::uint64_t parameters_;
    std::uint32_t kept_;
};

}  // namespace

std::unique_ptr<PseudoGradientCodec> make_topk2_codec(std::uint64_t parameters,
                                                      std::uint32_t kept) {
    return std::make_unique<TopK2>(parameters, kept);
}

}  // namespace mutirao::train

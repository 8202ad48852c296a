#include <algorithm>
#include <bit>
#include <cstring>

#include "coding/coding.hpp"
#include "coding/locator.hpp"
#include "coding/transform.hpp"

namespace mutirao::coding {
namespace {

// Columns worked on at a time, so that the working rows stay in the second-level cache.
constexpr std::size_t kWorkTarget = std::size_t{512} * 1024;  // bytes

std::size_t stripe_size(std::uint32_t rows, std::uint32_t row_size) {
    const std::size_t groups = std::max<std::size_t>(1, kWorkTarget / rows / kRowGroup);
    return std::min<std::size_t>(groups * kRowGroup, row_size);
}

std::uint32_t log2_of(std::uint32_t power_of_two) {
    return static_cast<std::uint32_t>(std::countr_zero(power_of_two));
}

// Rows of a working stripe, back to back.
class Stripe {
  public:
    Stripe(std::uint32_t rows, std::size_t bytes_max) : bytes_(rows * bytes_max), rows_(rows) {}
    RowBlock block(std::size_t bytes) { return {bytes_.data(), bytes, bytes}; }
    void copy_from(const Stripe& other, std::size_t bytes) {
        std::memcpy(bytes_.data(), other.bytes_.data(), rows_ * bytes);
    }

  private:
    Bytes bytes_;
    std::size_t rows_;
};

// Data from one whole aligned coset of k rows that begins at row `offset`.
void decode_coset(const Shape& shape, const std::vector<ByteSpan>& by_index, std::uint32_t offset,
                  MutableByteSpan data) {
    const auto log_k = log2_of(shape.data_rows);
    const auto stripe = stripe_size(shape.data_rows, shape.row_size);
    Stripe work(shape.data_rows, stripe);
    for (std::size_t at = 0; at < shape.row_size; at += stripe) {
        const auto bytes = std::min<std::size_t>(stripe, shape.row_size - at);
        const auto block = work.block(bytes);
        for (std::uint32_t i = 0; i < shape.data_rows; ++i)
            std::memcpy(block.row(i), by_index[offset + i].data() + at, bytes);
        inverse_transform(block, log_k, offset);
        forward_transform(block, log_k, 0);
        for (std::uint32_t i = 0; i < shape.data_rows; ++i)
            std::memcpy(data.data() + std::size_t{i} * shape.row_size + at, block.row(i), bytes);
    }
}

// Any k rows. With e the locator of all other points of the size-N domain, f*e vanishes there and
// has degree < N; (f*e)' = f*e' at an erased point, so f = (f*e)'/e'.
void decode_general(const Shape& shape, const std::vector<ByteSpan>& by_index,
                    MutableByteSpan data) {
    const std::uint32_t size = std::bit_ceil(shape.rows);
    std::vector<bool> erased(size, true);
    for (std::uint32_t i = 0; i < shape.rows; ++i) erased[i] = by_index[i].empty();
    const auto logs = locator_logs(erased);
    const auto& exp = log_tables().exp;
    const auto& kernels = best_kernels();
    const auto stripe = stripe_size(size, shape.row_size);
    Stripe work(size, stripe);
    for (std::size_t at = 0; at < shape.row_size; at += stripe) {
        const auto bytes = std::min<std::size_t>(stripe, shape.row_size - at);
        const auto block = work.block(bytes);
        for (std::uint32_t i = 0; i < size; ++i) {
            if (erased[i]) {
                std::memset(block.row(i), 0, bytes);
                continue;
            }
            std::memcpy(block.row(i), by_index[i].data() + at, bytes);
            kernels.scale(block.row(i), bytes, exp[logs[i] % kGroupOrder]);
        }
        inverse_transform(block, log2_of(size), 0);
        derivative(block, log2_of(size));
        forward_transform(block, log2_of(size), 0);
        for (std::uint32_t i = 0; i < shape.data_rows; ++i) {
            std::uint8_t* out = data.data() + std::size_t{i} * shape.row_size + at;
            if (!erased[i]) {
                std::memcpy(out, by_index[i].data() + at, bytes);
                continue;
            }
            kernels.scale(block.row(i), bytes, exp[(kGroupOrder - logs[i]) % kGroupOrder]);
            std::memcpy(out, block.row(i), bytes);
        }
    }
}

// The first k distinct rows by index, data rows preferred: exactly k entries are non-empty.
Result<std::vector<ByteSpan>> choose_rows(const Shape& shape, std::span<const Row> rows) {
    std::vector<ByteSpan> by_index(shape.rows);
    for (const auto& row : rows) {
        if (row.index >= shape.rows || row.bytes.size() != shape.row_size)
            return Error{ErrorKind::invalid_argument,
                         "row " + std::to_string(row.index) + " of " +
                             std::to_string(row.bytes.size()) + " bytes does not fit a code of " +
                             std::to_string(shape.rows) + " rows of " +
                             std::to_string(shape.row_size) + " bytes"};
        by_index[row.index] = row.bytes;
    }
    std::uint32_t present = 0;
    for (auto& bytes : by_index) {
        if (bytes.empty()) continue;
        if (present == shape.data_rows)
            bytes = {};
        else
            ++present;
    }
    if (present < shape.data_rows)
        return Error{ErrorKind::unavailable, "only " + std::to_string(present) +
                                                 " distinct rows of the " +
                                                 std::to_string(shape.data_rows) + " needed"};
    return by_index;
}

}  // namespace

Status Shape::validate() const {
    const auto refuse = [](const std::string& what) {
        return Status(Error{ErrorKind::invalid_argument, what});
    };
    if (!std::has_single_bit(data_rows) || data_rows < kDataRowsMin || data_rows > kDataRowsMax)
        return refuse("data rows must be a power of two from 64 to 16384, not " +
                      std::to_string(data_rows));
    if (rows <= data_rows || rows > kRowsMax)
        return refuse("rows must be more than the data rows and at most 65536, not " +
                      std::to_string(rows));
    if (row_size == 0 || row_size % kRowGroup != 0)
        return refuse("a row's size must be a multiple of 128 bytes, not " +
                      std::to_string(row_size));
    return {};
}

void encode(const Shape& shape, ByteSpan data, MutableByteSpan parity) {
    ENSURE(shape.validate().ok());
    ENSURE(data.size() == std::size_t{shape.data_rows} * shape.row_size);
    ENSURE(parity.size() == std::size_t{shape.rows - shape.data_rows} * shape.row_size);
    const auto log_k = log2_of(shape.data_rows);
    const auto stripe = stripe_size(shape.data_rows, shape.row_size);
    Stripe coefficients(shape.data_rows, stripe), work(shape.data_rows, stripe);
    for (std::size_t at = 0; at < shape.row_size; at += stripe) {
        const auto bytes = std::min<std::size_t>(stripe, shape.row_size - at);
        const auto block = coefficients.block(bytes);
        for (std::uint32_t i = 0; i < shape.data_rows; ++i)
            std::memcpy(block.row(i), data.data() + std::size_t{i} * shape.row_size + at, bytes);
        inverse_transform(block, log_k, 0);
        for (std::uint32_t coset = shape.data_rows; coset < shape.rows; coset += shape.data_rows) {
            work.copy_from(coefficients, bytes);
            const auto values = work.block(bytes);
            forward_transform(values, log_k, coset);
            const auto count = std::min(shape.data_rows, shape.rows - coset);
            for (std::uint32_t i = 0; i < count; ++i)
                std::memcpy(
                    parity.data() + std::size_t{coset - shape.data_rows + i} * shape.row_size + at,
                    values.row(i), bytes);
        }
    }
}

Status decode(const Shape& shape, std::span<const Row> rows, MutableByteSpan data) {
    TRY_VOID(shape.validate());
    if (data.size() != std::size_t{shape.data_rows} * shape.row_size)
        return Error{ErrorKind::invalid_argument, "the room for data does not fit the code"};
    TRY(auto by_index, choose_rows(shape, rows));
    const auto whole = [&](std::uint32_t coset) {
        for (std::uint32_t i = 0; i < shape.data_rows; ++i)
            if (by_index[coset + i].empty()) return false;
        return true;
    };
    if (whole(0)) {
        for (std::uint32_t i = 0; i < shape.data_rows; ++i)
            std::memcpy(data.data() + std::size_t{i} * shape.row_size, by_index[i].data(),
                        shape.row_size);
        return {};
    }
    for (std::uint32_t coset = shape.data_rows; coset + shape.data_rows <= shape.rows;
         coset += shape.data_rows)
        if (whole(coset)) {
            decode_coset(shape, by_index, coset, data);
            return {};
        }
    decode_general(shape, by_index, data);
    return {};
}

}  // namespace mutirao::coding

// Encoding, stripe by stripe: the data's columns to coefficients, then for every coset of parity
// rows from coefficients to values. Blocks of 64 rows go through the first-level cache; data are
// read and parity is written once, the latter past the caches when it is large.
#include "coding/encode.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "coding/coding.hpp"
#include "coding/stripe.hpp"

namespace mutirao::coding {
namespace {

class Encoder {
  public:
    Encoder(const Kernels& kernels, const Shape& shape, Observer* observer, unsigned worker)
        : kernels_(kernels),
          shape_(shape),
          observer_(observer),
          worker_(worker),
          columns_(stripe_columns(shape.data_rows, shape.row_size)),
          coefficients_(shape.data_rows, columns_),
          block_(kBlockRows * columns_),
          write_(write_for(kernels, shape.parity_size())),
          stream_(shape.parity_size() >= kStreamFrom) {
        if (shape.rows > 2 * shape.data_rows) values_.emplace(shape.data_rows, columns_);
    }

    // Columns [begin, end). Without a place for parity it is shown and forgotten.
    void run(ConstRows data, Rows parity, std::size_t begin, std::size_t end) {
        keeps_parity_ = parity.data != nullptr;
        for (column_ = begin; column_ < end; column_ += columns_) {
            bytes_ = std::min(columns_, end - column_);
            next_stripe_ = column_ + 2 * columns_ <= shape_.row_size;
            to_coefficients(data.from_column(column_));
            for (std::uint32_t coset = shape_.data_rows; coset < shape_.rows;
                 coset += shape_.data_rows)
                to_values(coset, keeps_parity_ ? parity.from_column(column_) : parity);
        }
    }

  private:
    Rows scratch() { return {block_.data(), columns_}; }

    void show(std::uint32_t first_row, std::uint32_t rows) {
        observer_->see({first_row, rows, column_, bytes_, block_.data(), columns_, worker_});
    }

    // From a row of a block to one that is read some time later: further down, or, from the last
    // block, of the first one in the next stripe. 0 when there is none.
    std::ptrdiff_t rows_ahead(std::uint32_t block) const {
        const auto size = static_cast<std::ptrdiff_t>(shape_.row_size);
        if (block + 1 < coefficients_.blocks()) return std::ptrdiff_t{kRowsAhead} * size;
        const auto rows_back = static_cast<std::ptrdiff_t>(std::size_t{block} * kBlockRows);
        return next_stripe_ ? static_cast<std::ptrdiff_t>(columns_) - rows_back * size : 0;
    }

    // Rows that lie far apart would push each other out of the first-level cache.
    void gather(ConstRows in, std::ptrdiff_t ahead) {
        for (std::uint32_t r = 0; r < kBlockRows; ++r) {
            if (ahead != 0)
                for (std::size_t line = 0; line < bytes_; line += 64)
                    __builtin_prefetch(in.row(r) + ahead + line, 0, 2);
            std::memcpy(scratch().row(r), in.row(r), bytes_);
        }
    }

    void to_coefficients(ConstRows data) {
        for (std::uint32_t i = 0; i < coefficients_.blocks(); ++i) {
            const std::uint32_t row = i * kBlockRows, middle = kBlockLayers / 2;
            auto in = data.from_row(row);
            auto ahead = rows_ahead(i);
            if (observer_ != nullptr) {
                gather(in, ahead);
                show(row, kBlockRows);
                in = as_const(scratch()), ahead = 0;
            }
            inverse_layers(kernels_, in, scratch(), bytes_, kBlockRows, row, {0, middle}, ahead);
            inverse_layers(kernels_, as_const(scratch()), coefficients_.block(i), bytes_,
                           kBlockRows, row, {middle, kBlockLayers});
        }
        coefficients_.inverse_above(kernels_, 0);
    }

    void to_values(std::uint32_t coset, Rows parity) {
        // The last coset may spoil the coefficients.
        const bool last = shape_.rows - coset <= shape_.data_rows;
        Stripe& values = last ? coefficients_ : *values_;
        values.forward_above(kernels_, coefficients_, values.blocks(), coset);
        for (std::uint32_t i = 0; i < values.blocks(); ++i) {
            const std::uint32_t row = coset + i * kBlockRows;
            if (row >= shape_.rows) break;
            to_parity(row, as_const(values.block(i)),
                      keeps_parity_ ? parity.from_row(row - shape_.data_rows) : parity);
        }
    }

    // One block of coefficients to the rows from `row` on.
    void to_parity(std::uint32_t row, ConstRows values, Rows parity) {
        const std::uint32_t rows = std::min(kBlockRows, shape_.rows - row);
        const std::uint32_t middle = kBlockLayers / 2;
        forward_layers(kernels_, values, scratch(), bytes_, kBlockRows, row,
                       {middle, kBlockLayers});
        const bool direct = observer_ == nullptr && rows == kBlockRows;
        forward_layers(kernels_, as_const(scratch()), direct ? parity : scratch(), bytes_,
                       kBlockRows, row, {0, middle}, direct && stream_ && is_aligned(parity));
        if (direct) return;
        for (std::uint32_t r = 0; keeps_parity_ && r < rows; ++r)
            write_(scratch().row(r), parity.row(r), bytes_);
        if (observer_ != nullptr) show(row, rows);
    }

    static bool is_aligned(Rows rows) {
        return (reinterpret_cast<std::uintptr_t>(rows.data) | rows.stride) % 64 == 0;
    }

    const Kernels& kernels_;
    const Shape& shape_;
    Observer* const observer_;
    const unsigned worker_;
    const std::size_t columns_;
    Stripe coefficients_;
    std::optional<Stripe> values_;
    RowBuffer block_;
    const Write write_;
    const bool stream_;
    bool next_stripe_ = false;
    bool keeps_parity_ = true;
    std::size_t column_ = 0, bytes_ = 0;
};

}  // namespace

void encode_with(const Kernels& kernels, const Shape& shape, ByteSpan data, MutableByteSpan parity,
                 const Threads& threads, Observer* observer) {
    ENSURE(shape.validate().ok());
    ENSURE(data.size() == shape.data_size() &&
           (parity.size() == shape.parity_size() || (parity.empty() && observer != nullptr)));
    const std::size_t tasks = (shape.row_size + kTaskColumns - 1) / kTaskColumns;
    std::vector<std::optional<Encoder>> encoders(threads.workers());
    run_parallel(threads, tasks, [&](unsigned worker, std::size_t task) {
        auto& encoder = encoders[worker];
        if (!encoder) encoder.emplace(kernels, shape, observer, worker);
        const std::size_t begin = task * kTaskColumns;
        encoder->run({data.data(), shape.row_size},
                     {parity.empty() ? nullptr : parity.data(), shape.row_size}, begin,
                     std::min<std::size_t>(begin + kTaskColumns, shape.row_size));
    });
}

void encode(const Shape& shape, ByteSpan data, MutableByteSpan parity, const Threads& threads,
            Observer* observer) {
    encode_with(best_kernels(), shape, data, parity, threads, observer);
}

}  // namespace mutirao::coding

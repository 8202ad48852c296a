// Each matrix M as P Q^T of `rank` columns, in int4 (PowerSGD, Vogels et al. 2019, arXiv
// 1905.13727, and DiLoCoX, arXiv 2506.21263). P spans what two rounds of subspace iteration from a
// fixed start find, orthonormal; Q = M^T P. Workers exchange their own P and Q and average the
// products, so one exchange is enough; PowerSGD averages P before Q is made, which takes two.
//
// Body: for each matrix the columns of P, then those of Q, each in blocks of its own
// (whole_blocks.hpp, int4); at the end, in blocks, the values outside of all matrices and those of
// matrices to which two factors would bring nothing.
#include <algorithm>

#include "base/random.hpp"
#include "train/codec_frame.hpp"
#include "train/codec_kinds.hpp"
#include "train/whole_blocks.hpp"

namespace mutirao::train {

namespace {

constexpr int kIterations = 2;
constexpr std::uint32_t kBlock = 256;
constexpr double kSmallestNorm = 1e-20;

using Columns = std::vector<std::vector<float>>;

// out[c] = M[c] or M^T [c] for each column c, sums in index order.
Columns times(std::span<const float> m, const Matrix& shape, const Columns& in, bool transposed) {
    const std::size_t rows = shape.rows, columns = shape.columns;
    Columns out(in.size(), std::vector<float>(transposed ? columns : rows, 0.0f));
    for (std::size_t c = 0; c < in.size(); ++c)
        for (std::size_t row = 0; row < rows; ++row) {
            const float* line = m.data() + row * columns;
            if (transposed) {
                for (std::size_t i = 0; i < columns; ++i) out[c][i] += line[i] * in[c][row];
            } else {
                // Eight sums side by side: one would wait for itself.
                float sums[8] = {};
                std::size_t i = 0;
                for (; i + 8 <= columns; i += 8)
                    for (std::size_t j = 0; j < 8; ++j) sums[j] += line[i + j] * in[c][i + j];
                for (; i < columns; ++i) sums[0] += line[i] * in[c][i];
                for (const float sum : sums) out[c][row] += sum;
            }
        }
    return out;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
}

// Modified Gram-Schmidt, twice over each column; what is left of a dependent one becomes zero.
void orthonormalize(Columns& columns) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
        auto& column = columns[c];
        const double before = std::sqrt(dot(column, column));
        for (int pass = 0; pass < 2; ++pass)
            for (std::size_t other = 0; other < c; ++other) {
                const auto share = static_cast<float>(dot(column, columns[other]));
                for (std::size_t i = 0; i < column.size(); ++i)
                    column[i] -= share * columns[other][i];
            }
        const double norm = std::sqrt(dot(column, column));
        const bool dependent = norm < kSmallestNorm || norm < 1e-5 * before;
        const float scale = dependent ? 0 : static_cast<float>(1 / norm);
        for (auto& value : column) value *= scale;
    }
}

class LowRank final : public PseudoGradientCodec {
  public:
    LowRank(std::uint64_t parameters, std::uint32_t rank, std::span<const Matrix> matrices)
        : parameters_(parameters), rank_(rank) {
        for (const auto& matrix : matrices)
            if (factors_size(matrix) < whole_blocks_size(size(matrix), kBlock, WholeBits::four))
                matrices_.push_back(matrix);
    }

    std::size_t encoded_size() const override { return kCodecHeaderSize + body_size(); }

    Result<Bytes> encode(std::span<const float> values) const override {
        ENSURE(values.size() == parameters_);
        TRY_VOID(check_finite(values));
        Writer writer;
        write_codec_header(writer, CodecKind::low_rank, rank_, parameters_);
        for (const auto& matrix : matrices_)
            encode_matrix(values.subspan(matrix.offset, size(matrix)), matrix, writer);
        std::vector<float> rest;
        each_gap([&](std::size_t start, std::size_t length) {
            const auto gap = values.subspan(start, length);
            rest.insert(rest.end(), gap.begin(), gap.end());
        });
        write_whole_blocks(rest, kBlock, WholeBits::four, writer);
        return std::move(writer).take();
    }

    Status decode(ByteSpan bytes, std::span<float> out) const override {
        ENSURE(out.size() == parameters_);
        TRY(auto reader,
            read_codec_header(bytes, CodecKind::low_rank, rank_, parameters_, body_size()));
        for (const auto& matrix : matrices_)
            TRY_VOID(decode_matrix(reader, matrix, out.subspan(matrix.offset, size(matrix))));
        std::vector<float> rest(rest_size());
        TRY_VOID(read_whole_blocks(reader, kBlock, WholeBits::four, rest));
        std::size_t at = 0;
        each_gap([&](std::size_t start, std::size_t length) {
            std::copy_n(rest.begin() + static_cast<std::ptrdiff_t>(at), length,
                        out.begin() + static_cast<std::ptrdiff_t>(start));
            at += length;
        });
        return reader.finish();
    }

  private:
    static std::size_t size(const Matrix& matrix) {
        return std::size_t{matrix.rows} * matrix.columns;
    }
    std::size_t factors_size(const Matrix& matrix) const {
        return rank_ * (whole_blocks_size(matrix.rows, kBlock, WholeBits::four) +
                        whole_blocks_size(matrix.columns, kBlock, WholeBits::four));
    }
    std::size_t rest_size() const {
        std::size_t rest = parameters_;
        for (const auto& matrix : matrices_) rest -= size(matrix);
        return rest;
    }
    std::size_t body_size() const {
        std::size_t sum = whole_blocks_size(rest_size(), kBlock, WholeBits::four);
        for (const auto& matrix : matrices_) sum += factors_size(matrix);
        return sum;
    }
    // f(start, length) of each stretch between matrices.
    template <class F>
    void each_gap(F f) const {
        std::size_t at = 0;
        for (const auto& matrix : matrices_) {
            if (matrix.offset > at) f(at, matrix.offset - at);
            at = matrix.offset + size(matrix);
        }
        if (parameters_ > at) f(at, parameters_ - at);
    }

    void encode_matrix(std::span<const float> m, const Matrix& matrix, Writer& writer) const {
        SeededRandom random(rank_);
        Columns q(rank_, std::vector<float>(matrix.columns)), p;
        for (auto& column : q)
            for (auto& value : column) value = static_cast<float>(random.below(2001)) / 1000 - 1;
        for (int i = 0; i < kIterations; ++i) {
            p = times(m, matrix, q, false);
            orthonormalize(p);
            q = times(m, matrix, p, true);
        }
        for (const auto& factor : {p, q})
            for (const auto& column : factor)
                write_whole_blocks(column, kBlock, WholeBits::four, writer);
    }

    Status decode_matrix(Reader& reader, const Matrix& matrix, std::span<float> out) const {
        Columns p(rank_, std::vector<float>(matrix.rows));
        Columns q(rank_, std::vector<float>(matrix.columns));
        for (auto* factor : {&p, &q})
            for (auto& column : *factor)
                TRY_VOID(read_whole_blocks(reader, kBlock, WholeBits::four, column));
        std::fill(out.begin(), out.end(), 0.0f);
        for (std::uint32_t row = 0; row < matrix.rows; ++row)
            for (std::uint32_t c = 0; c < rank_; ++c) {
                float* line = out.data() + std::size_t{row} * matrix.columns;
                for (std::uint32_t i = 0; i < matrix.columns; ++i) line[i] += p[c][row] * q[c][i];
            }
        for (const float value : out)
            if (!std::isfinite(value)) return codec_broken("a value is not finite");
        return {};
    }

    std::uint64_t parameters_;
    std::uint32_t rank_;
    std::vector<Matrix> matrices_;
};

}  // namespace

std::unique_ptr<PseudoGradientCodec> make_low_rank_codec(std::uint64_t parameters,
                                                         std::uint32_t rank,
                                                         std::span<const Matrix> matrices) {
    return std::make_unique<LowRank>(parameters, rank, matrices);
}

}  // namespace mutirao::train

// Rebuilding rows from any k others. Three ways, by cost: through the coefficients, when a whole
// aligned coset of k rows is there; as a linear combination of k rows, when few rows are wanted;
// else through the erasure locator. With e the locator of all points of a domain that are not used,
// f*e vanishes there and has a degree below the domain's size; (f*e)' = f*e' at such a point, so
// f = (f*e)'/e'.
#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "coding/coding.hpp"
#include "coding/encode.hpp"
#include "coding/locator.hpp"
#include "coding/stripe.hpp"

namespace mutirao::coding {
namespace {

struct Target {
    std::uint32_t index;
    std::uint8_t* out;
};

// Which rows are there, by index (empty where absent), and which are to be made.
struct Task {
    Shape shape;
    std::vector<ByteSpan> have;   // n of them
    std::vector<Target> targets;  // ascending, distinct, all absent from `have`
    Write write;                  // to a target
};

Error bad_row(const Shape& shape, std::uint32_t index, std::size_t size) {
    return {ErrorKind::invalid_argument,
            "row " + std::to_string(index) + " of " + std::to_string(size) +
                " bytes does not fit a code of " + std::to_string(shape.rows) + " rows of " +
                std::to_string(shape.row_size) + " bytes"};
}

Result<std::vector<ByteSpan>> rows_by_index(const Shape& shape, std::span<const Row> rows) {
    std::vector<ByteSpan> by_index(shape.rows);
    std::uint32_t distinct = 0;
    for (const auto& row : rows) {
        if (row.index >= shape.rows || row.bytes.size() != shape.row_size)
            return bad_row(shape, row.index, row.bytes.size());
        distinct += by_index[row.index].empty();
        by_index[row.index] = row.bytes;
    }
    if (distinct < shape.data_rows)
        return Error{ErrorKind::unavailable, "only " + std::to_string(distinct) +
                                                 " distinct rows of the " +
                                                 std::to_string(shape.data_rows) + " needed"};
    return by_index;
}

std::optional<std::uint32_t> whole_coset(const Task& task) {
    const auto k = task.shape.data_rows;
    for (std::uint32_t coset = 0; coset + k <= task.shape.rows; coset += k)
        if (std::none_of(task.have.begin() + coset, task.have.begin() + coset + k,
                         [](ByteSpan row) { return row.empty(); }))
            return coset;
    return std::nullopt;
}

// Forgets all rows but the first k.
void keep_first(Task& task) {
    std::uint32_t kept = 0;
    for (auto& row : task.have)
        if (!row.empty() && kept++ >= task.shape.data_rows) row = {};
}

// Calls run(worker's scratch, first column, columns) for all columns of the rows, stripe by stripe.
template <class MakeScratch, class Run>
void each_stripe(const Shape& shape, std::size_t columns, const Threads& threads,
                 MakeScratch make_scratch, Run run) {
    using Scratch = decltype(make_scratch());
    std::vector<std::unique_ptr<Scratch>> scratch(threads.workers());
    const std::size_t tasks = (shape.row_size + columns - 1) / columns;
    run_parallel(threads, tasks, [&](unsigned worker, std::size_t task) {
        if (!scratch[worker]) scratch[worker] = std::make_unique<Scratch>(make_scratch());
        const std::size_t at = task * columns;
        run(*scratch[worker], at, std::min<std::size_t>(columns, shape.row_size - at));
    });
}

struct TwoStripes {
    Stripe first, second;
    RowBuffer block;
    TwoStripes(std::uint32_t rows, std::size_t columns)
        : first(rows, columns), second(rows, columns), block(kBlockRows * columns) {}
    Rows scratch() { return {block.data(), first.columns()}; }
};

// Values of a block's rows from its coefficients, for those blocks that hold a target; `put` takes
// each target with its row. Targets are those of [begin, end), the stripe stands at `offset`.
template <class Put>
void put_targets(const Kernels& kernels, Stripe& coefficients, Rows scratch, std::size_t bytes,
                 std::uint32_t offset, std::span<const Target> targets, Put put) {
    for (std::size_t i = 0; i < targets.size();) {
        const std::uint32_t block = (targets[i].index - offset) / kBlockRows;
        const std::uint32_t first = offset + block * kBlockRows;
        forward_layers(kernels, as_const(coefficients.block(block)), scratch, bytes, kBlockRows,
                       first, {0, kBlockLayers});
        for (; i < targets.size() && targets[i].index < first + kBlockRows; ++i)
            put(targets[i], scratch.row(targets[i].index - first));
    }
}

void from_coset(const Kernels& kernels, const Task& task, std::uint32_t coset,
                const Threads& threads) {
    const auto k = task.shape.data_rows;
    const auto columns = stripe_columns(k, task.shape.row_size);
    const auto run = [&](TwoStripes& work, std::size_t at, std::size_t bytes) {
        auto& coefficients = work.first;
        for (std::uint32_t i = 0; i < coefficients.blocks(); ++i) {
            const std::uint32_t row = coset + i * kBlockRows;
            for (std::uint32_t r = 0; r < kBlockRows; ++r)
                std::memcpy(work.scratch().row(r), task.have[row + r].data() + at, bytes);
            inverse_layers(kernels, as_const(work.scratch()), coefficients.block(i), bytes,
                           kBlockRows, row, {0, kBlockLayers});
        }
        coefficients.inverse_above(kernels, coset);
        const std::span<const Target> all(task.targets);
        for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
            const std::uint32_t other = all[begin].index / k * k;
            while (end < all.size() && all[end].index < other + k) ++end;
            auto& values = end == all.size() ? coefficients : work.second;
            values.forward_above(kernels, coefficients, coefficients.blocks(), other);
            put_targets(kernels, values, work.scratch(), bytes, other,
                        all.subspan(begin, end - begin),
                        [&](const Target& target, const std::uint8_t* row) {
                            task.write(row, target.out + at, bytes);
                        });
        }
    };
    each_stripe(
        task.shape, columns, threads, [&] { return TwoStripes(k, columns); }, run);
}

// The smallest domain that holds all rows that are used or made.
std::uint32_t domain_size(const Task& task) {
    std::uint32_t last = task.targets.empty() ? 0 : task.targets.back().index;
    for (std::uint32_t i = last; i < task.have.size(); ++i)
        if (!task.have[i].empty()) last = i;
    return std::max(std::bit_ceil(last + 1), kBlockRows);
}

std::vector<bool> unused_points(const Task& task, std::uint32_t size) {
    std::vector<bool> unused(size, true);
    for (std::uint32_t i = 0; i < std::min<std::size_t>(size, task.have.size()); ++i)
        unused[i] = task.have[i].empty();
    return unused;
}

F16 exponential(std::uint32_t log) { return log_tables().exp[log % kGroupOrder]; }

// Lagrange: the weight of row i in row z is e(w_i) / (e'(w_z) (w_z - w_i)), e as above; for the
// product of (x - w_s) over the used points s is V/e, V the domain's polynomial with V' = 1.
void as_combination(const Kernels& kernels, const Task& task, std::uint32_t size,
                    const Threads& threads) {
    const auto logs = locator_logs(unused_points(task, size));
    std::vector<std::uint32_t> used;
    for (std::uint32_t i = 0; i < task.have.size(); ++i)
        if (!task.have[i].empty()) used.push_back(i);
    std::vector<F16> weights;
    for (const auto i : used)
        for (const auto& target : task.targets) {
            const auto distance = static_cast<F16>(point(target.index) ^ point(i));
            weights.push_back(exponential(logs[i] + 2 * kGroupOrder - logs[target.index] -
                                          log_tables().log[distance]));
        }
    const auto run = [&](int, std::size_t at, std::size_t bytes) {
        for (const auto& target : task.targets) std::memset(target.out + at, 0, bytes);
        const F16* weight = weights.data();
        for (const auto i : used)
            for (const auto& target : task.targets)
                kernels.scale_add(task.have[i].data() + at, target.out + at, bytes, *weight++);
    };
    each_stripe(
        task.shape, kTaskColumns, threads, [] { return 0; }, run);
}

// Rows lie far apart: they are asked for some time before they are read.
void ask_for_row(const Task& task, std::uint32_t index, std::size_t at, std::size_t bytes) {
    if (index >= task.have.size() || task.have[index].empty()) return;
    for (std::size_t line = 0; line < bytes; line += 64)
        __builtin_prefetch(task.have[index].data() + at + line, 0, 2);
}

struct OneStripe {
    Stripe stripe;
    RowBuffer block;
    OneStripe(std::uint32_t rows, std::size_t columns)
        : stripe(rows, columns), block(kBlockRows * columns) {}
    Rows scratch() { return {block.data(), stripe.columns()}; }
};

void by_locator(const Kernels& kernels, const Task& task, std::uint32_t size,
                const Threads& threads) {
    const auto unused = unused_points(task, size);
    const auto logs = locator_logs(unused);
    const auto columns = stripe_columns(size, task.shape.row_size);
    // Layers above the last target do not change the rows below them: w_0 = 0.
    const auto made = std::max(std::bit_ceil(task.targets.back().index + 1), kBlockRows);
    const auto run = [&](OneStripe& work, std::size_t at, std::size_t bytes) {
        for (std::uint32_t i = 0; i < work.stripe.blocks(); ++i) {
            const std::uint32_t first = i * kBlockRows;
            const auto block = work.stripe.block(i);
            if (std::all_of(unused.begin() + first, unused.begin() + first + kBlockRows,
                            [](bool absent) { return absent; })) {
                std::memset(block.data, 0, work.stripe.block_size());
                continue;
            }
            for (std::uint32_t r = 0; r < kBlockRows; ++r) {
                ask_for_row(task, first + r + kRowsAhead, at, bytes);
                if (unused[first + r])
                    std::memset(work.scratch().row(r), 0, bytes);
                else
                    kernels.scale(task.have[first + r].data() + at, work.scratch().row(r), bytes,
                                  exponential(logs[first + r]));
            }
            inverse_layers(kernels, as_const(work.scratch()), block, bytes, kBlockRows, first,
                           {0, kBlockLayers});
        }
        work.stripe.inverse_above(kernels, 0);
        work.stripe.differentiate(kernels, made / kBlockRows);
        work.stripe.forward_above(kernels, work.stripe, made / kBlockRows, 0);
        put_targets(kernels, work.stripe, work.scratch(), bytes, 0, task.targets,
                    [&](const Target& target, std::uint8_t* row) {
                        kernels.scale(row, row, bytes,
                                      exponential(kGroupOrder - logs[target.index]));
                        task.write(row, target.out + at, bytes);
                    });
    };
    each_stripe(
        task.shape, columns, threads, [&] { return OneStripe(size, columns); }, run);
}

void rebuild(const Kernels& kernels, Task& task, const Threads& threads) {
    if (task.targets.empty()) return;
    const auto coset = whole_coset(task);
    if (!coset) keep_first(task);
    const std::uint32_t size = domain_size(task);
    // A product and addition of the combination weighs about four of the transforms' layers.
    const std::uint64_t combining =
        std::uint64_t{task.targets.size()} * task.shape.data_rows * (coset ? 4 : 2);
    if (combining <= std::uint64_t{size} * log2_of(size)) {
        keep_first(task);
        as_combination(kernels, task, domain_size(task), threads);
    } else if (coset) {
        from_coset(kernels, task, *coset, threads);
    } else {
        by_locator(kernels, task, size, threads);
    }
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

Status repair_with(const Kernels& kernels, const Shape& shape, std::span<const Row> rows,
                   std::span<const std::uint32_t> wanted, MutableByteSpan out,
                   const Threads& threads) {
    TRY_VOID(shape.validate());
    if (out.size() != wanted.size() * shape.row_size)
        return Error{ErrorKind::invalid_argument, "the room for rows does not fit those wanted"};
    Task task{shape, {}, {}, write_for(kernels, out.size())};
    TRY(task.have, rows_by_index(shape, rows));
    std::vector<Target> there;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] >= shape.rows) return bad_row(shape, wanted[i], shape.row_size);
        auto& list = task.have[wanted[i]].empty() ? task.targets : there;
        list.push_back({wanted[i], out.data() + i * shape.row_size});
    }
    run_parallel(threads, there.size(), [&](unsigned, std::size_t i) {
        task.write(task.have[there[i].index].data(), there[i].out, shape.row_size);
    });
    std::sort(task.targets.begin(), task.targets.end(),
              [](const Target& a, const Target& b) { return a.index < b.index; });
    // A row that is wanted twice is made once.
    std::vector<Target> again;
    for (const auto& target : std::exchange(task.targets, {})) {
        const bool made = !task.targets.empty() && task.targets.back().index == target.index;
        (made ? again : task.targets).push_back(target);
    }
    rebuild(kernels, task, threads);
    for (std::size_t i = 0, made = 0; i < again.size(); ++i) {
        while (task.targets[made].index != again[i].index) ++made;
        std::memcpy(again[i].out, task.targets[made].out, shape.row_size);
    }
    return {};
}

Status repair(const Shape& shape, std::span<const Row> rows, std::span<const std::uint32_t> wanted,
              MutableByteSpan out, const Threads& threads) {
    return repair_with(best_kernels(), shape, rows, wanted, out, threads);
}

Status decode(const Shape& shape, std::span<const Row> rows, MutableByteSpan data,
              const Threads& threads) {
    TRY_VOID(shape.validate());
    if (data.size() != shape.data_size())
        return Error{ErrorKind::invalid_argument, "the room for data does not fit the code"};
    std::vector<std::uint32_t> wanted(shape.data_rows);
    for (std::uint32_t i = 0; i < shape.data_rows; ++i) wanted[i] = i;
    return repair(shape, rows, wanted, data, threads);
}

}  // namespace mutirao::coding

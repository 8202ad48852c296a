#include "coding/block_costs.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <time.h>

#include "base/random.hpp"
#include "block/statement.hpp"
#include "crypto/aead.hpp"

namespace mutirao::bench {
namespace {

constexpr coding::Shape kShape{1024, 3072, 32 << 10};  // rows of a full 32 MiB block
constexpr std::size_t kBlockSize = std::size_t{kShape.data_rows} * kShape.row_size;
constexpr int kRoundsMin = 3;

double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
    Bytes out(size);
    SeededRandom(seed).fill(out);
    return out;
}

// Times `step` against a memcpy of `read`, the bytes that it reads.
Row measure(std::string name, double seconds, ByteSpan read, const std::function<void()>& step) {
    Bytes copy(read.size(), 1);
    std::vector<double> step_ms, copy_ms;
    double spent = 0;
    // One round unmeasured: pages are touched and tables are made.
    for (int round = -1; round < kRoundsMin || spent < seconds; ++round) {
        const double begin = thread_seconds();
        std::memcpy(copy.data(), read.data(), read.size());
        const double between = thread_seconds();
        step();
        const double end = thread_seconds();
        ENSURE(copy.back() == read.back(), "memcpy was left out");
        if (round < 0) continue;
        copy_ms.push_back((between - begin) * 1e3);
        step_ms.push_back((end - between) * 1e3);
        spent += end - begin;
    }
    return {std::move(name),
            median(step_ms),
            "ms",
            "memcpy " + std::to_string(read.size() >> 20) + " MiB",
            median(copy_ms),
            std::nullopt,
            std::nullopt};
}

// Two thirds of the rows, chosen evenly at random with a fixed seed.
std::vector<coding::Row> surviving_rows(ByteSpan data, ByteSpan parity) {
    std::vector<std::uint32_t> order(kShape.rows);
    std::iota(order.begin(), order.end(), 0u);
    SeededRandom random(7);
    for (std::size_t i = order.size() - 1; i > 0; --i)
        std::swap(order[i], order[random.below(i + 1)]);
    order.resize(kShape.rows / 3 * 2);
    std::vector<coding::Row> rows;
    for (const auto index : order) {
        const bool is_data = index < kShape.data_rows;
        const auto from = is_data ? data : parity;
        const std::size_t at = is_data ? index : index - kShape.data_rows;
        rows.push_back({index, from.subspan(at * kShape.row_size, kShape.row_size)});
    }
    return rows;
}

Row hash_rows(double seconds, ByteSpan rows) {
    Digest folded;
    return measure("hash all 3072 rows (BLAKE3)", seconds, rows, [&] {
        for (std::size_t at = 0; at < rows.size(); at += kShape.row_size)
            folded.bytes[0] ^= block::row_digest(rows.subspan(at, kShape.row_size)).bytes[0];
    });
}

Row commit_slots(double seconds, ByteSpan block) {
    std::vector<crypto::Scalar> slots;
    for (std::uint32_t i = 0; i < crypto::kSlots; ++i)
        slots.push_back(crypto::to_scalar(crypto::blake3(random_bytes(32, i))));
    crypto::KzgCommitment commitment;
    auto row = measure("commit to 256 slot digests (KZG)", seconds, block,
                       [&] { commitment = crypto::commit(slots); });
    ENSURE(crypto::is_in_group(commitment), "the commitment is no point of the group");
    return row;
}

}  // namespace

std::vector<Row> block_costs(double seconds) {
    const auto data = random_bytes(kBlockSize, 1);
    std::vector<Row> out;
    {
        Bytes rows(std::size_t{kShape.rows} * kShape.row_size, 1);
        const auto parity = MutableByteSpan(rows).subspan(kBlockSize);
        std::memcpy(rows.data(), data.data(), kBlockSize);
        out.push_back(measure("encode 1024 to 3072 rows", seconds, data,
                              [&] { coding::encode(kShape, data, parity); }));
        const auto survivors = surviving_rows(data, parity);
        Bytes decoded(kBlockSize, 1);
        out.push_back(measure("decode, a third of all rows lost", seconds, data, [&] {
            ENSURE(coding::decode(kShape, survivors, decoded).ok(), "decode failed");
        }));
        ENSURE(decoded == data, "decode gave back something else");
        out.push_back(hash_rows(seconds, rows));
    }
    const crypto::Key key = SeededRandom(2).fixed<crypto::Key>();
    Bytes sealed;
    out.push_back(measure("encrypt (AES-256-GCM)", seconds, data,
                          [&] { sealed = crypto::seal(key, 0, {}, data); }));
    const auto opened = crypto::open(key, 0, {}, sealed);
    ENSURE(opened.ok() && *opened == data, "decryption gave back something else");
    out.push_back(commit_slots(seconds, data));
    out.push_back(measure("code_block: all of it but encryption", seconds, data, [&] {
        const auto coded = block::code_block(data, {});
        ENSURE(coded.ok() && coded->rows.size() == 3 * kBlockSize, "code_block failed");
    }));
    return out;
}

}  // namespace mutirao::bench

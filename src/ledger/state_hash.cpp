#include "ledger/state_hash.hpp"

#include <algorithm>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::size_t kAhead = 16;  // nodes
constexpr std::size_t kBlock = crypto::kHashedBlockSize;
constexpr std::size_t kRows = crypto::kHashedRows;

std::size_t whole_blocks(std::size_t size) { return (size + kBlock - 1) / kBlock * kBlock; }

template <std::unsigned_integral T>
std::uint8_t* append(std::uint8_t* at, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) *at++ = static_cast<std::uint8_t>(value >> (8 * i));
    return at;
}
std::uint8_t* append(std::uint8_t* at, ByteSpan bytes) {
    return std::copy(bytes.begin(), bytes.end(), at);
}

}  // namespace

RowBatch::Rows::Rows(const crypto::Key& key, std::size_t size)
    : hash(key, size), bytes(kRows * size) {}

RowBatch::RowBatch(const crypto::Key& key) : key_(key) {}

std::uint8_t* RowBatch::row(std::size_t size, Digest* out) {
    if (size > kSideBySideMax) {
        if (long_out_ != nullptr) *long_out_ = crypto::blake3_keyed(key_, long_row_);
        long_row_.assign(size, 0);
        long_out_ = out;
        return long_row_.data();
    }
    auto& rows = by_blocks_[size / kBlock - 1];
    if (!rows) rows = std::make_unique<Rows>(key_, size);
    if (rows->count == kRows) flush(*rows);
    auto* begin = rows->bytes.data() + rows->count * size;
    std::memset(begin, 0, size);
    rows->out[rows->count++] = out;
    return begin;
}

// Of rows that are not there, the digests of what stood in their places are thrown away.
void RowBatch::flush(Rows& rows) {
    const auto size = rows.bytes.size() / kRows;
    crypto::ChunkValues values[1];
    std::array<Digest, kRows> digests;
    rows.hash.add({rows.bytes.data(), size, 0, size}, values);
    rows.hash.finish(values, digests);
    for (std::size_t i = 0; i < rows.count; ++i) *rows.out[i] = digests[i];
    rows.count = 0;
}

void RowBatch::finish() {
    for (auto& rows : by_blocks_)
        if (rows && rows->count > 0) flush(*rows);
    if (long_out_ != nullptr) *long_out_ = crypto::blake3_keyed(key_, long_row_);
    long_out_ = nullptr;
}

namespace state_hash {

const crypto::Key& value_key() {
    static const auto& key = crypto::domain_key("state-value");
    return key;
}
const crypto::Key& leaf_key() {
    static const auto& key = crypto::domain_key("state-leaf");
    return key;
}
const crypto::Key& node_key() {
    static const auto& key = crypto::domain_key("state-node");
    return key;
}
const crypto::Key& entry_key() {
    static const auto& key = crypto::domain_key("history-entry");
    return key;
}
const crypto::Key& history_node_key() {
    static const auto& key = crypto::domain_key("history-node");
    return key;
}

std::size_t value_row_size(ByteSpan value) { return whole_blocks(4 + value.size()); }

void write_value_row(ByteSpan value, std::uint8_t* row) {
    append(append(row, static_cast<std::uint32_t>(value.size())), value);
}

std::size_t leaf_row_size(ByteSpan key, ByteSpan next) {
    return whole_blocks(8 + Digest::kSize + 2 + key.size() + 2 + next.size());
}

void write_leaf_row(std::uint64_t slot, const Digest& value, ByteSpan key, ByteSpan next,
                    std::uint8_t* row) {
    row = append(append(row, slot), value.span());
    row = append(append(row, static_cast<std::uint16_t>(key.size())), key);
    append(append(row, static_cast<std::uint16_t>(next.size())), next);
}

Digest value_digest(ByteSpan value) {
    Bytes row(value_row_size(value));
    write_value_row(value, row.data());
    return crypto::blake3_keyed(value_key(), row);
}

Digest leaf_digest(std::uint64_t slot, const Digest& value, ByteSpan key, ByteSpan next) {
    Bytes row(leaf_row_size(key, next));
    write_leaf_row(slot, value, key, next, row.data());
    return crypto::blake3_keyed(leaf_key(), row);
}

Digest node_digest(const Digest& left, const Digest& right) {
    std::array<std::uint8_t, 2 * Digest::kSize> row;
    append(append(row.data(), left.span()), right.span());
    return crypto::blake3_keyed(node_key(), row);
}

Digest tree_root(const Digest& top, std::uint64_t slots) {
    return crypto::blake3_keyed(crypto::domain_key("state-root"),
                                Writer().raw(top.span()).u(slots).bytes());
}

Digest history_root(const std::vector<std::pair<Bytes, ByteSpan>>& entries) {
    std::vector<Digest> leaves(entries.size());
    RowBatch batch(entry_key());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& [key, value] = entries[i];
        auto* row = batch.row(whole_blocks(8 + key.size() + value.size()), &leaves[i]);
        row = append(append(row, static_cast<std::uint32_t>(key.size())), key);
        append(append(row, static_cast<std::uint32_t>(value.size())), value);
    }
    batch.finish();
    DenseTree tree(history_node_key());
    tree.build(std::move(leaves));
    return crypto::blake3_keyed(
        crypto::domain_key("history-root"),
        Writer().raw(tree.top().span()).u(static_cast<std::uint64_t>(entries.size())).bytes());
}

}  // namespace state_hash

// `pairs` has room for whole sixteens.
void DenseTree::hash_pairs(const std::uint8_t* pairs, std::size_t count, Digest* out) const {
    crypto::ChunkValues values[1];
    std::array<Digest, kRows> digests;
    for (std::size_t done = 0; done < count; done += kRows) {
        hash_.add({pairs + done * kBlock, kBlock, 0, kBlock}, values);
        hash_.finish(values, digests);
        std::copy_n(digests.begin(), std::min(kRows, count - done), out + done);
    }
}

static_assert(kBlock == 2 * Digest::kSize && sizeof(Digest) == Digest::kSize,
              "two neighbours in a level are the message of their parent");

DenseTree::Staged DenseTree::stage(std::size_t count, Level leaves) const {
    ENSURE(!leaves.at.empty() && (levels_.empty() || count >= levels_[0].size()));
    Staged out{count, {}};
    out.levels.push_back(std::move(leaves));
    std::vector<Digest> pairs;
    static const std::vector<Digest> kNone;
    for (std::size_t size = count; size > 1; size = (size + 1) / 2) {
        const auto height = out.levels.size() - 1;
        const auto& now = height < levels_.size() ? levels_[height] : kNone;
        const auto& changed = out.levels[height];
        Level above;
        pairs.clear();
        for (std::size_t i = 0; i < changed.at.size();) {
            // Neighbours lie anywhere in a level of megabytes.
            if (i + kAhead < changed.at.size())
                if (const auto beside = changed.at[i + kAhead] ^ 1u; beside < now.size())
                    __builtin_prefetch(&now[beside]);
            const auto parent = changed.at[i] / 2;
            above.at.push_back(parent);
            for (const std::size_t child : {2 * parent, 2 * parent + 1}) {
                if (i < changed.at.size() && changed.at[i] == child)
                    pairs.push_back(changed.digests[i++]);
                else
                    pairs.push_back(child < now.size() ? now[child] : Digest());
            }
        }
        above.digests.resize(above.at.size());
        pairs.resize((above.at.size() + kRows - 1) / kRows * kRows * 2);
        hash_pairs(pairs[0].bytes.data(), above.at.size(), above.digests.data());
        out.levels.push_back(std::move(above));
    }
    return out;
}

void DenseTree::commit(Staged staged) {
    if (levels_.size() < staged.levels.size()) levels_.resize(staged.levels.size());
    std::size_t size = staged.count;
    for (std::size_t height = 0; height < staged.levels.size(); ++height, size = (size + 1) / 2) {
        const auto& [at, digests] = staged.levels[height];
        levels_[height].resize(size);
        for (std::size_t i = 0; i < at.size(); ++i) levels_[height][at[i]] = digests[i];
    }
}

void DenseTree::build(std::vector<Digest> leaves, const Threads& threads) {
    constexpr std::size_t kTask = 512 * kRows;  // pairs
    levels_.clear();
    if (leaves.empty()) return;
    levels_.push_back(std::move(leaves));
    while (levels_.back().size() > 1) {
        auto& below = levels_.back();
        const auto count = (below.size() + 1) / 2;
        const auto size = below.size();
        below.resize((count + kRows - 1) / kRows * kRows * 2);  // zeros beyond the last
        std::vector<Digest> level(count);
        run_parallel(threads, (count + kTask - 1) / kTask, [&](unsigned, std::size_t task) {
            const auto begin = task * kTask;
            hash_pairs(below[2 * begin].bytes.data(), std::min(kTask, count - begin),
                       &level[begin]);
        });
        below.resize(size);
        levels_.push_back(std::move(level));
    }
}

std::vector<Digest> DenseTree::siblings(std::uint32_t leaf) const {
    std::vector<Digest> out;
    for (const auto& level : levels_) {
        const std::size_t beside = leaf ^ 1u;
        if (beside < level.size()) out.push_back(level[beside]);
        leaf /= 2;
    }
    return out;
}

}  // namespace mutirao::ledger

#include "ledger/state_tree.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sstream>

#include "base/random.hpp"
#include "crypto/hash.hpp"

namespace mutirao::ledger {
namespace {

using Model = std::map<Bytes, Bytes>;

Bytes bytes_of(std::string_view text) { return to_bytes(as_bytes(text)); }

// Few different keys, many of which begin others.
Bytes some_key() {
    Bytes key(*rc::gen::inRange<std::size_t>(1, 5));
    for (auto& byte : key) byte = *rc::gen::inRange<std::uint8_t>(0, 3);
    return key;
}

Bytes some_value() {
    const auto size = *rc::gen::element<std::size_t>(0, 1, 24, 60, 61, 200, 508, 509, 2000);
    return Bytes(size, *rc::gen::arbitrary<std::uint8_t>());
}

Difference some_difference() {
    std::map<Bytes, Value> out;
    const auto count = *rc::gen::inRange(0, 12);
    for (int i = 0; i < count; ++i)
        out[some_key()] = *rc::gen::inRange(0, 3) == 0 ? Value() : Value(some_value());
    return {out.begin(), out.end()};
}

void apply(Model& model, const Difference& difference) {
    for (const auto& [key, value] : difference) {
        if (value)
            model[key] = *value;
        else
            model.erase(key);
    }
}

// The root as docs/reference/state.md says it, without any of the tree's short cuts.
class PlainTree {
  public:
    void apply(const Difference& difference) {
        for (const auto& [key, value] : difference)
            if (!value) slots_.erase(key);
        for (const auto& [key, value] : difference)
            if (value) slots_.try_emplace(key, lowest_free(key));
        ledger::apply(records_, difference);
        for (const auto& [key, slot] : slots_) count_ = std::max<std::size_t>(count_, slot + 1u);
    }
    Digest root() const {
        std::vector<Digest> level(count_);
        level[0] = leaf(0, {}, {}, records_.begin());
        for (auto at = records_.begin(); at != records_.end(); ++at)
            level[slots_.at(at->first)] =
                leaf(slots_.at(at->first), at->first, at->second, std::next(at));
        while (level.size() > 1) {
            if (level.size() % 2 == 1) level.emplace_back();
            std::vector<Digest> above;
            for (std::size_t i = 0; i < level.size(); i += 2)
                above.push_back(state_hash::node_digest(level[i], level[i + 1]));
            level = above;
        }
        return state_hash::tree_root(level[0], count_);
    }

  private:
    Digest leaf(Slot slot, ByteSpan key, ByteSpan value, Model::const_iterator next) const {
        return state_hash::leaf_digest(slot, state_hash::value_digest(value), key,
                                       next == records_.end() ? ByteSpan() : next->first);
    }
    Slot lowest_free(const Bytes& key) const {
        if (slots_.contains(key)) return slots_.at(key);
        for (Slot slot = 1;; ++slot) {
            const auto same = [&](const auto& entry) { return entry.second == slot; };
            if (std::none_of(slots_.begin(), slots_.end(), same)) return slot;
        }
    }

    Model records_;
    std::map<Bytes, Slot> slots_;
    std::size_t count_ = 1;
};

void check_proof(const StateTree& tree, const Model& model, const Bytes& key) {
    const auto proof = StateProof::decode(tree.prove(key).encode()).value();
    const auto shown = verify(tree.root(), key, proof).value();
    const auto at = model.find(key);
    RC_ASSERT(shown == (at == model.end() ? Value() : Value(at->second)));
    RC_ASSERT(shown == tree.get(key));
    auto other = key;
    other.push_back(9);  // comes right after the key
    const auto misled = verify(tree.root(), other, proof);
    const bool right = !misled.ok() || (!misled.value() && !model.contains(other));
    RC_ASSERT(right);
}

RC_GTEST_PROP(StateTree, is_a_map_with_a_root, ()) {
    StateTree tree;
    PlainTree plain;
    Model model;
    for (int block = 0; block < 8; ++block) {
        const auto dropped = tree.stage(some_difference());
        const auto difference = some_difference();
        const auto before = tree.root();
        auto staged = tree.stage(difference);
        RC_ASSERT(tree.root() == before);
        const auto root = staged.root;
        tree.commit(std::move(staged));
        plain.apply(difference);
        apply(model, difference);
        RC_ASSERT(tree.root() == root);
        RC_ASSERT(root == plain.root());
        RC_ASSERT(tree.size() == model.size());
        RC_ASSERT(tree.scan({}, {}, 1000) ==
                  (std::vector<std::pair<Bytes, Bytes>>(model.begin(), model.end())));
        for (int i = 0; i < 6; ++i) check_proof(tree, model, some_key());
        for (const auto& [key, value] : model) check_proof(tree, model, key);
    }
}

RC_GTEST_PROP(StateTree, goes_on_from_its_bytes, ()) {
    StateTree tree;
    for (int block = 0; block < 4; ++block) tree.apply(some_difference());
    Writer out;
    tree.encode(out);
    Reader in(out.bytes());
    auto other = StateTree::decode(in).value();
    RC_ASSERT(in.finish().ok());
    RC_ASSERT(other.root() == tree.root());
    Writer again;
    other.encode(again);
    RC_ASSERT(again.bytes() == out.bytes());
    const auto more = some_difference();
    RC_ASSERT(other.apply(more) == tree.apply(more));
}

// Other orders of writing, and writes that were taken back, do not show.
RC_GTEST_PROP(StateTree, has_one_root_for_one_difference, ()) {
    class Nothing final : public StateView {
      public:
        Result<Value> get(ByteSpan) const override { return Value(); }
        Result<std::vector<std::pair<Bytes, Bytes>>> scan(ByteSpan, ByteSpan,
                                                          std::size_t) const override {
            return std::vector<std::pair<Bytes, Bytes>>();
        }
    };
    const Nothing nothing;
    const auto difference = some_difference();
    auto shuffled = difference;
    for (std::size_t i = shuffled.size(); i > 1; --i)
        std::swap(shuffled[i - 1], shuffled[*rc::gen::inRange<std::size_t>(0, i)]);
    Changes changes(nothing);
    for (const auto& [key, value] : shuffled) {
        const auto mark = changes.mark();
        changes.put(some_key(), some_value());
        changes.go_back(mark);
        if (value)
            changes.put(key, *value);
        else
            changes.erase(key);
    }
    const auto taken = changes.take_difference();
    RC_ASSERT(taken == difference);
    StateTree tree;
    tree.apply(some_difference());
    RC_ASSERT(tree.stage(taken).root == tree.stage(difference).root);
}

TEST(StateTree, takes_the_lowest_free_slots_and_never_gets_narrower) {
    const auto put = [](std::string_view key) {
        return std::pair<Bytes, Value>(bytes_of(key), bytes_of("x"));
    };
    const auto gone = [](std::string_view key) {
        return std::pair<Bytes, Value>(bytes_of(key), Value());
    };
    StateTree tree;
    EXPECT_EQ(tree.slot_count(), 1u);
    tree.apply({put("a"), put("b"), put("c"), put("d")});
    EXPECT_EQ(tree.prove(as_bytes("a")).slot, 1u);
    EXPECT_EQ(tree.prove(as_bytes("d")).slot, 4u);
    tree.apply({gone("a"), gone("c"), put("e")});
    EXPECT_EQ(tree.prove(as_bytes("e")).slot, 1u);
    EXPECT_EQ(tree.size(), 3u);
    EXPECT_EQ(tree.slot_count(), 5u);
    tree.apply({put("f"), put("g")});
    EXPECT_EQ(tree.prove(as_bytes("f")).slot, 3u);
    EXPECT_EQ(tree.prove(as_bytes("g")).slot, 5u);
    const auto root = tree.root();
    EXPECT_EQ(tree.apply({}), root);
    EXPECT_EQ(tree.apply({gone("not there")}), root);
}

// Enough records for many blocks of keys, in and out, in no order.
TEST(StateSlots, find_their_way_among_many_keys) {
    SeededRandom random(7);
    StateSlots slots;
    std::map<Bytes, Slot> model;
    for (int step = 0; step < 30'000; ++step) {
        Bytes key{'a', '/'};
        for (int i = 0; i < 2; ++i) key.push_back(static_cast<std::uint8_t>(random.below(200)));
        if (const auto at = model.find(key); at != model.end()) {
            slots.erase(at->second);
            model.erase(at);
            ASSERT_EQ(slots.find(key), kNoSlot);
        } else {
            const auto slot = slots.free().empty() ? static_cast<Slot>(slots.slot_count())
                                                   : *slots.free().begin();
            slots.insert(slot, key, key);
            model[key] = slot;
            ASSERT_EQ(slots.find(key), slot);
        }
        const auto at = model.lower_bound(key);
        ASSERT_EQ(slots.before(key), at == model.begin() ? 0u : std::prev(at)->second);
    }
    EXPECT_GT(model.size(), 5000u);
    EXPECT_EQ(slots.size(), model.size());
    for (const auto& [key, slot] : model) ASSERT_EQ(slots.find(key), slot);
}

TEST(RowBatch, gives_what_one_by_one_gives) {
    const auto& key = state_hash::leaf_key();
    std::vector<Bytes> rows;
    for (int i = 0; i < 100; ++i) rows.emplace_back(64u * (1 + i * i % 11), i);
    std::vector<Digest> out(rows.size());
    RowBatch batch(key);
    for (std::size_t i = 0; i < rows.size(); ++i)
        std::copy(rows[i].begin(), rows[i].end(), batch.row(rows[i].size(), &out[i]));
    batch.finish();
    for (std::size_t i = 0; i < rows.size(); ++i)
        EXPECT_EQ(out[i], crypto::blake3_keyed(key, rows[i])) << i;
}

class StateProofs : public testing::Test {
  protected:
    StateProofs() {
        Difference records;
        for (int i = 10; i < 47; ++i)
            records.emplace_back(bytes_of("key " + std::to_string(i)), Bytes(i % 7, 5));
        tree.apply(records);
    }
    void expect_every_bit_counts(ByteSpan key) const {
        auto bytes = tree.prove(key).encode();
        ASSERT_TRUE(verify(tree.root(), key, StateProof::decode(bytes).value()).ok());
        for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
            bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
            const auto proof = StateProof::decode(bytes);
            EXPECT_FALSE(proof.ok() && verify(tree.root(), key, *proof).ok()) << bit;
            bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        }
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(StateProof::decode(ByteSpan(bytes).first(size)).ok()) << size;
        bytes.push_back(0);
        EXPECT_FALSE(StateProof::decode(bytes).ok());
    }
    StateTree tree;
};

TEST_F(StateProofs, of_what_is_there_break_with_any_bit) {
    expect_every_bit_counts(as_bytes("key 10"));
    expect_every_bit_counts(as_bytes("key 20"));  // no digest above it stands at the edge
    expect_every_bit_counts(as_bytes("key 46"));  // at the edge, and no key comes after
}

TEST_F(StateProofs, of_what_is_not_there_break_with_any_bit) {
    expect_every_bit_counts(as_bytes("key 20a"));
    expect_every_bit_counts(as_bytes("a"));  // before all
    expect_every_bit_counts(as_bytes("z"));  // after all
}

TEST_F(StateProofs, serve_their_own_root_and_key_only) {
    const auto key = bytes_of("key 30");
    const auto proof = tree.prove(key);
    EXPECT_TRUE(verify(tree.root(), key, proof).ok());
    EXPECT_EQ(verify(tree.root(), as_bytes("key 31"), proof).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(verify(tree.root(), {}, proof).error().kind, ErrorKind::invalid_argument);
    const auto root = tree.root();
    tree.apply({{bytes_of("key 99"), bytes_of("x")}});
    EXPECT_EQ(verify(tree.root(), key, proof).error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(verify(root, key, proof).ok());
    // That there is nothing holds for all keys between the leaf's two.
    const auto absent = tree.prove(as_bytes("key 30b"));
    EXPECT_FALSE(verify(tree.root(), as_bytes("key 30c"), absent).value().has_value());
    EXPECT_FALSE(verify(tree.root(), as_bytes("key 30"), absent).ok());
    EXPECT_FALSE(verify(tree.root(), as_bytes("key 31"), absent).ok());
    // Two digests more than the tree has levels.
    auto longer = proof;
    longer.siblings.resize(longer.siblings.size() + 2);
    EXPECT_FALSE(verify(root, key, longer).ok());
}

TEST(StateHeader, is_its_bytes_and_each_counts) {
    StateHeader header;
    header.height = 7;
    header.time_ms = 8;
    auto bytes = header.encode();
    EXPECT_EQ(bytes.size(), StateHeader::kSize);
    EXPECT_EQ(StateHeader::decode(bytes).value(), header);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] ^= 1;
        EXPECT_NE(StateHeader::decode(bytes).value().hash(), header.hash()) << i;
        bytes[i] ^= 1;
    }
    bytes.push_back(0);
    EXPECT_FALSE(StateHeader::decode(bytes).ok());
}

TEST(StateTree, refuses_bytes_that_are_not_its_own) {
    StateTree tree;
    tree.apply({{bytes_of("a"), bytes_of("1")}, {bytes_of("b"), bytes_of("2")}});
    tree.apply({{bytes_of("a"), Value()}});
    Writer out;
    tree.encode(out);
    const auto accepts = [](const Bytes& bytes) {
        Reader in(bytes);
        return StateTree::decode(in).ok() && in.finish().ok();
    };
    ASSERT_TRUE(accepts(out.bytes()));
    const auto refuses = [&](std::size_t at, std::uint8_t value) {
        auto bytes = out.bytes();
        bytes[at] = value;
        return !accepts(bytes);
    };
    EXPECT_TRUE(refuses(0, 0));   // not even slot 0
    EXPECT_TRUE(refuses(0, 2));   // a slot too few
    EXPECT_TRUE(refuses(0, 4));   // one too many
    EXPECT_TRUE(refuses(2, 1));   // more than there are bytes
    EXPECT_TRUE(refuses(4, 1));   // no free slot
    EXPECT_TRUE(refuses(8, 0));   // no key
    EXPECT_TRUE(refuses(13, 9));  // a value that goes on beyond the end
}

TEST(StateTree, refuses_a_key_that_is_there_twice) {
    Writer out;
    out.u(std::uint32_t{3});
    for (int i = 0; i < 2; ++i) out.text("a").text("1");
    Reader in(out.bytes());
    EXPECT_EQ(StateTree::decode(in).error().kind, ErrorKind::corrupt);
}

// Records that come, change, move to other slots and go while a view is read, and before, and
// after.
RC_GTEST_PROP(StateTree, is_read_as_it_was_while_it_changes, ()) {
    StateTree tree;
    for (int block = 0; block < 3; ++block) tree.apply(some_difference());
    const auto before = [&] {
        Writer out;
        tree.encode(out);
        return out.bytes();
    }();
    auto first = std::make_optional(tree.view());
    Writer read;
    read.u(first->slot_count());
    tree.apply(some_difference());
    auto other = tree.view();  // of a later state; left unread
    while (first->next(read.bytes().size() + 1, read)) tree.apply(some_difference());
    RC_ASSERT(read.bytes() == before);
    first.reset();
    const auto root = tree.apply(some_difference());
    RC_ASSERT(tree.root() == root);
}

TEST(StateTree, a_view_outlives_the_tree) {
    auto tree = std::make_unique<StateTree>();
    tree->apply({{bytes_of("a"), bytes_of("1")}});
    auto view = tree->view();
    tree->apply({{bytes_of("a"), bytes_of("22")}, {bytes_of("b"), bytes_of("3")}});
    tree.reset();
    Writer out;
    EXPECT_FALSE(view.next(1000, out));
    EXPECT_EQ(out.bytes(), Writer().text("a").text("1").bytes());
}

// vectors/ledger/generate_state.py computes them from the reference page alone.
class StateVectors : public testing::Test {
  protected:
    void check(const std::string& kind, const std::vector<Bytes>& values) {
        ++checked;
        if (kind == "block") {
            difference.clear(), entries.clear();
        } else if (kind == "set") {
            difference.emplace_back(values[0], values[1]);
        } else if (kind == "remove") {
            difference.emplace_back(values[0], Value());
        } else if (kind == "entry") {
            entries.emplace_back(values[0], values[1]);
        } else if (kind == "root") {
            EXPECT_EQ(to_bytes(tree.apply(difference).span()), values[0]);
        } else if (kind == "header") {
            header = StateHeader::decode(values[0]).value();
            EXPECT_EQ(header.tree_root, tree.root());
            const std::vector<std::pair<Bytes, ByteSpan>> in_order(entries.begin(), entries.end());
            EXPECT_EQ(header.history_root, state_hash::history_root(in_order));
        } else if (kind == "hash") {
            EXPECT_EQ(to_bytes(header.hash().span()), values[0]);
        } else if (kind == "proof") {
            EXPECT_EQ(tree.prove(values[0]).encode(), values[1]);
            const auto proof = StateProof::decode(values[1]).value();
            EXPECT_EQ(verify(header.tree_root, values[0], proof).value(), tree.get(values[0]));
        } else {
            FAIL() << kind;
        }
    }
    StateTree tree;
    Difference difference;
    std::vector<std::pair<Bytes, Bytes>> entries;
    StateHeader header;
    int checked = 0;
};

TEST_F(StateVectors, are_what_the_tree_gives) {
    std::ifstream file(std::string(MUTIRAO_VECTORS) + "/ledger/state.txt");
    ASSERT_TRUE(file.good());
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string kind;
        words >> kind;
        std::vector<Bytes> values;
        for (std::string word; kind != "block" && words >> word;)
            values.push_back(word == "-" ? Bytes() : from_hex(word).value());
        check(kind, values);
    }
    EXPECT_EQ(checked, 86);
}

}  // namespace
}  // namespace mutirao::ledger

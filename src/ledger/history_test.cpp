#include "ledger/history.hpp"

#include <gtest/gtest.h>

#include "base/codec.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

Digest transaction(std::uint64_t height, int i) {
    return digest_of("tx " + std::to_string(height) + " " + std::to_string(i));
}

// A block with so many transactions, each of one event; the odd ones failed.
BlockHistory block_after(const History& history, std::uint64_t height, int transactions) {
    BlockHistory out{history.event_count(), {}, {}};
    std::vector<Event> events;
    for (int i = 0; i < transactions; ++i) {
        Receipt receipt;
        receipt.transaction = transaction(height, i);
        receipt.height = height;
        receipt.succeeded = i % 2 == 0;
        if (!receipt.succeeded) receipt.error = "number " + std::to_string(i);
        out.add(receipt);
        Event event{};
        event.height = height;
        events.push_back(event);
    }
    out.add(events);
    return out;
}

Bytes encoded(const History& history) {
    Writer out;
    history.encode(out);
    return std::move(out).take();
}

TEST(History, forgets_whole_blocks_beyond_its_limits_and_the_oldest_first) {
    History history({10, 100, 100});
    for (std::uint64_t height = 1; height <= 5; ++height)
        history.add(block_after(history, height, 4));
    // Ten events hold two whole blocks of four.
    EXPECT_EQ(history.blocks(), 2u);
    EXPECT_EQ(history.first_event(), 12u);
    EXPECT_EQ(history.event_count(), 20u);
    EXPECT_FALSE(history.get(key::event(11)).has_value());
    EXPECT_TRUE(history.get(key::event(12)).has_value());
    EXPECT_TRUE(history.get(key::event(19)).has_value());
    EXPECT_FALSE(history.get(key::event(20)).has_value());
    EXPECT_FALSE(history.receipt(transaction(3, 1)).value().has_value());
    EXPECT_EQ(history.receipt(transaction(4, 1)).value()->error, "number 1");
    EXPECT_EQ(history.scan(as_bytes("v/"), {}, 100).size(), 8u);
    EXPECT_EQ(history.scan(as_bytes("v/"), key::event(3), 100).size(), 8u);
    EXPECT_EQ(history.scan(as_bytes("v/"), key::event(17), 100).size(), 2u);
    EXPECT_EQ(history.scan(as_bytes("t/"), {}, 100).size(), 8u);
    EXPECT_EQ(history.scan(as_bytes("w/"), {}, 100).size(), 4u);
}

TEST(History, keeps_the_last_block_whatever_its_size_and_bounds_each_kind) {
    History events({3, 100, 100}), receipts({100, 3, 100}), blocks({100, 100, 3});
    for (auto* history : {&events, &receipts, &blocks})
        for (std::uint64_t height = 1; height <= 6; ++height)
            history->add(block_after(*history, height, height == 6 ? 9 : height == 5 ? 0 : 1));
    EXPECT_EQ(events.blocks(), 1u);
    EXPECT_EQ(receipts.blocks(), 1u);
    EXPECT_EQ(blocks.blocks(), 3u);
    EXPECT_EQ(events.first_event(), 4u);
    EXPECT_EQ(blocks.first_event(), 3u);
    EXPECT_TRUE(receipts.receipt(transaction(6, 8)).value().has_value());
}

TEST(History, comes_back_from_its_encoding_and_goes_on) {
    History history({10, 100, 100});
    for (std::uint64_t height = 1; height <= 5; ++height)
        history.add(block_after(history, height, 4));
    const auto bytes = encoded(history);
    Reader in(bytes);
    auto back = History::decode(in).value();
    EXPECT_TRUE(in.finish().ok());
    EXPECT_EQ(encoded(back), bytes);
    EXPECT_EQ(back.first_event(), 12u);
    EXPECT_EQ(back.blocks(), 2u);
    back.add(block_after(back, 6, 2));
    EXPECT_EQ(back.event_count(), 22u);
    EXPECT_TRUE(back.receipt(transaction(4, 0)).value().has_value());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Reader cut(ByteSpan(bytes).first(size));
        EXPECT_FALSE(History::decode(cut).ok()) << size;
    }
}

TEST(History, that_ends_a_transaction_twice_is_refused) {
    History history;
    history.add(block_after(history, 1, 1));
    Writer out;
    out.u(std::uint64_t{0}).u(std::uint64_t{1}).u(std::uint32_t{0}).u(std::uint32_t{2});
    for (int i = 0; i < 2; ++i) out.raw(transaction(1, 0).span()).blob(Bytes{1}).text("");
    const auto bytes = std::move(out).take();
    Reader in(bytes);
    EXPECT_EQ(History::decode(in).error().kind, ErrorKind::corrupt);
}

// Every other part by itself: what a log of them gives back.
TEST(History, comes_back_from_its_parts_and_refuses_a_gap) {
    History history;
    for (std::uint64_t height = 1; height <= 5; ++height)
        history.add(block_after(history, height, height == 3 ? 0 : 4));
    auto view = history.view();
    EXPECT_EQ(view.event_count(), 16u);
    std::vector<Bytes> parts;
    for (std::size_t i = 0; i < view.blocks(); ++i) parts.push_back(view.part(i));
    History all, late, gap({10, 100, 100});
    for (const auto& part : parts) ASSERT_TRUE(all.add_part(part).ok());
    EXPECT_EQ(encoded(all), encoded(history));
    for (std::size_t i = 2; i < 5; ++i) ASSERT_TRUE(late.add_part(parts[i]).ok());
    EXPECT_EQ(late.first_event(), 8u);
    EXPECT_EQ(late.blocks(), 3u);
    EXPECT_EQ(late.block(1).events.size(), 4u);
    ASSERT_TRUE(gap.add_part(parts[0]).ok());
    EXPECT_EQ(gap.add_part(parts[3]).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(gap.add_part(parts[0]).error().kind, ErrorKind::corrupt);
    for (std::size_t size = 0; size < parts[1].size(); ++size)
        EXPECT_FALSE(gap.add_part(ByteSpan(parts[1]).first(size)).ok()) << size;
    // Limits hold here too.
    for (const auto i : {1, 2, 3}) ASSERT_TRUE(gap.add_part(parts[i]).ok());
    EXPECT_EQ(gap.first_event(), 4u);
}

TEST(History, goes_on_with_another_that_follows) {
    History history({10, 100, 100}), both;
    for (std::uint64_t height = 1; height <= 2; ++height)
        history.add(block_after(history, height, 4));
    for (std::uint64_t height = 1; height <= 2; ++height) both.add(block_after(both, height, 4));
    History later;
    auto view = history.view();
    static_cast<void>(view.part(0));
    ASSERT_TRUE(later.add_part(view.part(1)).ok());  // begins with event 4
    for (std::uint64_t height = 3; height <= 4; ++height) {
        later.add(block_after(later, height, 4));
        both.add(block_after(both, height, 4));
    }
    History earlier({10, 100, 100});
    earlier.add(block_after(earlier, 1, 4));
    earlier.extend(later);
    EXPECT_EQ(later.blocks(), 0u);
    EXPECT_EQ(later.first_event(), 16u);
    EXPECT_EQ(earlier.event_count(), 16u);
    EXPECT_EQ(earlier.first_event(), 8u);  // ten events hold two blocks
    EXPECT_FALSE(earlier.receipt(transaction(1, 1)).value().has_value());
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(earlier.receipt(transaction(4, i)).value()->error,
                  both.receipt(transaction(4, i)).value()->error);
}

TEST(History, is_read_as_it_was_while_blocks_come_and_are_forgotten) {
    History history({10, 100, 100});
    for (std::uint64_t height = 1; height <= 5; ++height)
        history.add(block_after(history, height, 4));
    const auto before = encoded(history);
    auto view = history.view();
    Writer out;
    out.u(view.first_event()).u(view.blocks());
    std::uint64_t height = 6;
    do {
        for (int i = 0; i < 3; ++i, ++height) history.add(block_after(history, height, 4));
    } while (view.next(out.bytes().size() + 1, out));
    EXPECT_EQ(out.bytes(), before);
    EXPECT_EQ(history.blocks(), 2u);
}

}  // namespace
}  // namespace mutirao::ledger

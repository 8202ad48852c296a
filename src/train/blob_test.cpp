#include "train/blob.hpp"

#include <gtest/gtest.h>
#include <map>
#include <set>

namespace mutirao::train {
namespace {

Bytes some_bytes(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<std::uint8_t>((i * 2654435761u) >> 13);
    return out;
}

Bytes answer(const Bytes& blob, const BlobFetch::Ask& ask) {
    if (!ask.chunk) return encode_chunk_list(chunk_list(blob));
    return to_bytes(chunk_of(blob, *ask.chunk));
}

TEST(Blob, lists_round_trip_and_refuse_every_cut) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kChunkBytes, kChunkBytes + 1}) {
        const auto list = chunk_list(some_bytes(size));
        EXPECT_EQ(list.hashes.size(), (size + kChunkBytes - 1) / kChunkBytes);
        auto bytes = encode_chunk_list(list);
        EXPECT_EQ(decode_chunk_list(bytes).value(), list);
        for (std::size_t cut = 0; cut < bytes.size(); ++cut)
            EXPECT_EQ(decode_chunk_list(ByteSpan(bytes).first(cut)).error().kind,
                      ErrorKind::corrupt);
        bytes.push_back(0);
        EXPECT_FALSE(decode_chunk_list(bytes).ok());
    }
    auto huge = encode_chunk_list({kBlobBytesMax + 1, {}});
    EXPECT_FALSE(decode_chunk_list(huge).ok());
}

TEST(BlobFetch, asks_several_holders_at_once) {
    const auto blob = some_bytes(5 * kChunkBytes + 77);
    BlobFetch fetch(chunk_list(blob).id());
    for (std::uint32_t holder : {1u, 2u, 3u}) fetch.add_holder(holder);
    const auto list = fetch.next();
    ASSERT_TRUE(list && !list->chunk);
    EXPECT_FALSE(fetch.next());  // nothing else can be asked before
    ASSERT_TRUE(fetch.got(*list, answer(blob, *list)).ok());
    std::map<std::uint32_t, int> asked;
    std::vector<BlobFetch::Ask> under_way;
    while (auto ask = fetch.next()) {
        ++asked[ask->holder];
        under_way.push_back(*ask);
    }
    EXPECT_EQ(asked, (std::map<std::uint32_t, int>{{1, 2}, {2, 2}, {3, 2}}));
    for (const auto& ask : under_way) ASSERT_TRUE(fetch.got(ask, answer(blob, ask)).ok());
    ASSERT_TRUE(fetch.is_whole());
    EXPECT_EQ(fetch.take(), blob);
}

TEST(BlobFetch, replaces_holders_that_lie_or_fail_and_keeps_what_arrived) {
    const auto blob = some_bytes(4 * kChunkBytes);
    BlobFetch fetch(chunk_list(blob).id());
    fetch.add_holder(1);  // gives the list and one chunk, then nothing
    fetch.add_holder(2);  // garbles
    std::set<std::uint32_t> chunks_of_one;
    int garbled = 0;
    while (auto ask = fetch.next()) {
        auto bytes = answer(blob, *ask);
        if (ask->holder == 2) {
            bytes[0] ^= 1;
            EXPECT_EQ(fetch.got(*ask, bytes).error().kind, ErrorKind::corrupt);
            ++garbled;
        } else if (!ask->chunk || chunks_of_one.empty()) {
            ASSERT_TRUE(fetch.got(*ask, bytes).ok());
            if (ask->chunk) chunks_of_one.insert(*ask->chunk);
        } else {
            fetch.failed(*ask);
        }
    }
    EXPECT_EQ(garbled, 1);
    EXPECT_TRUE(fetch.is_stuck());
    EXPECT_FALSE(fetch.is_whole());
    fetch.add_holder(2);
    EXPECT_TRUE(fetch.is_stuck());  // a liar stays out
    fetch.add_holder(3);
    std::size_t asks = 0;
    while (auto ask = fetch.next()) {
        ++asks;
        EXPECT_EQ(ask->holder, 3u);
        EXPECT_FALSE(ask->chunk && chunks_of_one.contains(*ask->chunk));
        ASSERT_TRUE(fetch.got(*ask, answer(blob, *ask)).ok());
    }
    EXPECT_EQ(asks, 3u);
    ASSERT_TRUE(fetch.is_whole());
    EXPECT_EQ(fetch.take(), blob);
}

TEST(BlobFetch, asks_others_for_what_a_silent_holder_was_asked_for) {
    const auto blob = some_bytes(2 * kChunkBytes);
    BlobFetch fetch(chunk_list(blob).id());
    fetch.add_holder(1);
    ASSERT_TRUE(fetch.offer({}, encode_chunk_list(chunk_list(blob))).ok());
    const auto first = fetch.next(), second = fetch.next();
    ASSERT_TRUE(first && second);
    fetch.add_holder(2);
    EXPECT_FALSE(fetch.next());
    fetch.ask_again();
    for (int i = 0; i < 2; ++i) {
        const auto ask = fetch.next();
        ASSERT_TRUE(ask && ask->holder == 2);
        ASSERT_TRUE(fetch.got(*ask, answer(blob, *ask)).ok());
    }
    ASSERT_TRUE(fetch.is_whole());
    EXPECT_TRUE(fetch.got(*first, answer(blob, *first)).ok());  // late
    fetch.failed(*second);
    EXPECT_EQ(fetch.offer(7, {}).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(fetch.take(), blob);
}

TEST(BlobFetch, takes_an_empty_blob_and_refuses_another_list) {
    BlobFetch fetch(chunk_list({}).id());
    fetch.add_holder(1);
    const auto ask = fetch.next();
    EXPECT_FALSE(fetch.got(*ask, encode_chunk_list(chunk_list(some_bytes(5)))).ok());
    EXPECT_TRUE(fetch.is_stuck());
    fetch.add_holder(2);
    ASSERT_TRUE(fetch.got(*fetch.next(), encode_chunk_list(chunk_list({}))).ok());
    EXPECT_TRUE(fetch.is_whole());
}

}  // namespace
}  // namespace mutirao::train

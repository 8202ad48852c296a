// For tests: what crosses the wire of masked payloads.
#pragma once

#include "node/test_crew.hpp"
#include "train/codec_frame.hpp"
#include "train/fixed_point.hpp"

namespace mutirao::node {

// Of the words of masked payloads, those that could be a plain value.
struct PlainWords {
    std::mutex mutex;
    std::map<Digest, train::BlobFetch> blobs;
    std::size_t payloads = 0, words = 0, plain = 0;

    void watch(Calls& network) {
        network.tap = [this](std::string_view method, ByteSpan in, const Result<Bytes>& reply) {
            v1::ChunkRequest request;
            v1::ChunkReply answer;
            if (method == "/mutirao.v1.Train/Chunk" && reply.ok() &&
                wire::parse(in, request).ok() && wire::parse(*reply, answer).ok())
                note(request, as_bytes(answer.data()));
        };
    }
    void note(const v1::ChunkRequest& request, ByteSpan data) {
        const auto id = Digest::from_bytes(as_bytes(request.blob())).value();
        const std::lock_guard lock(mutex);
        auto& blob = blobs.try_emplace(id, id).first->second;
        if (blob.is_whole()) return;
        const auto chunk = request.list() ? std::nullopt : std::optional(request.chunk());
        if (!blob.offer(chunk, data).ok() || !blob.is_whole()) return;
        const auto payload = train::decode_payload(blob.take());
        if (!payload.ok()) return;  // a state, which all share
        ++payloads;
        EXPECT_EQ(payload->loss, 0);
        EXPECT_TRUE(payload->credits.empty());
        const auto count =
            (payload->delta.size() - train::kCodecHeaderSize) / sizeof(std::uint32_t);
        for (const auto word : train::fixed_words(payload->delta, count).value()) {
            ++words;
            plain += std::abs(static_cast<double>(static_cast<std::int32_t>(word))) <=
                     train::kFixedLargest;
        }
    }
    // Of random words 1 in 256 is as small as a value may be.
    void expect_random() const {
        ASSERT_GT(words, 100'000u);
        EXPECT_NEAR(static_cast<double>(plain) / static_cast<double>(words), 1.0 / 256, 0.001);
    }
};

}  // namespace mutirao::node

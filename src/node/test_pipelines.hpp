// For tests: whole pipelines side by side in one process, each trainer with its disk and one stage
// of the model.
#pragma once

#include "node/pipelined_job.hpp"
#include "node/test_crew.hpp"
#include "node/wire/fields.hpp"

namespace mutirao::node {

inline train::RunSettings staged_settings(std::uint32_t quorum, std::uint32_t stages = 2) {
    auto settings = train::preset("mutirao").value();
    settings.model = model::GptConfig{.layers = stages, .width = 16, .heads = 2, .context = 16};
    settings.batch = 4;
    settings.local_steps = 6;
    settings.rounds = 5;
    settings.warmup_steps = 0;
    settings.quorum = quorum;
    settings.stages = stages;
    settings.micro_batches = 2;
    return settings;
}

// With time to lose somebody amid a round, and to go on.
inline train::RunSettings long_settings(std::uint32_t quorum, std::uint32_t rounds,
                                        std::uint32_t stages = 2) {
    auto settings = staged_settings(quorum, stages);
    settings.rounds = rounds;
    settings.local_steps = 12;
    return settings;
}

class Pipelines : public TestRun<PipelinedJob> {
  public:
    Pipelines(std::uint32_t count, const train::RunSettings& settings,
              std::uint32_t checkpoint_every = 0, std::vector<Bytes> texts = {text()})
        : TestRun(count, settings, std::move(texts), checkpoint_every) {}

    void start(std::uint32_t i) {
        auto kept = store(i);
        auto work = kept->work().value();
        const auto open = [this, i](const train::RunId& group) {
            return RunStore::open(disk(i), group);
        };
        const auto backend = [] { return model::make_nano_backend(); };
        begin(i,
              PipelinedJob::make(plan(i), ports(i, backend), std::move(kept), std::move(work), open)
                  .value());
    }
    void start_all() {
        for (std::uint32_t i = 0; i < size(); ++i) start(i);
    }
    // These stop when that worker is at that round.
    struct Moment {
        std::uint32_t worker, round;
    };
    void start_all_and_lose(const std::vector<std::uint32_t>& lost, const Moment& when) {
        start_all();
        wait_for_round(when.worker, when.round);
        for (const auto i : lost) stop(i);
    }
    // Of worker i in the agreement of its stage.
    RunMember& member(std::uint32_t i) {
        return *job(i).member_of(train::stage_run(run_, i % settings_.stages));
    }
    // A message as whoever sends it signed it; and as worker i would.
    train::PipelineMessage pushed(const v1::PushRequest& request) const {
        const auto bytes = train::check_for_stages(as_bytes(request.message()), trainers_).value();
        return train::decode_pipeline_message(bytes).value();
    }
    v1::PushRequest push_of(std::uint32_t i, const train::PipelineMessage& message) const {
        v1::PushRequest out;
        out.set_run(wire::to_field(run_.span()));
        out.set_message(wire::to_field(
            train::sign_for_stages(train::encode_pipeline_message(message), keys_[i])));
        return out;
    }
    // What worker i said for a round that is still kept.
    train::Payload payload(std::uint32_t i, std::uint32_t round) {
        const auto name = member(i).said(i / settings_.stages, round).value();
        const auto part = [&](bool list, std::uint32_t chunk) {
            v1::ChunkRequest request;
            request.set_blob(wire::to_field(name.span()));
            request.set_list(list);
            request.set_chunk(chunk);
            return to_bytes(as_bytes(member(i).chunk(request).value().data()));
        };
        train::BlobFetch fetch(name);
        EXPECT_TRUE(fetch.offer({}, part(true, 0)).ok());
        for (std::uint32_t c = 0; c < fetch.list().hashes.size(); ++c)
            EXPECT_TRUE(fetch.offer(c, part(false, c)).ok());
        return train::decode_payload(fetch.take()).value();
    }
    // Of the newest, from these trainers of each stage.
    Bytes checkpoint(const std::vector<std::uint32_t>& of) {
        Bytes file;
        for (const auto i : of) {
            const auto piece = TestRun::checkpoint(i);
            file.insert(file.end(), piece.begin(), piece.end());
        }
        return file;
    }
};

}  // namespace mutirao::node

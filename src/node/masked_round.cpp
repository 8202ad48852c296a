#include "node/masked_round.hpp"

#include "train/fixed_point.hpp"

namespace mutirao::node {

Status check_masked(const train::Payload& payload, std::size_t values) {
    if (!payload.credits.empty() || payload.loss != 0 || payload.before != Digest{})
        return Error{ErrorKind::corrupt, "a masked payload tells its loss, credits or state"};
    TRY_VOID(train::fixed_words(payload.delta, values));
    return {};
}

Result<std::optional<Bytes>> masked_payload(RunMember& member, ByteSpan payload,
                                            std::size_t values) {
    TRY(auto plain, train::decode_payload(payload));
    TRY(auto words, train::fixed_words(plain.delta, values));
    TRY(const auto masked, member.mask(plain.round, std::move(words)));
    if (!masked) return std::optional<Bytes>();
    plain.delta = train::fixed_delta(*masked);
    plain.loss = 0;
    plain.before = {};
    return std::optional(train::encode_payload(plain));
}

Status apply_masked(train::TrainingRun& run, const train::SumSettings& settings,
                    const train::SumTranscript& transcript,
                    std::span<const train::Payload> payloads) {
    auto said = transcript;
    for (const auto& payload : payloads) {
        TRY(auto words, train::fixed_words(payload.delta, settings.values));
        said.values.push_back({{payload.run, payload.round, payload.worker}, std::move(words)});
    }
    TRY(const auto sum, train::unmasked_sum(settings, said));
    return run.apply_sum(payloads, sum);
}

}  // namespace mutirao::node

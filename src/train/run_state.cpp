#include "train/run_state.hpp"

#include "train/codec_frame.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint16_t kVersion = 1;
constexpr std::uint32_t kOnTheirWayMax = 2;  // in a worker's own; a peer's has one less

constexpr const char* kWhat = "state of a training run";

Error broken(const char* reason) {
    return {ErrorKind::corrupt, std::string(kWhat) + ": " + reason};
}

}  // namespace

Bytes encode_run_state(const RunState& state) {
    ENSURE(state.shared.size() == state.momentum.size());
    ENSURE(state.bases.size() == state.round - state.applied);
    Writer writer;
    writer.u(kVersion).raw(state.run.span()).u(state.round).u(state.applied);
    for (const auto& base : state.bases) writer.raw(base.span());
    writer.u(std::uint64_t{state.shared.size()});
    write_floats(writer, state.shared);
    write_floats(writer, state.momentum);
    return std::move(writer).take();
}

Result<RunState> decode_run_state(ByteSpan bytes) {
    Reader reader(bytes);
    TRY(const auto version, reader.u<std::uint16_t>());
    if (version != kVersion) return broken("its version is not 1");
    RunState state;
    TRY(state.run, reader.fixed<RunId>());
    TRY(state.round, reader.u<std::uint32_t>());
    TRY(state.applied, reader.u<std::uint32_t>());
    if (state.round > kRoundsMax) return broken("its round is beyond the limit");
    if (state.applied > state.round || state.round - state.applied > kOnTheirWayMax)
        return broken("its rounds do not follow one another");
    for (std::uint32_t round = state.applied; round < state.round; ++round) {
        TRY(const auto base, reader.fixed<Digest>());
        state.bases.push_back(base);
    }
    TRY(const auto count, reader.u<std::uint64_t>());
    if (count < 1 || count > kParametersMax || reader.remaining() != 2 * sizeof(float) * count)
        return broken("its size does not fit its parameters");
    TRY(state.shared, read_floats(reader, count, kWhat));
    TRY(state.momentum, read_floats(reader, count, kWhat));
    return state;
}

}  // namespace mutirao::train

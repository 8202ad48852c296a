#include "train/worker_state.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "train/blob.hpp"
#include "train/codec_frame.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint16_t kVersion = 2;
constexpr const char* kWhat = "state of a worker";

enum class Form : std::uint8_t { zeros = 0, shared = 1, written = 2 };

Error broken(const char* reason) {
    return {ErrorKind::corrupt, std::string(kWhat) + ": " + reason};
}

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

Form form_of(std::span<const float> list, std::span<const float> shared) {
    if (std::ranges::all_of(list, [](float value) { return bits_of(value) == 0; }))
        return Form::zeros;
    return std::ranges::equal(list, shared, {}, bits_of, bits_of) ? Form::shared : Form::written;
}

void write_list(Writer& writer, std::span<const float> list, std::span<const float> shared) {
    const auto form = form_of(list, shared);
    writer.u(static_cast<std::uint8_t>(form));
    if (form == Form::written) write_floats(writer, list);
}

Result<std::vector<float>> read_list(Reader& reader, std::uint64_t count,
                                     const std::vector<float>& shared) {
    TRY(const auto number, reader.u<std::uint8_t>());
    const auto form = static_cast<Form>(number);
    std::vector<float> list;
    if (form == Form::written) {
        TRY(list, read_floats(reader, count, kWhat));
    } else if (form == Form::shared) {
        list = shared;
    } else {
        list.resize(count);
    }
    if (form > Form::written || list.size() != count || form_of(list, shared) != form)
        return broken("a list is not in its form");
    return list;
}

Result<std::vector<float>> read_counted(Reader& reader, std::uint64_t most,
                                        const std::vector<float>& shared) {
    TRY(const auto count, reader.u<std::uint64_t>());
    if (count > most) return broken("a list is longer than its parameters");
    return read_list(reader, count, shared);
}

Result<Digest> read_head(Reader& reader) {
    TRY(const auto version, reader.u<std::uint16_t>());
    if (version != kVersion) return broken("its version is not 2");
    return reader.fixed<Digest>();
}

}  // namespace

model::OptimizerState fresh_inner(std::size_t parameters) {
    return {0, std::vector<float>(2 * parameters, 0)};
}

Bytes encode_worker_state(const WorkerState& state) {
    const auto& shared = state.shared.shared;
    Writer writer;
    writer.u(kVersion).raw(chunk_list(encode_run_state(state.shared)).id().span());
    for (const auto* list : {&state.start, &state.mark, &state.error}) {
        ENSURE(list->size() == shared.size());
        write_list(writer, *list, shared);
    }
    ENSURE(state.pending.size() == state.shared.bases.size());
    for (const auto& [delta, decoded] : state.pending)
        for (const auto* list : {&delta, &decoded}) {
            writer.u(std::uint64_t{list->size()});
            write_list(writer, *list, shared);
        }
    writer.u(state.inner.steps).u(std::uint64_t{state.inner.moments.size()});
    write_list(writer, state.inner.moments, shared);
    return std::move(writer).take();
}

Result<WorkerState> decode_worker_state(ByteSpan bytes, ByteSpan run_state) {
    Reader reader(bytes);
    TRY(const auto id, read_head(reader));
    if (id != chunk_list(run_state).id()) return broken("it goes with another state of the run");
    WorkerState state;
    TRY(state.shared, decode_run_state(run_state));
    const auto& shared = state.shared.shared;
    for (auto* list : {&state.start, &state.mark, &state.error}) {
        TRY(*list, read_list(reader, shared.size(), shared));
    }
    for (std::size_t i = 0; i < state.shared.bases.size(); ++i) {
        auto& pending = state.pending.emplace_back();
        TRY(pending.delta, read_counted(reader, shared.size(), shared));
        TRY(pending.decoded, read_counted(reader, shared.size(), shared));
    }
    TRY(state.inner.steps, reader.u<std::uint64_t>());
    TRY(state.inner.moments, read_counted(reader, 2 * shared.size(), shared));
    TRY_VOID(reader.finish());
    return state;
}

Result<Digest> run_state_of(ByteSpan worker_state) {
    Reader reader(worker_state);
    return read_head(reader);
}

Digest worker_state_digest(const WorkerState& state) {
    return chunk_list(encode_worker_state(state)).id();
}

}  // namespace mutirao::train

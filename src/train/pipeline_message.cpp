#include "train/pipeline_message.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "crypto/hash.hpp"
#include "train/sampler.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint16_t kVersion = 3;
constexpr std::uint16_t kSeatingVersion = 1;

Error broken(const char* reason) {
    return {ErrorKind::corrupt, std::string("message between pipeline stages: ") + reason};
}

void put(Writer& writer, double value) { writer.u(std::bit_cast<std::uint64_t>(value)); }

// Losses and sums of squares are +0 or more; -0 would be a second encoding of 0.
Result<double> get_amount(Reader& reader) {
    TRY(const auto bits, reader.u<std::uint64_t>());
    const auto value = std::bit_cast<double>(bits);
    if (!std::isfinite(value) || std::signbit(value))
        return broken("a loss or a sum of squares is none");
    return value;
}

Status check_kind(const PipelineMessage& message) {
    using enum PipelineKind;
    const auto kind = message.kind;
    const bool has_examples = kind == activations || kind == held_out || kind == probe;
    const bool is_gradient = kind == gradient || kind == probe_gradient;
    const bool is_of_a_pass = kind == probe || kind == probe_gradient || kind == product;
    if (!has_examples && !message.examples.empty())
        return broken("only activations come with examples");
    if ((has_examples || is_gradient) == message.tensor.empty())
        return broken("a tensor is missing, or one too many");
    if (!has_examples && !is_gradient && kind != length && kind != product &&
        message.micro_batch != 0)
        return broken("it is of no micro-batch");
    if (kind != gradient && kind != norm && kind != length && message.square_sum != 0)
        return broken("it has no gradient's length");
    if (kind != found && (message.held_out_loss != 0 || message.train_loss != 0))
        return broken("it has no losses");
    if ((kind == held_out || kind == found) == message.states.empty())
        return broken("states are missing, or some too many");
    if (is_of_a_pass != (message.rows > 0) || (!is_of_a_pass && message.pass != 0))
        return broken("it is of a pass, or should be");
    if (kind != product && std::bit_cast<std::uint64_t>(message.product) != 0)
        return broken("it has no product");
    if (kind != held_out && kind != found && !message.weights.empty())
        return broken("it has no weights");
    return {};
}

Digest hash_of(ByteSpan bytes) {
    return crypto::blake3_keyed(crypto::domain_key("training stages"), bytes);
}

}  // namespace

RunId stage_run(const RunId& run, std::uint32_t stage) {
    Writer writer;
    writer.raw(run.span()).u(stage);
    RunId out;
    out.bytes = crypto::blake3_keyed(crypto::domain_key("training stage"), writer.bytes()).bytes;
    return out;
}

Bytes encode_pipeline_message(const PipelineMessage& message) {
    Writer writer;
    writer.u(kVersion).raw(message.run.span()).u(message.replica).u(message.attempt);
    writer.u(message.step).u(static_cast<std::uint8_t>(message.kind)).u(message.micro_batch);
    put(writer, message.square_sum);
    writer.blob(message.examples).blob(message.tensor);
    put(writer, message.held_out_loss);
    put(writer, message.train_loss);
    writer.u(static_cast<std::uint32_t>(message.states.size()));
    for (const auto& state : message.states) writer.raw(state.span());
    writer.u(message.pass).u(message.rows);
    put(writer, message.product);
    writer.u(static_cast<std::uint32_t>(message.weights.size()));
    for (const auto weight : message.weights) writer.u(weight);
    return std::move(writer).take();
}

Result<PipelineMessage> decode_pipeline_message(ByteSpan bytes) {
    Reader reader(bytes);
    TRY(const auto version, reader.u<std::uint16_t>());
    if (version != kVersion) return broken("its version is not 3");
    PipelineMessage message;
    TRY(message.run, reader.fixed<RunId>());
    TRY(message.replica, reader.u<std::uint32_t>());
    TRY(message.attempt, reader.u<std::uint32_t>());
    TRY(message.step, reader.u<std::uint64_t>());
    TRY(const auto kind, reader.u<std::uint8_t>());
    TRY(message.micro_batch, reader.u<std::uint32_t>());
    TRY(message.square_sum, get_amount(reader));
    TRY(const auto examples, reader.blob(kPipelineTokensMax));
    TRY(const auto tensor, reader.blob(kPipelineTensorMax));
    TRY(message.held_out_loss, get_amount(reader));
    TRY(message.train_loss, get_amount(reader));
    TRY(const auto states, reader.u<std::uint32_t>());
    if (states > kStagesMax) return broken("it has states of too many stages");
    for (std::uint32_t i = 0; i < states; ++i) {
        TRY(const auto state, reader.fixed<Digest>());
        message.states.push_back(state);
    }
    TRY(message.pass, reader.u<std::uint32_t>());
    TRY(message.rows, reader.u<std::uint32_t>());
    TRY(const auto product, reader.u<std::uint64_t>());
    message.product = std::bit_cast<double>(product);
    if (!std::isfinite(message.product)) return broken("its product is no number");
    TRY(const auto weights, reader.u<std::uint32_t>());
    if (weights > kOwnersMax) return broken("it has weights of too many objects");
    for (std::uint32_t i = 0; i < weights; ++i) {
        TRY(const auto weight, reader.u<std::uint32_t>());
        message.weights.push_back(weight);
    }
    TRY_VOID(reader.finish());
    if (kind > static_cast<std::uint8_t>(PipelineKind::product)) return broken("it is of no kind");
    message.kind = static_cast<PipelineKind>(kind);
    if (message.replica >= kWorkersMax || message.micro_batch >= kMicroBatchesMax)
        return broken("its replica or micro-batch is beyond the limit");
    message.examples = to_bytes(examples);
    message.tensor = to_bytes(tensor);
    TRY_VOID(check_kind(message));
    return message;
}

Bytes encode_seating(const Seating& seating) {
    Writer writer;
    writer.u(kSeatingVersion).raw(seating.run.span()).u(seating.replica).u(seating.round);
    writer.u(seating.from.attempt).u(seating.from.step);
    put(writer, seating.from.last_square_sum);
    writer.u(static_cast<std::uint32_t>(seating.workers.size()));
    for (const auto worker : seating.workers) writer.u(worker);
    return std::move(writer).take();
}

Result<Seating> decode_seating(ByteSpan bytes) {
    Reader reader(bytes);
    TRY(const auto version, reader.u<std::uint16_t>());
    if (version != kSeatingVersion) return broken("a seating's version is not 1");
    Seating seating;
    TRY(seating.run, reader.fixed<RunId>());
    TRY(seating.replica, reader.u<std::uint32_t>());
    TRY(seating.round, reader.u<std::uint32_t>());
    TRY(seating.from.attempt, reader.u<std::uint32_t>());
    TRY(seating.from.step, reader.u<std::uint64_t>());
    TRY(seating.from.last_square_sum, get_amount(reader));
    TRY(const auto stages, reader.u<std::uint32_t>());
    if (stages < 1 || stages > kStagesMax) return broken("a seating of no stage, or too many");
    for (std::uint32_t i = 0; i < stages; ++i) {
        TRY(const auto worker, reader.u<std::uint32_t>());
        if (worker >= kWorkersMax) return broken("a seating names a worker beyond the limit");
        seating.workers.push_back(worker);
    }
    TRY_VOID(reader.finish());
    if (seating.replica >= kWorkersMax || seating.round >= kRoundsMax)
        return broken("a seating's replica or round is beyond the limit");
    return seating;
}

Bytes sign_for_stages(Bytes bytes, const crypto::AccountKey& key) {
    const auto signature = key.sign(hash_of(bytes)).to_bytes();
    bytes.insert(bytes.end(), signature.begin(), signature.end());
    return bytes;
}

Result<ByteSpan> check_for_stages(ByteSpan signed_bytes, std::span<const Address> workers) {
    constexpr auto kSize = crypto::AccountSignature::kSize;
    if (signed_bytes.size() < kSize) return broken("it has no signature");
    const auto bytes = signed_bytes.first(signed_bytes.size() - kSize);
    TRY(const auto signature, crypto::AccountSignature::from_bytes(signed_bytes.last(kSize)));
    TRY(const auto signer, crypto::recover(hash_of(bytes), signature));
    if (std::ranges::find(workers, signer) == workers.end())
        return Error{ErrorKind::permission_denied,
                     "a message between pipeline stages is not signed by a worker of its run"};
    return bytes;
}

}  // namespace mutirao::train

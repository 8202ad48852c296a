#include "train/agreement_message.hpp"

#include <string>

#include "crypto/hash.hpp"

namespace mutirao::train {

namespace {

constexpr std::uint16_t kVersion = 2;
constexpr std::uint8_t kKinds = 16;  // of each subject

Error broken(const char* reason) {
    return {ErrorKind::corrupt, std::string("message of a training run: ") + reason};
}

void put(Writer& writer, const RoundValue& value) {
    writer.raw(value.base.span()).u(static_cast<std::uint32_t>(value.members.size()));
    for (const auto& member : value.members) writer.u(member.worker).raw(member.payload.span());
}

Result<RoundValue> get_value(Reader& reader) {
    RoundValue value;
    TRY(value.base, reader.fixed<Digest>());
    TRY(const auto count, reader.u<std::uint32_t>());
    if (count < 1 || count > kWorkersMax) return broken("a number of members out of its limits");
    for (std::uint32_t i = 0; i < count; ++i) {
        Member member;
        TRY(member.worker, reader.u<std::uint32_t>());
        TRY(member.payload, reader.fixed<Digest>());
        if (member.worker >= kWorkersMax ||
            (!value.members.empty() && member.worker <= value.members.back().worker))
            return broken("its members are not in their order");
        value.members.push_back(member);
    }
    return value;
}

Result<std::uint32_t> get_view(Reader& reader, std::uint32_t max = kViewsMax - 1) {
    TRY(const auto view, reader.u<std::uint32_t>());
    if (view > max) return broken("its view is beyond the limit");
    return view;
}

struct Put {
    Writer& writer;
    void operator()(const Standing& body) { writer.raw(body.state.span()); }
    void operator()(const Ready& body) { writer.raw(body.base.span()).raw(body.payload.span()); }
    void operator()(const Proposal& body) {
        writer.u(body.view);
        put(writer, body.value);
    }
    void operator()(const Acceptance& body) { writer.u(body.view).raw(body.value.span()); }
    void operator()(const Promise& body) {
        writer.u(body.view).u(body.accepted_views);
        if (body.accepted_views != 0) put(writer, body.accepted);
    }
    void operator()(const Doubt& body) { writer.u(body.worker); }
    void operator()(const SumKeys& body) { writer.raw(encode(body)); }
    void operator()(const SumShares& body) { writer.raw(encode(body)); }
    void operator()(const SumReveal& body) { writer.raw(encode(body)); }
    void operator()(const SumOpened& body) { writer.raw(encode(body)); }
    void operator()(const Looked&) {}
};

// Only they take part in agreements.
bool may_have_a_subject(const Message& message) {
    return std::holds_alternative<Ready>(message.body) ||
           std::holds_alternative<Proposal>(message.body) ||
           std::holds_alternative<Acceptance>(message.body) ||
           std::holds_alternative<Promise>(message.body);
}

// Of a sum, by the worker who says it.
template <class Body>
Status get_sum(Reader& reader, Result<Body> (*decode)(ByteSpan), Message& message) {
    TRY(const auto bytes, reader.raw(reader.remaining()));
    TRY(auto body, decode(bytes));
    if (body.place != SumPlace{message.run, message.round, message.worker})
        return broken("what it says of a sum is of another place");
    message.body = std::move(body);
    return {};
}

Result<Promise> get_promise(Reader& reader) {
    Promise body;
    TRY(body.view, get_view(reader));
    TRY(body.accepted_views, get_view(reader, body.view));
    if (body.accepted_views != 0) {
        TRY(body.accepted, get_value(reader));
    }
    return body;
}

Status get_body(Reader& reader, std::uint8_t kind, Message& message) {
    if (kind == 0) {
        Standing body;
        TRY(body.state, reader.fixed<Digest>());
        message.body = body;
    } else if (kind == 1) {
        Ready body;
        TRY(body.base, reader.fixed<Digest>());
        TRY(body.payload, reader.fixed<Digest>());
        message.body = body;
    } else if (kind == 2) {
        Proposal body;
        TRY(body.view, get_view(reader));
        TRY(body.value, get_value(reader));
        message.body = std::move(body);
    } else if (kind == 3) {
        Acceptance body;
        TRY(body.view, get_view(reader));
        TRY(body.value, reader.fixed<Digest>());
        message.body = body;
    } else if (kind == 4) {
        TRY(auto body, get_promise(reader));
        message.body = std::move(body);
    } else if (kind == 5) {
        Doubt body;
        TRY(body.worker, reader.u<std::uint32_t>());
        if (body.worker >= kWorkersMax) return broken("the worker in doubt is beyond the limit");
        message.body = body;
    } else if (kind == 6) {
        return get_sum(reader, decode_sum_keys, message);
    } else if (kind == 7) {
        return get_sum(reader, decode_sum_shares, message);
    } else if (kind == 8) {
        return get_sum(reader, decode_sum_reveal, message);
    } else if (kind == 9) {
        return get_sum(reader, decode_sum_opened, message);
    } else if (kind == 10) {
        message.body = Looked{};
    } else {
        return broken("there is no such kind");
    }
    return {};
}

Digest hash_of(ByteSpan message) {
    return crypto::blake3_keyed(crypto::domain_key("training message"), message);
}

}  // namespace

Digest RoundValue::digest() const {
    Writer writer;
    put(writer, *this);
    return crypto::blake3_keyed(crypto::domain_key("training round"), writer.bytes());
}

Bytes encode_message(const Message& message) {
    Writer writer;
    writer.u(kVersion).raw(message.run.span()).u(message.round).u(message.worker);
    writer.u(static_cast<std::uint8_t>(message.body.index() +
                                       kKinds * static_cast<std::size_t>(message.subject)));
    std::visit(Put{writer}, message.body);
    return std::move(writer).take();
}

Result<Message> decode_message(ByteSpan bytes) {
    Reader reader(bytes);
    TRY(const auto version, reader.u<std::uint16_t>());
    if (version != kVersion) return broken("its version is not 2");
    Message message;
    TRY(message.run, reader.fixed<RunId>());
    TRY(message.round, reader.u<std::uint32_t>());
    TRY(message.worker, reader.u<std::uint32_t>());
    if (message.round > kRoundsMax) return broken("its round is beyond the limit");
    if (message.worker >= kWorkersMax) return broken("its worker is beyond the limit");
    TRY(const auto kind, reader.u<std::uint8_t>());
    if (kind / kKinds > static_cast<std::uint8_t>(Subject::sum_opened))
        return broken("it is about nothing that is agreed on");
    message.subject = static_cast<Subject>(kind / kKinds);
    TRY_VOID(get_body(reader, kind % kKinds, message));
    TRY_VOID(reader.finish());
    if (message.subject != Subject::payloads && !may_have_a_subject(message))
        return broken("its kind has no subject");
    return message;
}

Bytes sign_message(const Message& message, const crypto::AccountKey& key) {
    auto bytes = encode_message(message);
    const auto signature = key.sign(hash_of(bytes)).to_bytes();
    bytes.insert(bytes.end(), signature.begin(), signature.end());
    return bytes;
}

Result<Message> check_message(ByteSpan signed_bytes, const RunId& run,
                              std::span<const Address> trainers) {
    if (signed_bytes.size() < crypto::AccountSignature::kSize) return broken("it has no signature");
    const auto bytes = signed_bytes.first(signed_bytes.size() - crypto::AccountSignature::kSize);
    TRY(auto message, decode_message(bytes));
    if (message.run != run || message.worker >= trainers.size())
        return Error{ErrorKind::permission_denied,
                     "the message is of another run, or of a worker that this run does not have"};
    TRY(const auto signature,
        crypto::AccountSignature::from_bytes(signed_bytes.subspan(bytes.size())));
    TRY(const auto signer, crypto::recover(hash_of(bytes), signature));
    if (signer != trainers[message.worker])
        return Error{ErrorKind::permission_denied, "worker " + std::to_string(message.worker) +
                                                       " did not sign what is said in its name"};
    return message;
}

}  // namespace mutirao::train

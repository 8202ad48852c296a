// sentencepiece_model.proto, as far as a BPE model without normalisation needs it:
//   ModelProto     1 pieces*, 2 trainer_spec, 3 normalizer_spec
//   SentencePiece  1 piece, 2 score (float), 3 type
//   TrainerSpec    3 model_type (2 = BPE), 4 vocab_size, 35 byte_fallback, 40 to 43 unk, bos, eos
//                  and pad ids
//   NormalizerSpec 1 name, 2 precompiled_charsmap, 3 add_dummy_prefix, 4 remove_extra_whitespaces,
//                  5 escape_whitespaces
#include <bit>
#include <optional>

#include "model/tokenizer_pieces.hpp"

namespace mutirao::model {

namespace {

using Kind = Tokenizer::Piece::Kind;

constexpr std::size_t kPieceMax = 256;  // bytes of its text
constexpr std::uint64_t kBpe = 2;
enum WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

Error broken(const std::string& reason) {
    return {ErrorKind::corrupt, "not a tokenizer of ours: " + reason};
}

void put_varint(Writer& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out.u(static_cast<std::uint8_t>(value | 0x80));
    out.u(static_cast<std::uint8_t>(value));
}
void put_number(Writer& out, std::uint32_t field, std::int64_t value) {
    put_varint(out, field << 3 | kVarint);
    put_varint(out, static_cast<std::uint64_t>(value));
}
void put_bytes(Writer& out, std::uint32_t field, ByteSpan bytes) {
    put_varint(out, field << 3 | kBytes);
    put_varint(out, bytes.size());
    out.raw(bytes);
}

struct Field {
    std::uint64_t number = 0;
    std::uint64_t value = 0;  // of numbers, fixed ones too
    ByteSpan bytes = {};
};

Result<std::uint64_t> get_varint(Reader& reader) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        TRY(const auto byte, reader.u<std::uint8_t>());
        value |= std::uint64_t{byte & 0x7Fu} << shift;
        if (byte < 0x80) return value;
    }
    return broken("a number is too long");
}

Result<Field> get_field(Reader& reader) {
    TRY(const auto key, get_varint(reader));
    Field field{.number = key >> 3};
    switch (key & 7) {
        case kVarint: {
            TRY(field.value, get_varint(reader));
            return field;
        }
        case kFixed32: {
            TRY(field.value, reader.u<std::uint32_t>());
            return field;
        }
        case kFixed64: {
            TRY(field.value, reader.u<std::uint64_t>());
            return field;
        }
        case kBytes: {
            TRY(const auto size, get_varint(reader));
            if (size > reader.remaining()) return broken("a field is cut off");
            TRY(field.bytes, reader.raw(size));
            return field;
        }
        default: return broken("a field has an unknown type");
    }
}

Result<Tokenizer::Piece> decode_piece(ByteSpan bytes) {
    Tokenizer::Piece piece;
    for (Reader reader(bytes); reader.remaining() > 0;) {
        TRY(const auto field, get_field(reader));
        if (field.number == 1) piece.text = std::string(as_text(field.bytes));
        if (field.number == 2)
            piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
        if (field.number == 3) {
            const auto kind = static_cast<Kind>(field.value);
            const bool known = kind == Kind::normal || kind == Kind::unknown ||
                               kind == Kind::control || kind == Kind::byte;
            if (field.value > 6 || !known)
                return broken("it has pieces of kind " + std::to_string(field.value));
            piece.kind = kind;
        }
    }
    if (piece.text.empty() || piece.text.size() > kPieceMax)
        return broken("a piece has " + std::to_string(piece.text.size()) + " bytes");
    if (!(piece.score <= 0 && piece.score >= -1e9f)) return broken("a piece's score is above 0");
    return piece;
}

// Everything that would make SentencePiece give other tokens than ours is refused.
Status check_spec(ByteSpan spec, bool of_trainer) {
    for (Reader reader(spec); reader.remaining() > 0;) {
        TRY(const auto field, get_field(reader));
        if (of_trainer && field.number == 3 && field.value != kBpe)
            return broken("its model is not of type BPE");
        if (of_trainer && field.number == 24 && field.value != 0)
            return broken("its spaces end pieces");
        if (of_trainer) continue;
        if (field.number == 2 && !field.bytes.empty()) return broken("it normalises text");
        if ((field.number == 3 || field.number == 4) && field.value != 0)
            return broken("it adds or removes spaces");
        if (field.number == 5 && field.value == 0) return broken("it does not escape spaces");
    }
    return {};
}

}  // namespace

Bytes encode_pieces(std::span<const Tokenizer::Piece> pieces) {
    Writer out;
    for (const auto& piece : pieces) {
        Writer one;
        put_bytes(one, 1, as_bytes(piece.text));
        put_varint(one, 2 << 3 | kFixed32);
        one.u(std::bit_cast<std::uint32_t>(piece.score));
        if (piece.kind != Kind::normal) put_number(one, 3, static_cast<int>(piece.kind));
        put_bytes(out, 1, one.bytes());
    }
    Writer trainer;
    put_number(trainer, 3, kBpe);
    put_number(trainer, 4, static_cast<std::int64_t>(pieces.size()));
    put_number(trainer, 35, 1);
    put_number(trainer, 40, 0);
    for (const std::uint32_t absent : {41u, 42u, 43u}) put_number(trainer, absent, -1);
    put_bytes(out, 2, trainer.bytes());
    Writer normalizer;
    put_bytes(normalizer, 1, as_bytes("identity"));
    put_number(normalizer, 3, 0);
    put_number(normalizer, 4, 0);
    put_number(normalizer, 5, 1);
    put_bytes(out, 3, normalizer.bytes());
    return std::move(out).take();
}

Result<std::vector<Tokenizer::Piece>> decode_pieces(ByteSpan file) {
    if (file.size() > kTokenizerFileMax) return broken("it is larger than 16 MiB");
    std::vector<Tokenizer::Piece> pieces;
    // Both default to what is refused: unigrams, and a space before the text.
    bool trainer = false, normalizer = false;
    for (Reader reader(file); reader.remaining() > 0;) {
        TRY(const auto field, get_field(reader));
        if (field.number == 1) {
            if (pieces.size() == kVocabularyMax) return broken("it has too many pieces");
            TRY(auto piece, decode_piece(field.bytes));
            pieces.push_back(std::move(piece));
        }
        if (field.number == 2 || field.number == 3) {
            TRY_VOID(check_spec(field.bytes, field.number == 2));
            (field.number == 2 ? trainer : normalizer) = true;
        }
    }
    if (!trainer || !normalizer) return broken("it does not say how it was made");
    return pieces;
}

}  // namespace mutirao::model

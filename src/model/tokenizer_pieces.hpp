// A tokenizer's parts: its file's bytes and how pieces are learnt. Internal to the tokenizer.
#pragma once

#include "model/tokenizer.hpp"

namespace mutirao::model {

inline constexpr std::string_view kSpacePiece = "\xE2\x96\x81";  // U+2581

// The file of these pieces (sentencepiece_model.proto), and back.
Bytes encode_pieces(std::span<const Tokenizer::Piece> pieces);
Result<std::vector<Tokenizer::Piece>> decode_pieces(ByteSpan file);

// The pieces of Tokenizer::train().
Result<std::vector<Tokenizer::Piece>> learn_pieces(std::span<const ByteSpan> texts,
                                                   std::uint32_t vocabulary);

}  // namespace mutirao::model

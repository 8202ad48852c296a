// Text as pieces of a vocabulary: byte-pair encoding (Sennrich et al. 2016) in the form and the
// file format of SentencePiece (Kudo, Richardson 2018, https://github.com/google/sentencepiece),
// whose library reads the files and gives the same tokens. It is not used itself: Debian's build
// exports its own copy of protobuf, which takes the place of gRPC's in one process (decision 26).
//
// A tokenizer is its file, which travels inside the checkpoint of the model that was trained with
// it. No text is normalised, and what the vocabulary lacks falls back to bytes, so that encode()
// loses nothing of any text, but for U+2581, SentencePiece's own sign for a space.
//
// Immutable; any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/config.hpp"

namespace mutirao::model {

inline constexpr std::size_t kTokenizerFileMax = 16 << 20;
// Smallest vocabulary: an unknown piece, 256 bytes, and some characters.
inline constexpr std::uint32_t kTokenizerVocabularyMin = 300;

class Tokenizer {
  public:
    struct Piece {
        enum class Kind : std::uint8_t { normal = 1, unknown = 2, control = 3, byte = 6 };
        std::string text;  // as SentencePiece writes it: U+2581 for a space, <0x0A> for a byte
        float score = 0;   // of two possible merges the one with the higher score comes first
        Kind kind = Kind::normal;

        bool operator==(const Piece&) const = default;
    };

    // Learns `vocabulary` pieces from the texts: the 256 bytes, the commonest characters, and the
    // commonest merges within words. Same texts, same file, on every machine. invalid_argument when
    // the texts hold too little for so many. Cost: about 2 s for 10 MB and 4,096 pieces.
    static Result<Tokenizer> train(std::span<const ByteSpan> texts, std::uint32_t vocabulary);
    // corrupt unless it is a SentencePiece model of type BPE with byte fallback, without
    // normalisation, and with at most kVocabularyMax pieces.
    static Result<Tokenizer> from_file(ByteSpan file);

    const Bytes& file() const { return file_; }
    std::uint32_t vocabulary() const { return static_cast<std::uint32_t>(pieces_.size()); }

    // Cost: O(n log n) in the longest word; in the longest line when a piece has a space within.
    std::vector<Token> encode(ByteSpan text) const;
    // The first `count` of them, or all when they are fewer. What lies behind is not looked at.
    std::vector<Token> first_tokens(ByteSpan text, std::size_t count) const;
    // No token stands for more bytes of a text.
    std::size_t longest() const { return longest_; }
    // What a token stands for; nothing for the unknown and control pieces. `token` is below
    // vocabulary().
    const Bytes& bytes_of(Token token) const { return bytes_[token]; }
    // For exports.
    const std::vector<Piece>& pieces() const { return pieces_; }

  private:
    // Of pieces that are unique, with all 256 bytes.
    static Result<Tokenizer> from_pieces(std::vector<Piece> pieces);
    void encode_part(std::string_view part, std::vector<Token>& out) const;

    Bytes file_;
    std::vector<Piece> pieces_;
    std::vector<Bytes> bytes_;
    std::array<Token, 256> byte_tokens_{};
    std::map<std::string, Token, std::less<>> ids_;  // of normal pieces
    std::size_t longest_ = 0;
    bool words_apart_ = true;  // no piece has a space but at its begin
};

// The tokens of a text as the bytes of examples (GptConfig::example).
Bytes token_bytes(const GptConfig& config, std::span<const Token> tokens);

// Length of the UTF-8 sequence at the start of `bytes` (RFC 3629): 0 when it is no UTF-8, and more
// than bytes.size() when it is cut off there. `bytes` is not empty.
std::size_t utf8_length(ByteSpan bytes);

}  // namespace mutirao::model

#include "model/tokenizer.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <queue>

#include "model/tokenizer_pieces.hpp"

namespace mutirao::model {

namespace {

using Kind = Tokenizer::Piece::Kind;

Error broken(const std::string& reason) {
    return {ErrorKind::corrupt, "not a tokenizer of ours: " + reason};
}

// "<0x0A>"
Result<std::uint8_t> byte_of(const std::string& text) {
    unsigned byte = 0;
    const auto* const begin = text.data() + 3;
    if (text.size() == 6 && text.starts_with("<0x") && text.back() == '>' &&
        std::from_chars(begin, begin + 2, byte, 16).ptr == begin + 2)
        return static_cast<std::uint8_t>(byte);
    return broken("\"" + text + "\" is no byte");
}

Bytes bytes_of_text(std::string_view piece) {
    std::string text;
    while (!piece.empty()) {
        const bool space = piece.starts_with(kSpacePiece);
        text += space ? ' ' : piece.front();
        piece.remove_prefix(space ? kSpacePiece.size() : 1);
    }
    return to_bytes(as_bytes(text));
}

// A stretch of the line that is one piece, or one character that may be none, in a list.
struct Symbol {
    std::size_t begin = 0, size = 0;  // size 0: merged into the one before
    std::size_t before = 0, after = 0;
};

struct Merge {
    float score;
    std::size_t left, right;
    std::size_t size;  // of both; a stale entry has another
    // The highest score first, then the leftmost.
    bool operator<(const Merge& other) const {
        return score != other.score ? score < other.score : left > other.left;
    }
};

}  // namespace

std::size_t utf8_length(ByteSpan bytes) {
    const std::uint8_t first = bytes[0];
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    for (std::size_t i = 1; i < std::min(length, bytes.size()); ++i) {
        std::uint8_t low = 0x80, high = 0xBF;
        if (i == 1 && first == 0xE0) low = 0xA0;   // no overlong forms
        if (i == 1 && first == 0xED) high = 0x9F;  // no surrogates
        if (i == 1 && first == 0xF0) low = 0x90;
        if (i == 1 && first == 0xF4) high = 0x8F;  // nothing above U+10FFFF
        if (bytes[i] < low || bytes[i] > high) return 0;
    }
    return length;
}

Result<Tokenizer> Tokenizer::train(std::span<const ByteSpan> texts, std::uint32_t vocabulary) {
    TRY(auto pieces, learn_pieces(texts, vocabulary));
    auto file = encode_pieces(pieces);
    TRY(auto out, from_pieces(std::move(pieces)));
    out.file_ = std::move(file);
    return out;
}

Result<Tokenizer> Tokenizer::from_file(ByteSpan file) {
    TRY(auto pieces, decode_pieces(file));
    TRY(auto out, from_pieces(std::move(pieces)));
    out.file_ = to_bytes(file);
    return out;
}

Result<Tokenizer> Tokenizer::from_pieces(std::vector<Piece> pieces) {
    Tokenizer out;
    out.longest_ = kSpacePiece.size();  // the sign itself may become one space
    std::array<bool, 256> seen{};
    for (const auto& piece : pieces) {
        const auto token = static_cast<Token>(out.bytes_.size());
        Bytes bytes;
        if (piece.kind == Kind::byte) {
            TRY(const auto byte, byte_of(piece.text));
            bytes = {byte};
            seen[byte] = true;
            out.byte_tokens_[byte] = token;
        } else if (piece.kind == Kind::normal) {
            bytes = bytes_of_text(piece.text);
            out.longest_ = std::max(out.longest_, piece.text.size());
            if (piece.text.find(kSpacePiece, 1) != std::string::npos) out.words_apart_ = false;
            if (!out.ids_.emplace(piece.text, token).second)
                return broken("it has the piece \"" + piece.text + "\" twice");
        }
        out.bytes_.push_back(std::move(bytes));
    }
    if (std::ranges::find(seen, false) != seen.end()) return broken("it has no byte fallback");
    out.pieces_ = std::move(pieces);
    return out;
}

std::vector<Token> Tokenizer::encode(ByteSpan text) const {
    return first_tokens(text, std::numeric_limits<std::size_t>::max());
}

// Line by line, as no piece that we learn holds a line feed; and word by word, a space and what
// follows it, where no piece goes from one to the next.
std::vector<Token> Tokenizer::first_tokens(ByteSpan text, std::size_t count) const {
    std::vector<Token> tokens;
    for (std::string_view left = as_text(text); !left.empty() && tokens.size() < count;) {
        if (left.front() == '\n') {
            tokens.push_back(byte_tokens_['\n']);
            left.remove_prefix(1);
            continue;
        }
        const auto end = std::min(left.find_first_of(words_apart_ ? "\n " : "\n", 1), left.size());
        encode_part(left.substr(0, end), tokens);
        left.remove_prefix(end);
    }
    if (tokens.size() > count) tokens.resize(count);
    return tokens;
}

void Tokenizer::encode_part(std::string_view part, std::vector<Token>& out) const {
    std::string escaped;
    for (const char c : part) c == ' ' ? escaped.append(kSpacePiece) : escaped += c;
    const std::string_view text = escaped;
    std::vector<Symbol> symbols;
    for (std::size_t at = 0; at < text.size();) {
        const auto length = utf8_length(as_bytes(text.substr(at)));
        const auto size = length == 0 || length > text.size() - at ? 1 : length;
        symbols.push_back({at, size, symbols.size() - 1, symbols.size() + 1});
        at += size;
    }
    std::priority_queue<Merge> merges;
    const auto consider = [&](std::size_t left, std::size_t right) {
        if (left >= symbols.size() || right >= symbols.size()) return;
        const auto size = symbols[left].size + symbols[right].size;
        if (const auto at = ids_.find(text.substr(symbols[left].begin, size)); at != ids_.end())
            merges.push({pieces_[at->second].score, left, right, size});
    };
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) consider(i, i + 1);
    while (!merges.empty()) {
        const auto [score, left, right, size] = merges.top();
        merges.pop();
        auto &a = symbols[left], &b = symbols[right];
        if (a.size == 0 || b.size == 0 || a.size + b.size != size) continue;
        a.size = size;
        b.size = 0;
        a.after = b.after;
        if (a.after < symbols.size()) symbols[a.after].before = left;
        consider(a.before, left);
        consider(left, a.after);
    }
    for (std::size_t i = 0; i < symbols.size(); i = symbols[i].after) {
        const auto piece = text.substr(symbols[i].begin, symbols[i].size);
        const auto at = ids_.find(piece);
        if (at != ids_.end())
            out.push_back(at->second);
        else
            for (const auto byte : bytes_of_text(piece)) out.push_back(byte_tokens_[byte]);
    }
}

Bytes token_bytes(const GptConfig& config, std::span<const Token> tokens) {
    const std::size_t size = config.example().item_size;
    Bytes out;
    out.reserve(tokens.size() * size);
    for (const Token token : tokens)
        for (std::size_t i = 0; i < size; ++i)
            out.push_back(static_cast<std::uint8_t>(token >> (8 * i)));
    return out;
}

}  // namespace mutirao::model

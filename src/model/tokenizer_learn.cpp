// Byte-pair encoding: begin with characters, and join the commonest pair of neighbours again and
// again. Pairs are counted in distinct words, each as often as it occurs, and the counts follow
// each merge, so that a merge costs as much as the words that hold its pair.
#include <algorithm>
#include <queue>
#include <set>
#include <tuple>
#include <unordered_map>

#include "model/tokenizer_pieces.hpp"

namespace mutirao::model {

namespace {

using Piece = Tokenizer::Piece;

constexpr std::size_t kPieceCharactersMax = 16;  // as SentencePiece's default
// Characters beyond this share of the text are written in bytes.
constexpr double kCharacterCoverage = 0.9995;

using Counts = std::map<std::string, std::uint64_t, std::less<>>;

struct Word {
    std::vector<std::uint32_t> symbols;
    std::uint64_t count = 0;
};

using Pair = std::pair<std::uint32_t, std::uint32_t>;
struct PairHash {
    std::size_t operator()(const Pair& pair) const {
        return (std::uint64_t{pair.first} << 32 | pair.second) * 0x9E3779B97F4A7C15ull;
    }
};

// Words as SentencePiece splits them: a space begins the word after it; lines are apart.
Counts count_words(std::span<const ByteSpan> texts) {
    std::unordered_map<std::string, std::uint64_t> counts;
    std::string word;
    const auto finish = [&] {
        if (!word.empty()) ++counts[word];
        word.clear();
    };
    for (const auto text : texts) {
        for (const char c : as_text(text)) {
            if (c == '\n' || c == ' ') finish();
            if (c == '\n') continue;
            if (c == ' ')
                word = kSpacePiece;
            else
                word += c;
        }
        finish();
    }
    return {counts.begin(), counts.end()};
}

std::vector<std::string> characters_of(std::string_view word) {
    std::vector<std::string> out;
    while (!word.empty()) {
        // What is no UTF-8 stays a byte, which no character of the vocabulary equals.
        const auto length = utf8_length(as_bytes(word));
        const auto taken = length == 0 || length > word.size() ? 1 : length;
        out.emplace_back(word.substr(0, taken));
        word.remove_prefix(taken);
    }
    return out;
}

// Neither a control sign nor bytes that are no UTF-8.
bool is_character(std::string_view text) {
    const auto first = static_cast<std::uint8_t>(text[0]);
    return first >= 0x20 && first != 0x7F && utf8_length(as_bytes(text)) == text.size();
}

// The commonest characters first, so many that they cover the text.
std::vector<std::string> common_characters(const Counts& words) {
    Counts counts;
    std::uint64_t total = 0;
    for (const auto& [word, count] : words)
        for (auto& character : characters_of(word))
            if (is_character(character)) counts[std::move(character)] += count, total += count;
    std::vector<std::pair<std::uint64_t, std::string>> ranked;
    for (const auto& [character, count] : counts) ranked.emplace_back(count, character);
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<std::string> out;
    double covered = 0;
    for (auto& [count, character] : ranked) {
        if (covered >= kCharacterCoverage * static_cast<double>(total)) break;
        covered += static_cast<double>(count);
        out.push_back(std::move(character));
    }
    return out;
}

class Merger {
  public:
    Merger(const Counts& words, std::vector<std::string> characters)
        : texts_(std::move(characters)), lengths_(texts_.size(), 1) {
        std::unordered_map<std::string_view, std::uint32_t> ids;
        for (std::uint32_t i = 0; i < texts_.size(); ++i) ids.emplace(texts_[i], i);
        for (const auto& [text, count] : words) {
            // A character that is not in the vocabulary cuts the word.
            Word word{{}, count};
            for (const auto& character : characters_of(text)) {
                const auto at = ids.find(character);
                if (at != ids.end())
                    word.symbols.push_back(at->second);
                else if (!word.symbols.empty())
                    words_.push_back(std::exchange(word, {{}, count}));
            }
            if (!word.symbols.empty()) words_.push_back(std::move(word));
        }
        for (std::uint32_t i = 0; i < words_.size(); ++i) count_pairs(i, 1);
        for (const auto& [pair, at] : pairs_) push(pair, at.count);
    }

    // The text of the next merge; empty when no pair is left that occurs twice.
    std::string next() {
        while (!queue_.empty()) {
            const auto [count, unused, pair] = queue_.top();
            queue_.pop();
            const auto at = pairs_.find(pair);
            if (at == pairs_.end() || at->second.count != count || count < 2) continue;
            const auto text = texts_[pair.first] + texts_[pair.second];
            if (!known_.insert(text).second) {
                at->second.count = 0;  // the same text by another way
                continue;
            }
            merge(pair, text);
            return text;
        }
        return {};
    }

  private:
    struct Occurrences {
        std::uint64_t count = 0;
        std::set<std::uint32_t> words;
    };
    // Highest count first, then the first text, so that the order depends on nothing else.
    using Entry = std::tuple<std::uint64_t, std::string, Pair>;
    struct Later {
        bool operator()(const Entry& a, const Entry& b) const {
            if (std::get<0>(a) != std::get<0>(b)) return std::get<0>(a) < std::get<0>(b);
            if (std::get<1>(a) != std::get<1>(b)) return std::get<1>(a) > std::get<1>(b);
            return std::get<2>(a) > std::get<2>(b);
        }
    };

    void push(const Pair& pair, std::uint64_t count) {
        if (count >= 2 && lengths_[pair.first] + lengths_[pair.second] <= kPieceCharactersMax)
            queue_.emplace(count, texts_[pair.first] + texts_[pair.second], pair);
    }

    void count_pairs(std::uint32_t index, int sign) {
        const auto& word = words_[index];
        for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i) {
            const Pair pair{word.symbols[i], word.symbols[i + 1]};
            auto& at = pairs_[pair];
            at.count += sign > 0 ? word.count : -word.count;
            at.words.insert(index);
            changed_.insert(pair);
        }
    }

    void merge(const Pair& pair, const std::string& text) {
        const auto merged = static_cast<std::uint32_t>(texts_.size());
        texts_.push_back(text);
        lengths_.push_back(lengths_[pair.first] + lengths_[pair.second]);
        const auto holders = std::move(pairs_[pair].words);
        changed_.clear();
        for (const auto index : holders) {
            count_pairs(index, -1);
            std::vector<std::uint32_t> joined;
            const auto& symbols = words_[index].symbols;
            for (std::size_t i = 0; i < symbols.size(); ++i) {
                const bool here = i + 1 < symbols.size() && symbols[i] == pair.first &&
                                  symbols[i + 1] == pair.second;
                joined.push_back(here ? merged : symbols[i]);
                i += here;
            }
            words_[index].symbols = std::move(joined);
            count_pairs(index, 1);
        }
        pairs_.erase(pair);
        for (const auto& each : changed_)
            if (const auto at = pairs_.find(each); at != pairs_.end()) push(each, at->second.count);
    }

    std::vector<std::string> texts_;  // of symbols
    std::vector<std::size_t> lengths_;
    std::vector<Word> words_;
    std::unordered_map<Pair, Occurrences, PairHash> pairs_;
    std::set<Pair> changed_;
    std::priority_queue<Entry, std::vector<Entry>, Later> queue_;
    std::set<std::string> known_;
};

}  // namespace

Result<std::vector<Piece>> learn_pieces(std::span<const ByteSpan> texts, std::uint32_t vocabulary) {
    if (vocabulary < kTokenizerVocabularyMin || vocabulary > kVocabularyMax)
        return Error{ErrorKind::invalid_argument, "a vocabulary of " + std::to_string(vocabulary) +
                                                      " pieces, not " +
                                                      std::to_string(kTokenizerVocabularyMin) +
                                                      " to " + std::to_string(kVocabularyMax)};
    const auto words = count_words(texts);
    const auto characters = common_characters(words);
    std::vector<Piece> pieces{{"<unk>", 0, Piece::Kind::unknown}};
    for (unsigned byte = 0; byte < 256; ++byte) {
        static constexpr char kHex[] = "0123456789ABCDEF";
        pieces.push_back(
            {std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">", 0, Piece::Kind::byte});
    }
    const auto too_little = [&](std::size_t found) {
        return Error{ErrorKind::invalid_argument,
                     "the texts hold " + std::to_string(found) + " pieces; the vocabulary is " +
                         std::to_string(vocabulary) + ": choose a smaller one, or more text"};
    };
    const std::size_t last = vocabulary - std::min<std::size_t>(vocabulary, characters.size());
    if (last < pieces.size())
        return Error{ErrorKind::invalid_argument,
                     "the texts hold " + std::to_string(characters.size()) +
                         " characters; a vocabulary for them has at least " +
                         std::to_string(characters.size() + pieces.size()) + " pieces"};
    Merger merger(words, characters);
    float score = 0;
    while (pieces.size() < last) {
        auto text = merger.next();
        if (text.empty()) return too_little(pieces.size() + characters.size());
        pieces.push_back({std::move(text), score--, Piece::Kind::normal});
    }
    for (const auto& character : characters)
        pieces.push_back({character, score--, Piece::Kind::normal});
    return pieces;
}

}  // namespace mutirao::model

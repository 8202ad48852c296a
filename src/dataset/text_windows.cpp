#include "dataset/text_windows.hpp"

#include <algorithm>

namespace mutirao::dataset {

namespace {

constexpr std::size_t kWordMax = 64;      // bytes in which a word's begin is looked for
constexpr std::size_t kCharacterMax = 4;  // of UTF-8
static_assert(kWordMax + (model::kContextMax + 1) * (16 * kCharacterMax) <= kTextWindowMax);

ByteSpan from_a_word(ByteSpan window) {
    const auto text = as_text(window.first(std::min(kWordMax, window.size())));
    auto begin = text.find_first_of("\n ");
    if (begin == std::string_view::npos) {  // not more bytes than a character has after its first
        begin = 0;
        while (begin + 1 < kCharacterMax && begin < text.size() && (window[begin] & 0xC0) == 0x80)
            ++begin;
    } else if (text[begin] == '\n') {
        ++begin;
    }
    return begin < window.size() ? window.subspan(begin) : window;
}

}  // namespace

std::uint32_t text_window(const model::GptConfig& config, const model::Tokenizer& tokenizer) {
    const auto tokens = (config.context + std::uint64_t{1}) * tokenizer.longest();
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(kWordMax + tokens, kTextWindowMax));
}

void make_text_example(const model::GptConfig& config, const model::Tokenizer& tokenizer,
                       ByteSpan window, MutableByteSpan example) {
    const std::size_t wanted = config.context + 1;
    auto tokens = tokenizer.first_tokens(from_a_word(window), wanted);
    for (std::size_t i = 0; tokens.size() < wanted; ++i) tokens.push_back(tokens[i]);
    std::ranges::copy(model::token_bytes(config, tokens), example.begin());
}

}  // namespace mutirao::dataset

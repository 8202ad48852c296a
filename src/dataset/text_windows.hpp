// Examples of texts that are too large to be encoded as a whole: each is made of a window of a
// text's bytes when it is read.
//
// Pure; any thread.
#pragma once

#include "model/tokenizer.hpp"

namespace mutirao::dataset {

inline constexpr std::uint32_t kTextWindowMax = 1 << 20;

// Bytes of text that surely hold an example: a beginning that is left out, and context + 1 of the
// longest pieces. At most kTextWindowMax, which pieces that we learn (16 characters) do not reach.
std::uint32_t text_window(const model::GptConfig& config, const model::Tokenizer& tokenizer);

// Fills `example` with the first context + 1 tokens of `window`, from the begin of a word on or,
// where none is near, of a character. A window that holds fewer is repeated; it is not empty.
// Cost: that of encoding as many bytes as these tokens stand for.
void make_text_example(const model::GptConfig& config, const model::Tokenizer& tokenizer,
                       ByteSpan window, MutableByteSpan example);

}  // namespace mutirao::dataset

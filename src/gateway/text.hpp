// Making foreign text safe to write: into JSON, which must be UTF-8, and into HTML. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mutirao::gateway {

// `text` with every maximal ill-formed part replaced by one U+FFFD (Unicode 15, section 3.9,
// "U+FFFD substitution of maximal subparts"). Well-formed text comes back unchanged.
std::string valid_utf8(std::string_view text);

// Well-formed text cut between code points into pieces of at most `size_max` bytes (at least 4).
std::vector<std::string_view> utf8_pieces(std::string_view text, std::size_t size_max);

// valid_utf8 with & < > " ' as character references and control characters that HTML forbids as
// U+FFFD: safe as an element's text and inside a quoted attribute.
std::string html_text(std::string_view text);

}  // namespace mutirao::gateway

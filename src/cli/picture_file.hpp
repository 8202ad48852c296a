// Pictures that a person asked for, as files: SVG as it is, PNG drawn by librsvg's rsvg-convert, a
// program of its own.
#pragma once

#include <string>

#include "base/result.hpp"

namespace mutirao::cli {

// Whether write_picture() could draw for this name: not_found, saying what to install, for *.png
// where rsvg-convert is not.
Status can_draw(const std::string& path);

// Replaces the file in one step. `svg` is the whole picture; a name that ends in ".png" gets
// pixels, and takes some 50 ms. io when it cannot be written or drawn. Call it from the thread that
// waits.
Status write_picture(const std::string& path, const std::string& svg);

}  // namespace mutirao::cli

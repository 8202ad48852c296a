// Files that a person names on the command line, wherever they are.
#pragma once

#include <memory>
#include <string>

#include "os/disk.hpp"

namespace mutirao::cli {

// A file beside others; its folder is made when missing.
struct Place {
    std::unique_ptr<os::PosixDisk> folder;
    std::string name;
};
// Both are invalid_argument for an empty path, and without a current folder that paths start from.
Result<std::string> whole_path(const std::string& path);
Result<Place> place_of(const std::string& path);

// not_found, and no folder made, where there is none.
Result<Bytes> read_local(const std::string& path, std::size_t size_max);
// All or nothing, in the place of a file that is there; what is no ordinary file (a folder, a
// device, a pipe) is not replaced: invalid_argument.
Status write_local(const std::string& path, ByteSpan bytes);

}  // namespace mutirao::cli

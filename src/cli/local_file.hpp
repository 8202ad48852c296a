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
Result<Place> place_of(const std::string& path);

Result<Bytes> read_local(const std::string& path, std::size_t size_max);
Status write_local(const std::string& path, ByteSpan bytes);

}  // namespace mutirao::cli

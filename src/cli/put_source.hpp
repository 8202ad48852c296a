// Where the bytes of an object that is put come from: a file or standard input.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/commands.hpp"

namespace mutirao::cli {

inline constexpr std::size_t kUploadPart = 8 << 20;  // bytes of one upload call

struct Source {
    std::string label;  // for people
    std::string name;
    std::uint64_t size_hint = 0;
    ReadPart read;
    // Goes to a byte; none when it cannot, as with a pipe.
    std::function<Status(std::uint64_t offset)> seek;
    // Where an upload that was broken off is remembered; empty when it is not.
    std::string resume_path;
    // What tells one version of a file from another; empty for what cannot be read again.
    std::string identity;
};

// The file at `path`, or every file in the folder at `path`, in the order of their names; a
// folder's files are called "folder/file". `name` is for a file, empty for its own. Files are
// opened when they are first read. Errors name the path.
Result<std::vector<Source>> sources_at(const std::string& path, const std::string& name,
                                       const Address& owner);
Source standard_input(std::string name);

}  // namespace mutirao::cli

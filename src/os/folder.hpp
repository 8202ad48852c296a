// Paths inside a PosixDisk, and folders whose names survive a power cut. `at` is an open folder, or
// AT_FDCWD, that relative paths start from.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mutirao::os {

inline constexpr std::string_view kTemporary = ".tmp-";  // first in the names of unfinished files

// invalid_argument unless the path stays inside its disk and names no unfinished file.
Status check_path(std::string_view path);
// "a/b" of "a/b/c"; "." of "c".
std::string folder_of(std::string_view path);
// openat(2) with close-on-exec, tried again when a signal interrupts it. -1 and errno on failure.
int open_retrying(int at, const char* path, int flags);
// Names created in, renamed in or removed from the folder are durable once it returns.
Status sync_folder(int at, const std::string& folder);
// Creates the folders of "a/b/c" that are missing, syncing each parent that gained a name.
Status make_folders(int at, const std::string& folder);

}  // namespace mutirao::os

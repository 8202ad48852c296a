#include "cli/local_file.hpp"

#include <filesystem>

namespace mutirao::cli {

Result<std::string> whole_path(const std::string& path) {
    if (path.empty()) return Error{ErrorKind::invalid_argument, "a path is empty: name a file"};
    std::error_code failed;
    const auto whole = std::filesystem::absolute(path, failed);
    if (failed)
        return Error{ErrorKind::invalid_argument,
                     "cannot find " + path + " from the current folder: " + failed.message()};
    return whole.string();
}

Result<Place> place_of(const std::string& path) {
    TRY(const auto found, whole_path(path));
    const std::filesystem::path whole(found);
    TRY(auto folder, os::PosixDisk::open_folder(whole.parent_path().string()));
    return Place{std::move(folder), whole.filename().string()};
}

Result<Bytes> read_local(const std::string& path, std::size_t size_max) {
    std::error_code failed;
    const auto there = std::filesystem::status(path, failed);
    if (failed && there.type() != std::filesystem::file_type::not_found)
        return Error{ErrorKind::permission_denied,
                     "cannot look at " + path + ": " + failed.message()};
    if (!std::filesystem::is_regular_file(there))
        return Error{ErrorKind::not_found, "there is no file " + path};
    TRY(auto place, place_of(path));
    return place.folder->read_file(place.name, size_max);
}

Status write_local(const std::string& path, ByteSpan bytes) {
    std::error_code ignored;
    const auto there = std::filesystem::status(path, ignored);
    if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
        return Error{ErrorKind::invalid_argument,
                     path + " is a folder or a device, and is not replaced; name a file"};
    TRY(auto place, place_of(path));
    return place.folder->write_file_atomic(place.name, bytes);
}

}  // namespace mutirao::cli

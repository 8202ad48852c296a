#include "cli/local_file.hpp"

#include <filesystem>

namespace mutirao::cli {

Result<Place> place_of(const std::string& path) {
    const auto whole = std::filesystem::absolute(path);
    TRY(auto folder, os::PosixDisk::open_folder(whole.parent_path().string()));
    return Place{std::move(folder), whole.filename().string()};
}

Result<Bytes> read_local(const std::string& path, std::size_t size_max) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored))
        return Error{ErrorKind::not_found, "there is no file " + path};
    TRY(auto place, place_of(path));
    return place.folder->read_file(place.name, size_max);
}

Status write_local(const std::string& path, ByteSpan bytes) {
    TRY(auto place, place_of(path));
    return place.folder->write_file_atomic(place.name, bytes);
}

}  // namespace mutirao::cli

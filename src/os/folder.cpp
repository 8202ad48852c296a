#include "os/folder.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/descriptor.hpp"

namespace mutirao::os {
namespace {

constexpr mode_t kFolderMode = 0700;  // a role's data is its own: keys lie here too
constexpr mode_t kFileMode = 0600;
constexpr std::size_t kPathMax = 4000;  // under PATH_MAX with the root in front of most

Error bad_path(std::string_view path, std::string_view why) {
    return Error{ErrorKind::invalid_argument,
                 "path \"" + std::string(path) + "\" " + std::string(why)};
}

}  // namespace

Status check_path(std::string_view path) {
    if (path.size() > kPathMax) return bad_path(path.substr(0, 64), "is too long");
    if (path.find('\0') != path.npos) return bad_path(path.substr(0, path.find('\0')), "has a NUL");
    std::string_view rest = path;
    for (bool more = true; more;) {
        const auto slash = rest.find('/');
        more = slash != rest.npos;
        const std::string_view name = rest.substr(0, slash);
        if (name.empty()) return bad_path(path, "is empty, absolute, or has an empty name in it");
        if (name == "." || name == "..") return bad_path(path, "may not contain \".\" or \"..\"");
        if (name.starts_with(kTemporary)) return bad_path(path, "has a reserved name in it");
        if (more) rest.remove_prefix(slash + 1);
    }
    return {};
}

std::string folder_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == path.npos ? "." : std::string(path.substr(0, slash));
}

int open_retrying(int at, const char* path, int flags) {
    for (;;) {
        const int fd = ::openat(at, path, flags | O_CLOEXEC, kFileMode);
        if (fd >= 0 || errno != EINTR) return fd;
    }
}

Status sync_folder(int at, const std::string& folder) {
    const Descriptor opened(open_retrying(at, folder.c_str(), O_RDONLY | O_DIRECTORY));
    // EINVAL: the file system has nothing to sync for folders.
    if (!opened || (::fsync(opened.get()) != 0 && errno != EINVAL))
        return errno_error("cannot sync the folder " + folder, errno);
    return {};
}

Status make_folders(int at, const std::string& folder) {
    for (std::size_t end = 0; end != folder.npos;) {
        end = folder.find('/', end + 1);
        const std::string part = folder.substr(0, end);
        if (::mkdirat(at, part.c_str(), kFolderMode) == 0) {
            std::string parent =
                part.starts_with('/') && part.rfind('/') == 0 ? "/" : folder_of(part);
            TRY_VOID(sync_folder(at, parent));
        } else if (errno != EEXIST) {
            return errno_error("cannot create the folder " + part, errno);
        }
    }
    return {};
}

}  // namespace mutirao::os

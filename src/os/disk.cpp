#include "os/disk.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/folder.hpp"
#include "os/posix_file.hpp"

namespace mutirao::os {

struct PosixDisk::Impl {
    std::string root;
    Descriptor folder;
    std::atomic<std::uint64_t> temporary_count = 0;

    std::string named(std::string_view path) const {
        return path.empty() ? root : root + "/" + std::string(path);
    }
    Status replace(const std::string& temporary, const std::string& path, ByteSpan bytes);
};

PosixDisk::PosixDisk(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PosixDisk::~PosixDisk() = default;

Result<std::unique_ptr<PosixDisk>> PosixDisk::open_folder(const std::string& root) {
    if (root.empty() || root.find('\0') != root.npos)
        return Error{ErrorKind::invalid_argument, "a data folder needs a name"};
    std::string trimmed = root;
    while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
    TRY_VOID(make_folders(AT_FDCWD, trimmed));
    auto impl = std::make_unique<Impl>();
    impl->root = trimmed;
    impl->folder = Descriptor(open_retrying(AT_FDCWD, trimmed.c_str(), O_RDONLY | O_DIRECTORY));
    if (!impl->folder) return errno_error("cannot open the folder " + trimmed, errno);
    return std::unique_ptr<PosixDisk>(new PosixDisk(std::move(impl)));
}

Status PosixDisk::lock() {
    if (::flock(impl_->folder.get(), LOCK_EX | LOCK_NB) == 0) return {};
    if (errno != EWOULDBLOCK) return errno_error("cannot lock the folder " + impl_->root, errno);
    return Error{ErrorKind::already_exists,
                 "the folder " + impl_->root + " is in use by another mutirao process"};
}

Result<std::unique_ptr<File>> PosixDisk::open(std::string_view path) {
    TRY_VOID(check_path(path));
    const std::string name(path);
    const int at = impl_->folder.get();
    Descriptor opened(open_retrying(at, name.c_str(), O_RDWR));
    const bool absent = !opened && errno == ENOENT;
    if (absent) {
        const std::string folder = folder_of(path);
        if (folder != ".") TRY_VOID(make_folders(at, folder));
        opened = Descriptor(open_retrying(at, name.c_str(), O_RDWR | O_CREAT));
    }
    if (!opened) return errno_error("cannot open " + impl_->named(path), errno);
    if (absent) TRY_VOID(sync_folder(at, folder_of(path)));
    TRY(auto file, PosixFile::adopt(std::move(opened), impl_->named(path)));
    return std::unique_ptr<File>(std::move(file));
}

Result<bool> PosixDisk::exists(std::string_view path) {
    TRY_VOID(check_path(path));
    if (::faccessat(impl_->folder.get(), std::string(path).c_str(), F_OK, 0) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return errno_error("cannot look at " + impl_->named(path), errno);
}

Result<Bytes> PosixDisk::read_file(std::string_view path, std::size_t max_size) {
    TRY_VOID(check_path(path));
    Descriptor opened(
        open_retrying(impl_->folder.get(), std::string(path).c_str(), O_RDONLY | O_NONBLOCK));
    if (!opened && errno == ENOENT)
        return Error{ErrorKind::not_found, impl_->named(path) + " does not exist"};
    if (!opened) return errno_error("cannot read " + impl_->named(path), errno);
    TRY(auto file, PosixFile::adopt(std::move(opened), impl_->named(path)));
    if (file->size() > max_size)
        return Error{ErrorKind::resource_exhausted,
                     impl_->named(path) + " has " + std::to_string(file->size()) +
                         " bytes; at most " + std::to_string(max_size) + " are allowed here"};
    Bytes bytes(static_cast<std::size_t>(file->size()));
    TRY_VOID(file->read(0, bytes));
    return bytes;
}

Status PosixDisk::Impl::replace(const std::string& temporary, const std::string& path,
                                ByteSpan bytes) {
    const int at = folder.get();
    Descriptor created(open_retrying(at, temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC));
    if (!created) return errno_error("cannot create a new " + named(path), errno);
    TRY(auto file, PosixFile::adopt(std::move(created), named(path)));
    TRY_VOID(file->append(bytes));
    TRY_VOID(file->sync());
    if (::renameat(at, temporary.c_str(), at, path.c_str()) != 0)
        return errno_error("cannot replace " + named(path), errno);
    return {};
}

Status PosixDisk::write_file_atomic(std::string_view path, ByteSpan bytes) {
    TRY_VOID(check_path(path));
    const int at = impl_->folder.get();
    const std::string folder = folder_of(path);
    if (folder != ".") TRY_VOID(make_folders(at, folder));
    const std::string temporary = folder + "/" + std::string(kTemporary) +
                                  std::to_string(::getpid()) + "-" +
                                  std::to_string(impl_->temporary_count++);
    if (auto done = impl_->replace(temporary, std::string(path), bytes); !done.ok()) {
        ::unlinkat(at, temporary.c_str(), 0);
        return done;
    }
    return sync_folder(at, folder);
}

Status PosixDisk::remove(std::string_view path) {
    TRY_VOID(check_path(path));
    const int at = impl_->folder.get();
    if (::unlinkat(at, std::string(path).c_str(), 0) != 0) {
        if (errno == ENOENT)
            return Error{ErrorKind::not_found, impl_->named(path) + " does not exist"};
        return errno_error("cannot remove " + impl_->named(path), errno);
    }
    return sync_folder(at, folder_of(path));
}

Result<std::vector<std::string>> PosixDisk::list(std::string_view folder) {
    if (!folder.empty()) TRY_VOID(check_path(folder));
    const std::string name = folder.empty() ? "." : std::string(folder);
    const int fd = open_retrying(impl_->folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY);
    if (fd < 0 && errno == ENOENT) return std::vector<std::string>{};
    if (fd < 0) return errno_error("cannot list " + impl_->named(folder), errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd), &::closedir);
    if (!stream) {
        ::close(fd);
        return errno_error("cannot list " + impl_->named(folder), ENOMEM);
    }
    std::vector<std::string> names;
    for (errno = 0; const dirent* entry = ::readdir(stream.get()); errno = 0) {
        const std::string_view entry_name = entry->d_name;
        if (entry_name.starts_with(kTemporary)) continue;
        struct stat facts {};
        if (::fstatat(fd, entry->d_name, &facts, 0) == 0 && S_ISREG(facts.st_mode))
            names.emplace_back(entry_name);
    }
    if (errno != 0) return errno_error("cannot list " + impl_->named(folder), errno);
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace mutirao::os

#include "os/posix_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace mutirao::os {
namespace {

Error lost(const std::string& name) {
    return Error{ErrorKind::io, "cannot write to " + name +
                                    ": an earlier sync failed, so part of it may be lost; check "
                                    "the disk and restart"};
}

}  // namespace

PosixFile::PosixFile(Descriptor descriptor, std::string name, std::uint64_t size)
    : descriptor_(std::move(descriptor)), name_(std::move(name)), size_(size) {}

Result<std::unique_ptr<PosixFile>> PosixFile::adopt(Descriptor descriptor, std::string name) {
    struct stat facts {};
    if (::fstat(descriptor.get(), &facts) != 0) return errno_error("cannot open " + name, errno);
    if (!S_ISREG(facts.st_mode))
        return Error{ErrorKind::invalid_argument, "cannot open " + name + ": not a regular file"};
    const auto size = static_cast<std::uint64_t>(facts.st_size);
    return std::unique_ptr<PosixFile>(new PosixFile(std::move(descriptor), std::move(name), size));
}

Status PosixFile::append(ByteSpan bytes) {
    if (broken_) return lost(name_);
    while (!bytes.empty()) {
        const std::uint64_t end = size();
        const ssize_t wrote =
            ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(end));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return errno_error("cannot write to " + name_, errno);
        // A short write is followed by another attempt, which tells why.
        size_.store(end + static_cast<std::uint64_t>(wrote), std::memory_order_release);
        bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    }
    return {};
}

Status PosixFile::append_pieces(std::span<const ByteSpan> pieces) {
    if (broken_) return lost(name_);
    std::vector<iovec> left;
    for (auto at = pieces.rbegin(); at != pieces.rend(); ++at)  // from the back: taken off the end
        if (!at->empty()) left.push_back({const_cast<std::uint8_t*>(at->data()), at->size()});
    std::vector<iovec> now;
    while (!left.empty()) {
        const auto count = std::min<std::size_t>(left.size(), IOV_MAX);
        now.assign(left.rbegin(), left.rbegin() + static_cast<std::ptrdiff_t>(count));
        const std::uint64_t end = size();
        const ssize_t wrote = ::pwritev(descriptor_.get(), now.data(), static_cast<int>(count),
                                        static_cast<off_t>(end));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return errno_error("cannot write to " + name_, errno);
        size_.store(end + static_cast<std::uint64_t>(wrote), std::memory_order_release);
        auto rest = static_cast<std::size_t>(wrote);
        while (rest > 0) {
            auto& front = left.back();
            const auto part = std::min(rest, front.iov_len);
            front.iov_base = static_cast<std::uint8_t*>(front.iov_base) + part;
            front.iov_len -= part;
            rest -= part;
            if (front.iov_len == 0) left.pop_back();
        }
    }
    return {};
}

Status PosixFile::read(std::uint64_t offset, MutableByteSpan out) const {
    const std::uint64_t wanted_end = offset + out.size();
    while (!out.empty()) {
        const ssize_t got =
            ::pread(descriptor_.get(), out.data(), out.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno_error("cannot read " + name_, errno);
        if (got == 0)
            return Error{ErrorKind::io, name_ + " ends at byte " + std::to_string(offset) +
                                            ", before byte " + std::to_string(wanted_end) +
                                            " that was asked for"};
        offset += static_cast<std::uint64_t>(got);
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
}

Status PosixFile::truncate(std::uint64_t size) {
    if (size > this->size())
        return Error{ErrorKind::invalid_argument, "truncating cannot make " + name_ +
                                                      " longer than its " +
                                                      std::to_string(this->size()) + " bytes"};
    while (::ftruncate(descriptor_.get(), static_cast<off_t>(size)) != 0)
        if (errno != EINTR) return errno_error("cannot truncate " + name_, errno);
    size_.store(size, std::memory_order_release);
    return sync();
}

Status PosixFile::sync() {
    if (broken_) return lost(name_);
    while (::fdatasync(descriptor_.get()) != 0) {
        if (errno == EINTR) continue;
        const int code = errno;
        broken_ = true;
        return errno_error("cannot sync " + name_, code);
    }
    return {};
}

void PosixFile::let_go(std::uint64_t offset, std::uint64_t size) {
    static_cast<void>(::posix_fadvise(descriptor_.get(), static_cast<off_t>(offset),
                                      static_cast<off_t>(size), POSIX_FADV_DONTNEED));
}

}  // namespace mutirao::os

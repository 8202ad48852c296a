#include "base/memory_disk.hpp"

#include <algorithm>
#include <limits>

namespace mutirao {
namespace {

Error no_power() { return Error{ErrorKind::io, "the disk has no power"}; }

Error full() { return Error{ErrorKind::resource_exhausted, "no space left on the disk"}; }

Error no_file(std::string_view path) {
    return Error{ErrorKind::not_found, "there is no file " + std::string(path)};
}

Status check_path(std::string_view path) {
    if (path.empty() || path.front() == '/' || path.find("..") != std::string_view::npos)
        return Error{ErrorKind::invalid_argument,
                     "'" + std::string(path) + "' is no path inside the folder"};
    return {};
}

}  // namespace

class MemoryDisk::OpenFile final : public File {
  public:
    OpenFile(MemoryDisk& disk, std::shared_ptr<Content> content)
        : disk_(disk), content_(std::move(content)), generation_(disk.generation_) {}

    std::uint64_t size() const override {
        const std::lock_guard lock(disk_.mutex_);
        return content_->bytes.size();
    }
    Status append(ByteSpan bytes) override { return append_pieces({&bytes, 1}); }
    Status append_pieces(std::span<const ByteSpan> pieces) override {
        const std::lock_guard lock(disk_.mutex_);
        TRY_VOID(usable());
        TRY_VOID(disk_.begin_operation());
        return disk_.append(*content_, pieces);
    }
    Status read(std::uint64_t offset, MutableByteSpan out) const override {
        const std::lock_guard lock(disk_.mutex_);
        TRY_VOID(usable());
        const auto& bytes = content_->bytes;
        if (offset > bytes.size() || out.size() > bytes.size() - offset)
            return Error{ErrorKind::io, "read past the end of the file"};
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
        return {};
    }
    Status truncate(std::uint64_t size) override {
        const std::lock_guard lock(disk_.mutex_);
        TRY_VOID(usable());
        TRY_VOID(disk_.begin_operation());
        if (size > content_->bytes.size())
            return Error{ErrorKind::invalid_argument, "truncating cannot make a file longer"};
        content_->bytes.resize(size);
        content_->synced = std::min(content_->synced, content_->bytes.size());
        return {};
    }
    Status sync() override {
        const std::lock_guard lock(disk_.mutex_);
        TRY_VOID(usable());
        TRY_VOID(disk_.begin_operation());
        if (disk_.fail_syncs_) return Error{ErrorKind::io, "the disk cannot sync"};
        content_->synced = content_->bytes.size();
        content_->durable = true;
        ++disk_.syncs_;
        return {};
    }

  private:
    Status usable() const {
        if (disk_.cut_) return no_power();
        if (generation_ != disk_.generation_)
            return Error{ErrorKind::io, "the file was opened before the restart"};
        return {};
    }

    MemoryDisk& disk_;
    std::shared_ptr<Content> content_;  // shared with the disk: a removed file stays readable here
    const std::uint64_t generation_;
};

MemoryDisk::MemoryDisk() : capacity_(std::numeric_limits<std::uint64_t>::max()) {}
MemoryDisk::~MemoryDisk() = default;

Status MemoryDisk::begin_operation() {
    if (operations_left_ && *operations_left_ == 0) cut_ = true;
    if (cut_) return no_power();
    if (operations_left_) --*operations_left_;
    ++operations_;
    return {};
}

Status MemoryDisk::append(Content& content, std::span<const ByteSpan> pieces) {
    const std::uint64_t used = stored();
    std::uint64_t room = capacity_ > used ? capacity_ - used : 0;
    for (const auto bytes : pieces) {
        const auto powered = bytes_left_.value_or(std::numeric_limits<std::uint64_t>::max());
        const auto writing = std::min({std::uint64_t{bytes.size()}, room, powered});
        content.bytes.insert(content.bytes.end(), bytes.begin(),
                             bytes.begin() + static_cast<std::ptrdiff_t>(writing));
        bytes_written_ += writing;
        room -= writing;
        if (bytes_left_) *bytes_left_ -= writing;
        if (writing == bytes.size()) continue;
        if (writing != powered) return full();
        cut_ = true;
        return no_power();
    }
    return {};
}

std::uint64_t MemoryDisk::stored() const {
    std::uint64_t total = 0;
    for (const auto& [path, content] : files_) total += content->bytes.size();
    return total;
}

Result<std::unique_ptr<File>> MemoryDisk::open(std::string_view path) {
    const std::lock_guard lock(mutex_);
    TRY_VOID(check_path(path));
    if (cut_) return no_power();
    auto at = files_.find(path);
    if (at == files_.end()) {
        TRY_VOID(begin_operation());
        at = files_.emplace(std::string(path), std::make_shared<Content>()).first;
    }
    return std::unique_ptr<File>(std::make_unique<OpenFile>(*this, at->second));
}

Result<bool> MemoryDisk::exists(std::string_view path) {
    const std::lock_guard lock(mutex_);
    if (cut_) return no_power();
    return files_.contains(path);
}

Result<Bytes> MemoryDisk::read_file(std::string_view path, std::size_t max_size) {
    const std::lock_guard lock(mutex_);
    if (cut_) return no_power();
    const auto at = files_.find(path);
    if (at == files_.end()) return no_file(path);
    if (at->second->bytes.size() > max_size)
        return Error{ErrorKind::resource_exhausted, std::string(path) + " is over the limit of " +
                                                        std::to_string(max_size) + " bytes"};
    return at->second->bytes;
}

Status MemoryDisk::write_file_atomic(std::string_view path, ByteSpan bytes) {
    const std::lock_guard lock(mutex_);
    TRY_VOID(check_path(path));
    TRY_VOID(begin_operation());
    auto content = std::make_shared<Content>();
    TRY_VOID(append(*content, {&bytes, 1}));  // old and new exist side by side
    if (fail_syncs_) return Error{ErrorKind::io, "the disk cannot sync"};
    content->synced = bytes.size();
    content->durable = true;
    files_.insert_or_assign(std::string(path), std::move(content));
    return {};
}

Status MemoryDisk::remove(std::string_view path) {
    const std::lock_guard lock(mutex_);
    TRY_VOID(begin_operation());
    const auto at = files_.find(path);
    if (at == files_.end()) return no_file(path);
    files_.erase(at);
    return {};
}

Result<std::vector<std::string>> MemoryDisk::list(std::string_view folder) {
    const std::lock_guard lock(mutex_);
    if (cut_) return no_power();
    const std::string prefix = folder.empty() ? "" : std::string(folder) + "/";
    std::vector<std::string> names;
    for (const auto& [path, content] : files_)
        if (path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos)
            names.push_back(path.substr(prefix.size()));
    return names;
}

void MemoryDisk::set_capacity(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    capacity_ = bytes;
}

void MemoryDisk::cut_power_after_bytes(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    bytes_left_ = bytes;
}

void MemoryDisk::cut_power_after_operations(std::uint64_t operations) {
    const std::lock_guard lock(mutex_);
    operations_left_ = operations;
}

bool MemoryDisk::power_is_cut() const {
    const std::lock_guard lock(mutex_);
    return cut_;
}

void MemoryDisk::restart(std::uint64_t unsynced_bytes_kept) {
    const std::lock_guard lock(mutex_);
    for (auto at = files_.begin(); at != files_.end();) {
        auto& content = *at->second;
        const auto unsynced = content.bytes.size() - content.synced;
        const auto kept = std::min<std::uint64_t>(unsynced, unsynced_bytes_kept);
        if (!content.durable && kept == 0) {
            at = files_.erase(at);
            continue;
        }
        content.bytes.resize(content.synced + kept);
        content.synced = content.bytes.size();
        content.durable = true;
        ++at;
    }
    begin_again();
}

void MemoryDisk::restart_with_holes(Random& chance, std::uint64_t page_size) {
    const std::lock_guard lock(mutex_);
    for (auto at = files_.begin(); at != files_.end();) {
        auto& [bytes, synced, durable] = *at->second;
        if (!durable && chance.below(2) == 0) {
            at = files_.erase(at);
            continue;
        }
        bytes.resize(synced + chance.below(bytes.size() - synced + 1));
        for (std::uint64_t from = synced; from < bytes.size();) {
            const auto to =
                std::min<std::uint64_t>(bytes.size(), (from / page_size + 1) * page_size);
            if (chance.below(2) == 0)
                std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                          bytes.begin() + static_cast<std::ptrdiff_t>(to), std::uint8_t{0});
            from = to;
        }
        synced = bytes.size();
        durable = true;
        ++at;
    }
    begin_again();
}

void MemoryDisk::begin_again() {
    ++generation_;
    cut_ = false;
    bytes_left_.reset();
    operations_left_.reset();
    fail_syncs_ = false;
}

void MemoryDisk::fail_syncs(bool fail) {
    const std::lock_guard lock(mutex_);
    fail_syncs_ = fail;
}

bool MemoryDisk::flip_bit(std::string_view path, std::uint64_t bit) {
    const std::lock_guard lock(mutex_);
    const auto at = files_.find(path);
    if (at == files_.end() || bit / 8 >= at->second->bytes.size()) return false;
    auto& byte = at->second->bytes[bit / 8];
    byte = static_cast<std::uint8_t>(byte ^ 1u << bit % 8);
    return true;
}

std::uint64_t MemoryDisk::bytes_stored() const {
    const std::lock_guard lock(mutex_);
    return stored();
}

std::uint64_t MemoryDisk::bytes_written() const {
    const std::lock_guard lock(mutex_);
    return bytes_written_;
}

std::uint64_t MemoryDisk::operations() const {
    const std::lock_guard lock(mutex_);
    return operations_;
}

std::uint64_t MemoryDisk::syncs() const {
    const std::lock_guard lock(mutex_);
    return syncs_;
}

}  // namespace mutirao

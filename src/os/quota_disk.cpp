#include "os/quota_disk.hpp"

namespace mutirao::os {

class QuotaDisk::CountedFile final : public File {
  public:
    CountedFile(QuotaDisk& disk, std::string path, std::unique_ptr<File> inner)
        : disk_(disk), path_(std::move(path)), inner_(std::move(inner)) {}

    std::uint64_t size() const override { return inner_->size(); }
    Status append(ByteSpan bytes) override { return append_pieces({&bytes, 1}); }
    Status append_pieces(std::span<const ByteSpan> pieces) override {
        std::uint64_t size = inner_->size();
        for (const auto& piece : pieces) size += piece.size();
        TRY_VOID(disk_.resize(path_, size));
        auto done = inner_->append_pieces(pieces);
        if (!done.ok()) disk_.record(path_, inner_->size());
        return done;
    }
    Status read(std::uint64_t offset, MutableByteSpan out) const override {
        return inner_->read(offset, out);
    }
    Status truncate(std::uint64_t size) override {
        auto done = inner_->truncate(size);
        disk_.record(path_, inner_->size());
        return done;
    }
    Status sync() override { return inner_->sync(); }
    void let_go(std::uint64_t offset, std::uint64_t size) override { inner_->let_go(offset, size); }

  private:
    QuotaDisk& disk_;
    const std::string path_;
    std::unique_ptr<File> inner_;
};

QuotaDisk::QuotaDisk(Disk& inner, std::uint64_t limit_bytes) : inner_(inner), limit_(limit_bytes) {}
QuotaDisk::~QuotaDisk() = default;

std::uint64_t QuotaDisk::used_bytes() const {
    const std::lock_guard lock(mutex_);
    return used_;
}

Status QuotaDisk::resize(const std::string& path, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    std::uint64_t& counted = sizes_[path];
    const std::uint64_t others = used_ - counted;
    if (size > counted && (others > limit_ || size > limit_ - others))
        return Error{ErrorKind::resource_exhausted,
                     "disk full: " + path + " would grow by " + std::to_string(size - counted) +
                         " bytes, but " + std::to_string(used_) + " of the quota of " +
                         std::to_string(limit_) + " bytes are used"};
    counted = size;
    used_ = others + size;
    return {};
}

void QuotaDisk::record(const std::string& path, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    std::uint64_t& counted = sizes_[path];
    used_ += size - counted;
    counted = size;
}

Result<std::unique_ptr<File>> QuotaDisk::open(std::string_view path) {
    TRY(auto file, inner_.open(path));
    record(std::string(path), file->size());
    return std::unique_ptr<File>(
        std::make_unique<CountedFile>(*this, std::string(path), std::move(file)));
}

Result<Bytes> QuotaDisk::read_file(std::string_view path, std::size_t max_size) {
    TRY(auto bytes, inner_.read_file(path, max_size));
    record(std::string(path), bytes.size());
    return bytes;
}

Status QuotaDisk::write_file_atomic(std::string_view path, ByteSpan bytes) {
    const std::string name(path);
    std::uint64_t before = 0;
    {
        const std::lock_guard lock(mutex_);
        if (const auto known = sizes_.find(name); known != sizes_.end()) before = known->second;
    }
    TRY_VOID(resize(name, bytes.size()));
    auto done = inner_.write_file_atomic(path, bytes);
    if (!done.ok()) record(name, before);
    return done;
}

Status QuotaDisk::remove(std::string_view path) {
    TRY_VOID(inner_.remove(path));
    const std::lock_guard lock(mutex_);
    if (const auto known = sizes_.find(std::string(path)); known != sizes_.end()) {
        used_ -= known->second;
        sizes_.erase(known);
    }
    return {};
}

}  // namespace mutirao::os

#include "train/data_source.hpp"

#include <algorithm>

namespace mutirao::train {

namespace {

class Memory final : public DataSource {
  public:
    explicit Memory(std::vector<ByteSpan> owners) : data_(std::move(owners)) {}
    std::uint32_t owners() const override { return static_cast<std::uint32_t>(data_.size()); }
    std::uint64_t size(std::uint32_t owner) const override { return data_[owner].size(); }
    Status read(std::uint32_t owner, std::uint64_t offset, MutableByteSpan out) override {
        std::ranges::copy(data_[owner].subspan(offset, out.size()), out.begin());
        return {};
    }
    void expect(std::span<const Stretch>) override {}

  private:
    const std::vector<ByteSpan> data_;
};

}  // namespace

std::shared_ptr<DataSource> data_in_memory(std::vector<ByteSpan> owners) {
    return std::make_shared<Memory>(std::move(owners));
}

}  // namespace mutirao::train

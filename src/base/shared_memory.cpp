#include "base/shared_memory.hpp"

namespace mutirao {
namespace {

class HeapBytes final : public SharedBytes {
  public:
    explicit HeapBytes(Bytes bytes) : bytes_(std::move(bytes)) {}
    ByteSpan bytes() const override { return bytes_; }

  private:
    const Bytes bytes_;
};

}  // namespace

Result<std::shared_ptr<const SharedBytes>> HeapMemory::make(std::size_t size, const Fill& fill) {
    Bytes bytes(size);
    TRY_VOID(fill(bytes));
    return std::shared_ptr<const SharedBytes>(std::make_shared<HeapBytes>(std::move(bytes)));
}

}  // namespace mutirao

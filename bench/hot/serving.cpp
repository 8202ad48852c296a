#include "hot/serving.hpp"

#include <stdlib.h>

namespace mutirao::bench {

Folder::Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "mutirao-bench-XXXXXX").string();
    ENSURE(::mkdtemp(name.data()) != nullptr, "no folder for temporary files");
    path_ = name;
}

Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

SampleObject::SampleObject() {
    SeededRandom random(1);
    key_ = random.fixed<crypto::Key>();
    content_ = random.fixed<Digest>();
}

BlockId SampleObject::block(std::uint32_t index) const {
    BlockId out;
    out.bytes[0] = static_cast<std::uint8_t>(index + 1);
    return out;
}

Bytes SampleObject::plain(std::uint32_t index) const {
    Bytes out(kShardSize);
    SeededRandom(100 + index).fill(out);
    return out;
}

Bytes SampleObject::sealed_of(std::uint32_t index) {
    if (index > 0) return crypto::seal(key_, index, {}, plain(index));
    auto& kept = sealed_[index];  // the one that is read from cold again and again
    if (kept.empty()) kept = crypto::seal(key_, index, {}, plain(index));
    return kept;
}

Result<Bytes> SampleObject::open_sealed(std::uint32_t index, ByteSpan sealed) {
    return crypto::open(key_, index, {}, sealed);
}

Serving::Serving()
    : disk(os::PosixDisk::open_folder(folder.file("node")).value()),
      members([] { return Result<std::vector<node::HotMember>>(std::vector<node::HotMember>()); }) {
    node::HotLimits limits;
    limits.store.memory_max = 2 * kWorkingSet;
    limits.door.leased_max = kWorkingSet;
    service = node::HotService::open(
                  {memory, *disk, clock, random, executor, *this, members, Address(), {}}, limits)
                  .value();
    door = os::LocalServer::start(folder.file("hot.sock"), service->door()).value();
}

}  // namespace mutirao::bench

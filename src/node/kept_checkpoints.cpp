#include "node/kept_checkpoints.hpp"

#include <string>

namespace mutirao::node {

void KeptCheckpoints::keep(std::uint32_t round, Bytes file) {
    auto chunks = train::chunk_list(file);
    const Name name{round, chunks.id()};
    auto kept = std::make_shared<const Kept>(Kept{name, std::move(chunks), std::move(file)});
    const std::lock_guard lock(mutex_);
    std::erase_if(kept_, [&](const auto& other) { return other->name.round == round; });
    kept_.push_back(std::move(kept));
    if (kept_.size() > kCheckpointsKept) kept_.pop_front();
}

std::vector<KeptCheckpoints::Name> KeptCheckpoints::names() const {
    const std::lock_guard lock(mutex_);
    std::vector<Name> out;
    for (const auto& kept : kept_) out.push_back(kept->name);
    return out;
}

Result<std::shared_ptr<const KeptCheckpoints::Kept>> KeptCheckpoints::find(
    const Digest& blob) const {
    const std::lock_guard lock(mutex_);
    for (const auto& kept : kept_)
        if (kept->name.blob == blob) return kept;
    return Error{ErrorKind::not_found, "checkpoint " + blob.hex() + " is not kept here"};
}

Result<Bytes> KeptCheckpoints::list(const Digest& blob) const {
    TRY(const auto kept, find(blob));
    return train::encode_chunk_list(kept->chunks);
}

Result<Bytes> KeptCheckpoints::chunk(const Digest& blob, std::uint32_t index) const {
    TRY(const auto kept, find(blob));
    const auto bytes = train::chunk_of(kept->file, index);
    if (bytes.empty())
        return Error{
            ErrorKind::not_found,
            "the checkpoint has " + std::to_string(kept->chunks.hashes.size()) + " chunks"};
    return to_bytes(bytes);
}

}  // namespace mutirao::node

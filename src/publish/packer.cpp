#include "publish/packer.hpp"

#include <algorithm>
#include <optional>

namespace mutirao::publish {

struct Packer::Pack {
    coding::RowBuffer rows;  // the sealed parts, one after another
    Strength strength = Strength::available;
    bool closed = false;
    std::optional<Result<PackedPart>> outcome;  // of a part at offset 0
};

Result<PackedPart> Packer::outcome_of(const Pack& pack, std::uint64_t offset) const {
    if (!pack.outcome->ok()) return Error(pack.outcome->error());
    auto part = pack.outcome->value();
    part.offset = offset;
    return part;
}

Result<PackedPart> Packer::store(ByteSpan sealed, Strength strength) {
    if (sealed.empty() || sealed.size() > limits_.bytes_max)
        return Error{ErrorKind::invalid_argument,
                     "a packed part has 1 to " + std::to_string(limits_.bytes_max) +
                         " bytes, not " + std::to_string(sealed.size())};
    std::unique_lock lock(mutex_);
    const bool fits = open_ && open_->strength == strength &&
                      open_->rows.size() + sealed.size() <= limits_.bytes_max;
    if (open_ && !fits) {
        open_->closed = true;
        open_ = nullptr;
        changed_.notify_all();
    }
    const bool first = !open_;
    if (first) {
        open_ = std::make_shared<Pack>();
        open_->strength = strength;
    }
    const auto pack = open_;
    const auto offset = pack->rows.size();
    if (offset + sealed.size() > pack->rows.capacity())
        pack->rows.reserve(std::max<std::size_t>(64 << 10, 2 * (offset + sealed.size())));
    pack->rows.resize(offset + sealed.size());
    std::copy(sealed.begin(), sealed.end(), pack->rows.data() + offset);
    if (first)
        lead(lock, pack);
    else
        changed_.wait(lock, [&] { return pack->outcome.has_value(); });
    return outcome_of(*pack, offset);
}

// The caller of the first part closes the pack and disperses it for all.
void Packer::lead(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Pack>& pack) {
    if (limits_.linger > Duration{0})
        changed_.wait_for(lock, limits_.linger, [&] { return pack->closed; });
    changed_.wait(lock, [&] { return under_way_ < limits_.packs_under_way; });
    if (open_ == pack) open_ = nullptr;
    pack->closed = true;
    ++under_way_;
    lock.unlock();
    disperse(*pack);
    lock.lock();
    --under_way_;
    changed_.notify_all();
}

// Nobody else touches a closed pack until its outcome is there.
void Packer::disperse(Pack& pack) {
    auto outcome = [&]() -> Result<PackedPart> {
        const auto lease = publishing_.memory.acquire(3 * pack.rows.size());
        TRY(auto coded, block::code_in_place(std::move(pack.rows), {}, publishing_.coding()));
        const auto shared = publishing_.memory.share(std::move(coded));
        TRY(auto committee, publishing_.committee());
        TRY(auto dispersal,
            publishing_.disperser.disperse(shared, committee, pack.strength, publishing_.coding()));
        return PackedPart{std::move(dispersal.certificate), 0, shared->rows.size(),
                          shared->statement.header.rows};
    }();
    const std::lock_guard lock(mutex_);
    pack.outcome = std::move(outcome);
}

}  // namespace mutirao::publish

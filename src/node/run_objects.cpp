#include "node/run_objects.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "node/object_access.hpp"

namespace mutirao::node {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kPiece = 4 << 20;  // of a whole object at a time
constexpr int kTries = 6;                  // pauses of 1, 2, 4, 8 and 16 s between them
constexpr auto kLook = 200ms;              // between two looks at whether the run was cancelled

}  // namespace

Status read_through(RunObject& object, const std::function<void(ByteSpan piece)>& take) {
    for (std::uint64_t at = 0; at < object.size(); at += kPiece) {
        TRY(const auto piece, object.read(at, std::min(kPiece, object.size() - at)));
        take(piece);
    }
    return {};
}

Result<Bytes> read_whole(RunObject& object) {
    if (object.size() > kObjectInMemoryMax)
        return Error{ErrorKind::resource_exhausted,
                     "the object is over 1 GiB and is needed as a whole"};
    Bytes out;
    out.reserve(object.size());
    TRY_VOID(read_through(
        object, [&out](ByteSpan piece) { out.insert(out.end(), piece.begin(), piece.end()); }));
    return out;
}

std::shared_ptr<RunObject> object_in_memory(Bytes bytes) {
    class Memory final : public RunObject {
      public:
        explicit Memory(Bytes bytes) : bytes_(std::move(bytes)) {}
        std::uint64_t size() const override { return bytes_.size(); }
        Result<Bytes> read(std::uint64_t offset, std::uint64_t size) override {
            return to_bytes(ByteSpan(bytes_).subspan(offset, size));
        }

      private:
        const Bytes bytes_;
    };
    return std::make_shared<Memory>(std::move(bytes));
}

struct RunShards::State {
    struct Shard {
        train::Stretch stretch;
        std::shared_ptr<const Bytes> bytes;  // none: not here yet
        bool is_loading = false, has_failed = false;
    };
    using Name = std::pair<std::uint32_t, std::uint64_t>;  // owner, offset

    explicit State(RunObjects owners) : objects(std::move(owners)) {}
    // The shard that such a read lies in; the lock is held.
    Shard* find(std::uint32_t owner, std::uint64_t offset, std::uint64_t size);
    std::optional<train::Stretch> next();
    void load_all();

    const RunObjects objects;
    std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    std::map<Name, Shard> shards;
    std::deque<Name> waiting;
    std::size_t loaders = 0;
    std::uint64_t bytes_held = 0;
    Figures figures;
    bool is_over = false;
};

RunShards::State::Shard* RunShards::State::find(std::uint32_t owner, std::uint64_t offset,
                                                std::uint64_t size) {
    auto at = shards.upper_bound({owner, offset});
    if (at == shards.begin()) return nullptr;
    auto& shard = (--at)->second;
    const auto& [of, begin, length] = shard.stretch;
    return of == owner && offset + size <= begin + length ? &shard : nullptr;
}

std::optional<train::Stretch> RunShards::State::next() {
    const std::lock_guard lock(mutex);
    while (!is_over && !waiting.empty()) {
        const auto found = shards.find(waiting.front());
        waiting.pop_front();
        if (found == shards.end() || found->second.bytes || found->second.is_loading) continue;
        found->second.is_loading = true;
        bytes_held += found->second.stretch.size;
        figures.bytes_held_most = std::max(figures.bytes_held_most, bytes_held);
        return found->second.stretch;
    }
    --loaders;
    return std::nullopt;
}

// Until nothing waits.
void RunShards::State::load_all() {
    while (const auto stretch = next()) {
        auto bytes = objects[stretch->owner]->read(stretch->offset, stretch->size);
        const std::lock_guard lock(mutex);
        figures.bytes_read += bytes.ok() ? bytes->size() : 0;
        const auto found = shards.find({stretch->owner, stretch->offset});
        const bool is_wanted = found != shards.end() && found->second.is_loading;
        if (!is_wanted || !bytes.ok()) bytes_held -= stretch->size;
        if (!is_wanted) continue;
        found->second.is_loading = false;
        found->second.has_failed = !bytes.ok();
        if (bytes.ok())
            found->second.bytes = std::make_shared<const Bytes>(std::move(bytes).value());
        else
            LOG_WARN("data that training needs soon: " + bytes.error().message);
        changed.notify_all();
    }
}

RunShards::RunShards(RunObjects owners, ShardPorts ports)
    : ports_(std::move(ports)), state_(std::make_shared<State>(std::move(owners))) {}

RunShards::~RunShards() {
    const std::lock_guard lock(state_->mutex);
    state_->is_over = true;
}

std::uint32_t RunShards::owners() const {
    return static_cast<std::uint32_t>(state_->objects.size());
}

std::uint64_t RunShards::size(std::uint32_t owner) const { return state_->objects[owner]->size(); }

RunShards::Figures RunShards::figures() const {
    const std::lock_guard lock(state_->mutex);
    return state_->figures;
}

void RunShards::expect(std::span<const train::Stretch> shards) {
    if (std::ranges::equal(shards, expected_)) return;
    expected_.assign(shards.begin(), shards.end());
    std::size_t begun = 0;
    {
        const std::lock_guard lock(state_->mutex);
        std::map<State::Name, State::Shard> kept;
        state_->waiting.clear();
        for (const auto& stretch : shards) {
            const State::Name name{stretch.owner, stretch.offset};
            const auto known = state_->shards.find(name);
            auto& shard = kept[name];
            if (known != state_->shards.end())
                shard = std::move(known->second);
            else
                shard.stretch = stretch;
            if (!shard.bytes && !shard.is_loading) state_->waiting.push_back(name);
        }
        for (const auto& [name, shard] : state_->shards)
            if (shard.bytes && !kept.contains(name)) state_->bytes_held -= shard.stretch.size;
        state_->shards = std::move(kept);
        begun = std::min(state_->waiting.size(), kShardLoads - state_->loaders);
        state_->loaders += begun;
    }
    for (std::size_t i = 0; i < begun; ++i)
        ports_.executor.post([state = state_] { state->load_all(); });
}

Status RunShards::read(std::uint32_t owner, std::uint64_t offset, MutableByteSpan out) {
    std::shared_ptr<const Bytes> bytes;
    std::uint64_t begin = 0;
    bool loads_again = false;
    {
        std::unique_lock lock(state_->mutex);
        auto* shard = state_->find(owner, offset, out.size());
        if (shard != nullptr && shard->has_failed) {
            shard->has_failed = false;  // for later reads; this one does not wait for it
            state_->waiting.push_back({owner, shard->stretch.offset});
            loads_again = state_->loaders < kShardLoads;
            state_->loaders += loads_again;
            shard = nullptr;
        } else if (shard != nullptr && !shard->bytes) {
            ++state_->figures.reads_waited;
            // Before all that waits.
            if (!shard->is_loading) state_->waiting.push_front({owner, shard->stretch.offset});
        }
        while (shard != nullptr && !shard->bytes && !shard->has_failed && !ports_.is_cancelled()) {
            state_->changed.wait_for(lock, kLook);
            shard = state_->find(owner, offset, out.size());
        }
        if (shard != nullptr && shard->bytes) {
            bytes = shard->bytes;
            begin = shard->stretch.offset;
        }
    }
    if (loads_again) ports_.executor.post([state = state_] { state->load_all(); });
    if (!bytes) return read_directly(owner, offset, out);
    std::ranges::copy(ByteSpan(*bytes).subspan(offset - begin, out.size()), out.begin());
    return {};
}

Status RunShards::read_directly(std::uint32_t owner, std::uint64_t offset, MutableByteSpan out) {
    for (int tried = 1;; ++tried) {
        auto bytes = state_->objects[owner]->read(offset, out.size());
        if (bytes.ok()) {
            std::ranges::copy(*bytes, out.begin());
            const std::lock_guard lock(state_->mutex);
            state_->figures.bytes_read += out.size();
            return {};
        }
        if (bytes.error().kind != ErrorKind::unavailable || tried == kTries ||
            ports_.is_cancelled())
            return std::move(bytes).error();
        ports_.clock.sleep(1s * (1 << (tried - 1)));
    }
}

Status read_in_order(
    RunShards& shards, std::span<const train::Stretch> stretches,
    const std::function<Status(const train::Stretch& stretch, ByteSpan bytes)>& take) {
    for (; !stretches.empty(); stretches = stretches.subspan(1)) {
        shards.expect(stretches.first(std::min(kStretchesAhead, stretches.size())));
        const auto& [owner, offset, size] = stretches.front();
        Bytes bytes(size);
        TRY_VOID(shards.read(owner, offset, bytes));
        TRY_VOID(take(stretches.front(), bytes));
    }
    return {};
}

}  // namespace mutirao::node

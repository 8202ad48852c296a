#include "hot/shard_store.hpp"

#include <algorithm>
#include <atomic>

#include "base/log.hpp"

namespace mutirao::hot {
namespace {

constexpr std::uint64_t kPage = 4096;

// Bytes in use, known to every shard that is still held.
using Used = std::shared_ptr<std::atomic<std::uint64_t>>;

// A shard that gives its bytes back when the last holder lets go.
class CountedShard final : public SharedBytes {
  public:
    CountedShard(std::shared_ptr<const SharedBytes> memory, std::uint64_t charge, Used used)
        : memory_(std::move(memory)), charge_(charge), used_(std::move(used)) {}
    ~CountedShard() override {
        memory_.reset();
        used_->fetch_sub(charge_);
    }
    ByteSpan bytes() const override { return memory_->bytes(); }
    int descriptor() const override { return memory_->descriptor(); }

  private:
    std::shared_ptr<const SharedBytes> memory_;
    const std::uint64_t charge_;
    const Used used_;
};

std::uint64_t charge_of(std::uint64_t size) {
    return std::max<std::uint64_t>(1, (size + kPage - 1) / kPage) * kPage;
}

}  // namespace

struct ShardStore::State {
    using Outcome = Result<HeldShard>;
    struct Load {  // one load that several gets may wait for
        std::condition_variable done;
        std::optional<Outcome> outcome;
    };
    struct Entry {
        HeldShard shard;
        std::list<ShardName>::iterator recency;
    };

    State(SharedMemory& memory, std::shared_ptr<SealedLevel> below, Executor& executor,
          StoreLimits limits)
        : memory(memory), below(std::move(below)), executor(executor), limits(limits) {}

    Outcome get(OpenObject& object, std::uint32_t index);
    Outcome load(OpenObject& object, std::uint32_t index);
    Result<Bytes> plaintext(OpenObject& object, std::uint32_t index);
    Status reserve(const ShardName& name, std::uint64_t charge);
    bool begin_prefetch(OpenObject& object, std::uint32_t index);

    SharedMemory& memory;
    const std::shared_ptr<SealedLevel> below;
    Executor& executor;
    const StoreLimits limits;
    const Used used = std::make_shared<std::atomic<std::uint64_t>>(0);

    mutable std::mutex mutex;  // guards everything below
    std::unordered_map<ShardName, Entry> entries;
    std::list<ShardName> recent;  // most recently used first
    std::unordered_map<ShardName, std::shared_ptr<Load>> loads;
    std::size_t prefetches = 0;
    StoreStats stats;
};

Result<HeldShard> ShardStore::State::get(OpenObject& object, std::uint32_t index) {
    if (index >= object.shards())
        return Error{ErrorKind::invalid_argument,
                     "the object has " + std::to_string(object.shards()) + " shards"};
    const auto name = object.name(index);
    std::shared_ptr<Load> own;
    {
        std::unique_lock lock(mutex);
        if (const auto at = entries.find(name); at != entries.end()) {
            ++stats.hits;
            recent.splice(recent.begin(), recent, at->second.recency);
            return at->second.shard;
        }
        if (const auto at = loads.find(name); at != loads.end()) {
            ++stats.hits;
            const auto other = at->second;  // keeps it alive after the loader's own get is done
            other->done.wait(lock, [&] { return other->outcome.has_value(); });
            return *other->outcome;
        }
        own = std::make_shared<Load>();
        loads.emplace(name, own);
    }
    auto loaded = load(object, index);
    const std::lock_guard lock(mutex);
    if (loaded.ok()) {
        recent.push_front(name);
        entries.emplace(name, Entry{*loaded, recent.begin()});
    }
    own->outcome = std::move(loaded);
    loads.erase(name);
    own->done.notify_all();
    return *own->outcome;
}

// Takes the room before the bytes are brought, so that loads at the same time cannot exceed it.
Status ShardStore::State::reserve(const ShardName& name, std::uint64_t charge) {
    const std::lock_guard lock(mutex);
    const auto fits = [&] {
        return used->load() + charge <= limits.memory_max && entries.size() < limits.shards_max;
    };
    for (auto at = recent.end(); !fits() && at != recent.begin();) {
        --at;
        const auto entry = entries.find(*at);
        // Only get() hands shards out, under the lock, so a count of one cannot rise meanwhile.
        if (entry->second.shard.use_count() > 1) continue;
        entry->second.shard.reset();
        ++stats.evictions;
        entries.erase(entry);
        at = recent.erase(at);
    }
    if (!fits())
        return Error{ErrorKind::resource_exhausted,
                     "shard " + name.block.hex() + " of " + std::to_string(charge) +
                         " bytes does not fit: " + std::to_string(used->load()) + " of " +
                         std::to_string(limits.memory_max) +
                         " bytes of memory are being read; let some shards go"};
    used->fetch_add(charge);
    return {};
}

Result<HeldShard> ShardStore::State::load(OpenObject& object, std::uint32_t index) {
    const auto size = object.size(index);
    if (size > kShardSizeMax)
        return Error{ErrorKind::invalid_argument, "a shard has at most 32 MiB"};
    const auto charge = charge_of(size);
    TRY_VOID(reserve(object.name(index), charge));
    auto made = [&]() -> Result<std::shared_ptr<const SharedBytes>> {
        TRY(auto plain, plaintext(object, index));
        if (plain.size() != size)
            return Error{ErrorKind::corrupt, "a shard was opened with another size than its own"};
        return memory.make(plain.size(), [&](MutableByteSpan room) -> Status {
            std::copy(plain.begin(), plain.end(), room.begin());
            return {};
        });
    }();
    if (!made.ok()) {
        used->fetch_sub(charge);
        return std::move(made).error();
    }
    return HeldShard(std::make_shared<CountedShard>(std::move(*made), charge, used));
}

Result<Bytes> ShardStore::State::plaintext(OpenObject& object, std::uint32_t index) {
    const auto name = object.name(index);
    if (below) {
        auto sealed = below->get(name);
        bool refused = !sealed.ok() && sealed.error().kind != ErrorKind::not_found;
        if (sealed.ok()) {
            if (auto plain = object.open_sealed(index, *sealed); plain.ok()) {
                const std::lock_guard lock(mutex);
                ++stats.disk_loads;
                return plain;
            }
            below->forget(name);
            refused = true;
        }
        const std::lock_guard lock(mutex);
        stats.disk_refused += refused;
    }
    TRY(const auto sealed, object.read_sealed(index));
    TRY(auto plain, object.open_sealed(index, sealed));
    {
        const std::lock_guard lock(mutex);
        ++stats.cold_loads;
    }
    // Ciphertext only, and only what opened. Without the disk everything is as before, but slower.
    if (below)
        if (auto put = below->put(name, sealed); !put.ok())
            LOG_WARN("a hot shard is not kept on disk: " + put.error().message);
    return plain;
}

bool ShardStore::State::begin_prefetch(OpenObject& object, std::uint32_t index) {
    const auto name = object.name(index);
    const std::lock_guard lock(mutex);
    if (prefetches >= limits.prefetches_max || entries.contains(name) || loads.contains(name))
        return false;
    ++prefetches;
    return true;
}

ShardStore::ShardStore(SharedMemory& memory, std::shared_ptr<SealedLevel> below, Executor& executor,
                       StoreLimits limits)
    : state_(std::make_shared<State>(memory, std::move(below), executor, limits)) {}

ShardStore::~ShardStore() = default;

Result<HeldShard> ShardStore::get(const std::shared_ptr<OpenObject>& object, std::uint32_t index) {
    return state_->get(*object, index);
}

std::uint32_t ShardStore::prefetch(const std::shared_ptr<OpenObject>& object, std::uint32_t first,
                                   std::uint32_t count) {
    std::uint32_t begun = 0;
    for (std::uint64_t at = first; at < std::uint64_t{first} + count && at < object->shards();
         ++at) {
        const auto index = static_cast<std::uint32_t>(at);
        if (!state_->begin_prefetch(*object, index)) continue;
        ++begun;
        state_->executor.post([state = state_, object, index] {
            // Whoever wants the shard hears what is wrong from a load of their own.
            static_cast<void>(state->get(*object, index));
            const std::lock_guard lock(state->mutex);
            --state->prefetches;
        });
    }
    return begun;
}

void ShardStore::drop(const ShardName& name) {
    HeldShard leaving;  // freed after the lock
    const std::lock_guard lock(state_->mutex);
    const auto at = state_->entries.find(name);
    if (at == state_->entries.end()) return;
    leaving = std::move(at->second.shard);
    state_->recent.erase(at->second.recency);
    state_->entries.erase(at);
    ++state_->stats.evictions;
}

bool ShardStore::holds(const ShardName& name) const {
    const std::lock_guard lock(state_->mutex);
    return state_->entries.contains(name);
}

StoreStats ShardStore::stats() const {
    const std::lock_guard lock(state_->mutex);
    auto out = state_->stats;
    out.memory = state_->used->load();
    return out;
}

std::uint64_t ShardStore::memory_max() const { return state_->limits.memory_max; }

}  // namespace mutirao::hot

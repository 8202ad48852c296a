#include "node/run_store.hpp"

#include <algorithm>
#include <bit>
#include <charconv>

#include "base/log.hpp"
#include "train/agreement_message.hpp"

namespace mutirao::node {
namespace {

constexpr std::string_view kFolder = "runs";
constexpr std::uint16_t kVersion = 3;
constexpr std::size_t kPlanMax = 16 << 20;
constexpr std::size_t kWorkMax = 1 << 20;
constexpr std::size_t kSaidMax = 256 << 20;
constexpr std::uint32_t kAssetsMax = 65536;
constexpr std::size_t kSignedMax = train::kMessageBytesMax + crypto::AccountSignature::kSize;

}  // namespace

Bytes WorkDone::encode() const {
    Writer writer;
    writer.u(kVersion).u(round).raw(state.span()).raw(own.span()).u(tokens).u(bytes_sent);
    writer.u(std::bit_cast<std::uint64_t>(train_loss));
    writer.u(static_cast<std::uint32_t>(asset_tokens.size()));
    for (const auto count : asset_tokens) writer.u(count);
    writer.raw(payload.span());
    return std::move(writer).take();
}

Result<WorkDone> WorkDone::decode(ByteSpan bytes) {
    Reader reader(bytes);
    TRY(const auto version, reader.u<std::uint16_t>());
    if (version != kVersion)
        return Error{ErrorKind::corrupt, "a training worker's record is of another version"};
    WorkDone work;
    TRY(work.round, reader.u<std::uint32_t>());
    TRY(work.state, reader.fixed<Digest>());
    TRY(work.own, reader.fixed<Digest>());
    TRY(work.tokens, reader.u<std::uint64_t>());
    TRY(work.bytes_sent, reader.u<std::uint64_t>());
    TRY(const auto loss_bits, reader.u<std::uint64_t>());
    work.train_loss = std::bit_cast<double>(loss_bits);
    TRY(const auto count, reader.u<std::uint32_t>());
    if (count > kAssetsMax) return Error{ErrorKind::corrupt, "too many assets in a record"};
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(const auto tokens, reader.u<std::uint64_t>());
        work.asset_tokens.push_back(tokens);
    }
    TRY(work.payload, reader.fixed<Digest>());
    TRY_VOID(reader.finish());
    return work;
}

Result<std::unique_ptr<RunStore>> RunStore::open(Disk& disk, const train::RunId& run) {
    std::unique_ptr<RunStore> store(new RunStore(disk, std::string(kFolder) + "/" + run.hex()));
    TRY(const auto work, store->work());
    TRY_VOID(store->load_blobs(work ? work->round : 0));
    TRY_VOID(store->load_said());
    TRY_VOID(store->load_secrets());
    return store;
}

// The index is a folder of its own, since a Disk lists files only.
Result<std::vector<train::RunId>> RunStore::unfinished(Disk& disk) {
    TRY(const auto names, disk.list(std::string(kFolder) + "/open"));
    std::vector<train::RunId> runs;
    for (const auto& name : names)
        if (auto run = train::RunId::from_hex(name); run.ok()) runs.push_back(*run);
    return runs;
}

Status RunStore::keep_plan(ByteSpan plan) {
    TRY_VOID(disk_.write_file_atomic(folder_ + "/plan", plan));
    const auto name = folder_.substr(folder_.rfind('/') + 1);
    return disk_.write_file_atomic(std::string(kFolder) + "/open/" + name, {});
}

Result<Bytes> RunStore::plan() const { return disk_.read_file(folder_ + "/plan", kPlanMax); }

Status RunStore::finish() {
    const auto name = std::string(kFolder) + "/open/" + folder_.substr(folder_.rfind('/') + 1);
    TRY(const auto is_open, disk_.exists(name));
    return is_open ? disk_.remove(name) : Status();
}

Status RunStore::keep_work(const WorkDone& work) {
    return disk_.write_file_atomic(folder_ + "/work", work.encode());
}

Result<std::optional<WorkDone>> RunStore::work() const {
    TRY(const auto exists, disk_.exists(folder_ + "/work"));
    if (!exists) return std::optional<WorkDone>();
    TRY(const auto bytes, disk_.read_file(folder_ + "/work", kWorkMax));
    TRY(auto work, WorkDone::decode(bytes));
    return std::optional<WorkDone>(std::move(work));
}

Status RunStore::load_blobs(std::uint32_t round) {
    TRY(const auto names, disk_.list(folder_));
    for (const auto& name : names) {
        if (!name.starts_with("blob-")) continue;
        const auto file = folder_ + "/" + name;
        TRY(const auto bytes, disk_.read_file(file, train::kBlobBytesMax));
        auto list = train::chunk_list(bytes);
        const auto id = list.id();
        if (name == "blob-" + id.hex()) {
            blobs_[id] = {std::move(list), round};
        } else {
            LOG_WARN(file + " is damaged; it is fetched again when it is needed");
            TRY_VOID(disk_.remove(file));
        }
    }
    return {};
}

Status RunStore::load_said() {
    TRY(messages_, disk_.open(folder_ + "/said"));
    if (messages_->size() > kSaidMax)
        return Error{ErrorKind::corrupt, "what this worker said of a run is over 256 MiB"};
    Bytes bytes(messages_->size());
    TRY_VOID(messages_->read(0, bytes));
    Reader reader(bytes);
    std::size_t whole = 0;
    while (reader.remaining() > 0) {
        const auto message = reader.blob(kSignedMax);
        if (!message.ok()) break;
        said_.push_back(to_bytes(*message));
        whole = reader.offset();
    }
    return whole == bytes.size() ? Status() : messages_->truncate(whole);
}

Status RunStore::load_secrets() {
    TRY(const auto names, disk_.list(folder_));
    for (const auto& name : names) {
        std::uint32_t round = 0;
        if (!name.starts_with("sum-")) continue;
        const auto [end, error] =
            std::from_chars(name.data() + 4, name.data() + name.size(), round);
        if (error == std::errc() && end == name.data() + name.size()) secrets_.insert(round);
    }
    return {};
}

Result<crypto::Key> RunStore::sum_secret(std::uint32_t round, Random& random) {
    const std::lock_guard lock(mutex_);
    if (secrets_.contains(round)) {
        TRY(const auto bytes, disk_.read_file(secret_path(round), crypto::Key::kSize));
        return crypto::Key::from_bytes(bytes);
    }
    const auto secret = random.fixed<crypto::Key>();
    TRY_VOID(disk_.write_file_atomic(secret_path(round), secret.span()));
    secrets_.insert(round);
    return secret;
}

Result<Digest> RunStore::put(std::uint32_t round, ByteSpan blob) {
    auto list = train::chunk_list(blob);
    const auto id = list.id();
    TRY_VOID(disk_.write_file_atomic(path(id), blob));
    const std::lock_guard lock(mutex_);
    auto& known = blobs_[id];
    known.round = std::max(known.round, round);
    known.list = std::move(list);
    return id;
}

Status RunStore::drop(const Digest& blob) {
    const std::lock_guard lock(mutex_);
    return blobs_.erase(blob) == 0 ? Status() : disk_.remove(path(blob));
}

bool RunStore::has(const Digest& blob) const {
    const std::lock_guard lock(mutex_);
    return blobs_.contains(blob);
}

std::vector<Digest> RunStore::blobs() const {
    const std::lock_guard lock(mutex_);
    std::vector<Digest> out;
    for (const auto& [id, blob] : blobs_) out.push_back(id);
    return out;
}

Result<Bytes> RunStore::get(const Digest& blob) const {
    return disk_.read_file(path(blob), train::kBlobBytesMax);
}

Result<Bytes> RunStore::list(const Digest& blob) const {
    const std::lock_guard lock(mutex_);
    const auto found = blobs_.find(blob);
    if (found == blobs_.end())
        return Error{ErrorKind::not_found, "this worker has no blob " + blob.hex()};
    return train::encode_chunk_list(found->second.list);
}

Result<Bytes> RunStore::chunk(const Digest& blob, std::uint32_t index) const {
    std::uint64_t size = 0;
    {
        const std::lock_guard lock(mutex_);
        const auto found = blobs_.find(blob);
        if (found == blobs_.end() || index >= found->second.list.hashes.size())
            return Error{ErrorKind::not_found, "this worker has no such chunk of " + blob.hex()};
        size = found->second.list.size;
    }
    TRY(const auto file, disk_.open(path(blob)));
    const auto from = std::uint64_t{index} * train::kChunkBytes;
    Bytes out(std::min<std::uint64_t>(train::kChunkBytes, size - from));
    TRY_VOID(file->read(from, out));
    return out;
}

Status RunStore::say(std::span<const Bytes> messages) {
    if (messages.empty()) return {};
    Writer writer;
    for (const auto& message : messages) writer.blob(message);
    const std::lock_guard lock(mutex_);
    TRY_VOID(messages_->append(writer.bytes()));
    return messages_->sync();
}

Status RunStore::forget(std::uint32_t round, std::span<const Bytes> messages) {
    Writer writer;
    for (const auto& message : messages) writer.blob(message);
    TRY_VOID(disk_.write_file_atomic(folder_ + "/said", writer.bytes()));
    const std::lock_guard lock(mutex_);
    TRY(messages_, disk_.open(folder_ + "/said"));
    for (auto at = blobs_.begin(); at != blobs_.end();) {
        if (at->second.round >= round) {
            ++at;
            continue;
        }
        TRY_VOID(disk_.remove(path(at->first)));
        at = blobs_.erase(at);
    }
    while (!secrets_.empty() && *secrets_.begin() < round) {
        TRY_VOID(disk_.remove(secret_path(*secrets_.begin())));
        secrets_.erase(secrets_.begin());
    }
    return {};
}

}  // namespace mutirao::node

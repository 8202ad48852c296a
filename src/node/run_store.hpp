// What a worker keeps of one training run on its disk: how it was begun, its latest state, the
// blobs (payloads and states) that it may be asked for, and what it said.
#pragma once

#include <map>
#include <mutex>
#include <set>

#include "base/ports.hpp"
#include "crypto/hash.hpp"
#include "node/kept_chunks.hpp"
#include "train/payload.hpp"

namespace mutirao::node {

// Of this worker alone, since its beginning.
struct WorkDone {
    std::uint32_t round = 0;  // whose local steps come next
    Digest state;             // the blob of its RunState
    Digest own = {};          // the blob of its WorkerState
    std::uint64_t tokens = 0, bytes_sent = 0;
    double train_loss = 0;  // of the latest round with steps
    std::vector<std::uint64_t> asset_tokens;
    // A payload of `round` whose local steps are behind `own`: to be said, unless it was. Zero when
    // the round's steps come next.
    Digest payload = {};

    bool operator==(const WorkDone&) const = default;
    Bytes encode() const;
    static Result<WorkDone> decode(ByteSpan bytes);
};

// Any thread may call. Everything is durable when a call returns.
class RunStore {
  public:
    // Blobs that are damaged are left out. io and the like when the disk cannot be read.
    static Result<std::unique_ptr<RunStore>> open(Disk& disk, const train::RunId& run);
    // Runs that have a folder on this disk and are not done.
    static Result<std::vector<train::RunId>> unfinished(Disk& disk);

    Status keep_plan(ByteSpan plan);
    Result<Bytes> plan() const;
    // Not in unfinished() any more.
    Status finish();

    Status keep_work(const WorkDone& work);
    Result<std::optional<WorkDone>> work() const;

    // What this worker's part in a round's secure sum follows from: as kept before, or a fresh one.
    // Whoever has it while the round's masked values are known learns this worker's.
    Result<crypto::Key> sum_secret(std::uint32_t round, Random& random);

    // Blobs and secrets of rounds before `round` of forget() are removed then.
    Result<Digest> put(std::uint32_t round, ByteSpan blob);
    // A blob that nobody needs any more; none with that name is no error.
    Status drop(const Digest& blob);
    bool has(const Digest& blob) const;
    std::vector<Digest> blobs() const;
    Result<Bytes> get(const Digest& blob) const;
    // The list of its chunks, encoded; or one chunk. not_found.
    Result<Bytes> list(const Digest& blob) const;
    Result<Bytes> chunk(const Digest& blob, std::uint32_t index) const;

    // Of blobs that come; beside these, and not among them.
    KeptChunks chunks_to_come() { return {disk_, folder_}; }

    Status say(std::span<const Bytes> messages);
    // Everything that was said, as it was, without what a crash cut off.
    const std::vector<Bytes>& said() const { return said_; }
    // Only these messages are kept on.
    Status forget(std::uint32_t round, std::span<const Bytes> messages);

  private:
    struct Blob {
        train::ChunkList list;
        std::uint32_t round = 0;
    };
    RunStore(Disk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}
    Status load_blobs(std::uint32_t round);
    Status load_said();
    Status load_secrets();
    std::string secret_path(std::uint32_t round) const {
        return folder_ + "/sum-" + std::to_string(round);
    }
    std::string path(const Digest& blob) const { return folder_ + "/blob-" + blob.hex(); }

    Disk& disk_;
    const std::string folder_;
    std::vector<Bytes> said_;
    mutable std::mutex mutex_;  // guards what follows
    std::map<Digest, Blob> blobs_;
    std::set<std::uint32_t> secrets_;  // rounds
    std::unique_ptr<File> messages_;
};

}  // namespace mutirao::node

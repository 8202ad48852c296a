#include "consensus/snapshot_store.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace mutirao::consensus {
namespace {

constexpr std::size_t kIndexMax = 1 << 20;
constexpr std::size_t kTaskBytes = 4 * kStatePiece;
constexpr std::string_view kDamaged =
    "; restore it from a copy, or, where blocks.log still begins at block 1, delete the files "
    "\"snapshot\" and \"snapshot.*\", and the ledger replays that";

Error damaged(const std::string& file) {
    return {ErrorKind::corrupt, "the file \"" + file + "\" is damaged" + std::string(kDamaged)};
}

Status remove_if_there(Disk& disk, std::string_view path) {
    TRY(const auto exists, disk.exists(path));
    if (!exists) return {};
    return disk.remove(path);
}

// The file of a state that is being written, from its beginning.
Result<std::unique_ptr<File>> new_state_file(Disk& disk, std::uint64_t height) {
    TRY(auto file, disk.open(snapshot_state_file(height)));
    if (file->size() > 0) TRY_VOID(file->truncate(0));
    return file;
}

// The state is on the disk: from now on it is the snapshot.
Status publish(Disk& disk, const StateIndex& index) {
    const auto before = read_snapshot_index(disk);
    TRY_VOID(disk.write_file_atomic(kSnapshotFile, index.encode()));
    if (before.ok() && *before && (*before)->height != index.height)
        if (auto removed = remove_if_there(disk, snapshot_state_file((*before)->height));
            !removed.ok())
            LOG_WARN("an old snapshot was not removed: " + removed.error().message);
    return {};
}

}  // namespace

std::string snapshot_state_file(std::uint64_t height) {
    return std::string(kSnapshotFile) + "." + std::to_string(height);
}

Result<std::optional<StateIndex>> read_snapshot_index(Disk& disk) {
    TRY(const auto exists, disk.exists(kSnapshotFile));
    if (!exists) return std::optional<StateIndex>();
    TRY(const auto stored, disk.read_file(kSnapshotFile, kIndexMax));
    auto index = StateIndex::decode(stored);
    if (!index.ok()) return damaged(std::string(kSnapshotFile));
    return std::optional(std::move(*index));
}

Result<std::optional<StateExport>> read_snapshot(Disk& disk) {
    TRY(const auto index, read_snapshot_index(disk));
    if (!index) return std::optional<StateExport>();
    const auto path = snapshot_state_file(index->height);
    StateExport out{index->height, index->last_hash, {}};
    auto state = disk.read_file(path, kStateMax);
    if (!state.ok() && state.error().kind != ErrorKind::not_found) return std::move(state).error();
    if (!state.ok() || !index->matches(*state)) return damaged(path);
    out.state = std::move(*state);
    return std::optional(std::move(out));
}

Status store_snapshot(Disk& disk, const StateExport& state) {
    TRY(const auto file, new_state_file(disk, state.height));
    TRY_VOID(file->append(state.state));
    TRY_VOID(file->sync());
    return publish(disk, state.index());
}

Status remove_stray_states(Disk& disk) {
    TRY(const auto index, read_snapshot_index(disk));
    TRY(const auto names, disk.list(""));
    const auto prefix = std::string(kSnapshotFile) + ".";
    for (const auto& name : names)
        if (name.starts_with(prefix) && (!index || name != snapshot_state_file(index->height)))
            TRY_VOID(disk.remove(name));
    return {};
}

class SnapshotWriter::Job : public std::enable_shared_from_this<Job> {
  public:
    Job(Disk& disk, Executor* executor, const AtPoint& at_point, StateIndex index,
        std::unique_ptr<FrozenState> state, HistoryLog& history)
        : disk_(disk),
          executor_(executor),
          at_point_(at_point),
          state_(std::move(state)),
          history_(history),
          index_(std::move(index)) {}

    // All of it, or a task that does a part and posts the next.
    void run() {
        if (executor_ == nullptr) {
            while (!step()) continue;
        } else {
            executor_->post([job = shared_from_this()] {
                if (!job->step()) job->run();
            });
        }
    }
    void cancel() {
        std::unique_lock lock(mutex_);
        cancelled_ = true;
        idle_.wait(lock, [&] { return !busy_; });
    }
    std::optional<Result<StateIndex>> outcome() const {
        const std::lock_guard lock(mutex_);
        return outcome_;
    }

  private:
    // Whether nothing is left to do.
    bool step();
    Result<bool> write_some();
    Result<bool> write_history();
    void at(std::string_view point) const {
        if (at_point_) at_point_(point);
    }

    // By one task at a time.
    Disk& disk_;
    Executor* executor_;
    const AtPoint& at_point_;
    std::unique_ptr<FrozenState> state_;
    HistoryLog& history_;
    bool history_written_ = false;
    StateIndex index_;
    std::unique_ptr<File> file_;
    Bytes unwritten_;  // less than a piece

    mutable std::mutex mutex_;  // guards everything below
    std::condition_variable idle_;
    bool busy_ = false, cancelled_ = false;
    std::optional<Result<StateIndex>> outcome_;
};

bool SnapshotWriter::Job::step() {
    {
        const std::lock_guard lock(mutex_);
        if (cancelled_) return true;
        busy_ = true;
    }
    // Also where a test ends the process by an exception.
    struct Idle {
        Job& job;
        ~Idle() {
            const std::lock_guard lock(job.mutex_);
            job.busy_ = false;
            job.idle_.notify_all();
        }
    } idle{*this};
    const auto more = write_some();
    if (more.ok() && *more) return false;
    state_.reset();
    file_.reset();
    // What was written of it is room for the next.
    if (!more.ok()) static_cast<void>(remove_if_there(disk_, snapshot_state_file(index_.height)));
    const std::lock_guard lock(mutex_);
    if (more.ok())
        outcome_ = index_;
    else
        outcome_ = more.error();
    return true;
}

// Whether there was any.
Result<bool> SnapshotWriter::Job::write_history() {
    std::size_t bytes = 0;
    while (bytes < kTaskBytes) {
        const auto part = state_->next_history(history_.last_height());
        if (!part) break;
        TRY_VOID(history_.append(part->height, part->bytes));
        bytes += part->bytes.size();
    }
    if (bytes == 0) return false;
    at("history_after_append");
    TRY_VOID(history_.sync());
    at("history_after_sync");
    return true;
}

Result<bool> SnapshotWriter::Job::write_some() {
    if (!file_) {
        TRY(file_, new_state_file(disk_, index_.height));
    }
    if (!history_written_) {
        TRY(const auto more, write_history());
        history_written_ = !more;
        if (more) return true;
    }
    bool more = true;
    while (more && unwritten_.size() < kTaskBytes) {
        const auto read = state_->next(kTaskBytes);
        more = !read.empty();
        unwritten_.insert(unwritten_.end(), read.begin(), read.end());
    }
    const auto whole = more ? unwritten_.size() / kStatePiece * kStatePiece : unwritten_.size();
    const auto bytes = ByteSpan(unwritten_).first(whole);
    TRY_VOID(file_->append(bytes));
    index_.add(bytes);
    unwritten_.erase(unwritten_.begin(), unwritten_.begin() + static_cast<std::ptrdiff_t>(whole));
    at("snapshot_after_append");
    TRY_VOID(file_->sync());
    at("snapshot_after_sync");
    if (more) return true;
    TRY_VOID(publish(disk_, index_));
    at("snapshot_after_write");
    if (auto done = history_.forget_below(state_->history_begin()); !done.ok())
        LOG_WARN("old history was not forgotten: " + done.error().message);
    return false;
}

SnapshotWriter::SnapshotWriter(Disk& disk, Executor* executor, const AtPoint& at_point)
    : disk_(disk), executor_(executor), at_point_(at_point) {}

SnapshotWriter::~SnapshotWriter() {
    if (job_) job_->cancel();
}

void SnapshotWriter::begin(std::unique_ptr<FrozenState> state, std::uint64_t height,
                           const Digest& last_hash, HistoryLog& history) {
    ENSURE(job_ == nullptr, "one snapshot is written at a time");
    job_ = std::make_shared<Job>(disk_, executor_, at_point_, StateIndex{height, last_hash, 0, {}},
                                 std::move(state), history);
    job_->run();
}

std::optional<Result<StateIndex>> SnapshotWriter::take_outcome() {
    if (!job_) return std::nullopt;
    auto out = job_->outcome();
    if (out) job_.reset();
    return out;
}

}  // namespace mutirao::consensus

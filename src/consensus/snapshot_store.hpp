// Snapshots on disk: "snapshot" is the StateIndex of a state that stands in a file of its own
// beside it, "snapshot." and the height. The index is written last, so that there is always one
// whole snapshot, once there was one; what an interrupted write has left is removed on opening.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "consensus/engine.hpp"
#include "consensus/history_log.hpp"
#include "consensus/state_export.hpp"

namespace mutirao::consensus {

inline constexpr std::string_view kSnapshotFile = "snapshot";
std::string snapshot_state_file(std::uint64_t height);

// nullopt when there is none yet; corrupt, with what to do, for one that is damaged.
Result<std::optional<StateIndex>> read_snapshot_index(Disk& disk);
Result<std::optional<StateExport>> read_snapshot(Disk& disk);
// Writes one at once, instead of what is there.
Status store_snapshot(Disk& disk, const StateExport& state);
// Removes states that no index names. While none is being written.
Status remove_stray_states(Disk& disk);

// Writes snapshots of an application that goes on, one at a time: first what the history log lacks,
// then the state. Each 4 MiB are read, appended and synced in a task of their own, so that neither
// the executor nor the disk is kept from others for long. Memory: a task's bytes, and what the
// frozen state keeps. By one thread at a time.
class SnapshotWriter {
  public:
    // Without an executor, begin() does it all. All must outlive the writer.
    SnapshotWriter(Disk& disk, Executor* executor, const AtPoint& at_point);
    // Waits for the task under way, and has no other done.
    ~SnapshotWriter();

    bool is_writing() const { return job_ != nullptr; }
    // While none is being written. The state is that after the block of this height and hash. Until
    // its end, `history` is the writer's.
    void begin(std::unique_ptr<FrozenState> state, std::uint64_t height, const Digest& last_hash,
               HistoryLog& history);
    // What became of the one that was begun; nullopt while it is being written, or none was begun.
    std::optional<Result<StateIndex>> take_outcome();

  private:
    class Job;
    Disk& disk_;
    Executor* executor_;
    const AtPoint& at_point_;
    std::shared_ptr<Job> job_;  // with its next task
};

}  // namespace mutirao::consensus

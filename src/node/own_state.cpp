#include "node/own_state.hpp"

#include <utility>

#include "base/log.hpp"

namespace mutirao::node {
namespace {

Result<train::WorkerState> read_own_state(const RunStore& store, const WorkDone& work) {
    TRY(const auto shared, store.get(work.state));
    TRY(const auto own, store.get(work.own));
    return train::decode_worker_state(own, shared);
}

}  // namespace

std::optional<train::WorkerState> own_state_of(const RunStore& store, const WorkDone& work) {
    if (work.own == Digest{}) return std::nullopt;  // it took the others' state since
    auto state = read_own_state(store, work);
    if (state.ok()) return std::move(state).value();
    LOG_WARN("what this worker owed, and its optimizer's moments, are lost: " +
             state.error().message);
    return std::nullopt;
}

Status OwnState::keep(train::WorkerState state, WorkDone work) {
    std::optional<Digest> old;
    if (kept_.valid()) {
        TRY(old, kept());
    }
    auto promise = std::make_shared<std::promise<Result<Digest>>>();
    kept_ = promise->get_future().share();
    auto write = [this, old, state = std::move(state),
                  work = std::move(work)]() mutable -> Result<Digest> {
        const auto old_run_state = std::exchange(run_state_, std::nullopt);
        if (work.state == Digest{}) {
            TRY(work.state, store_.put(work.round, train::encode_run_state(state.shared)));
            run_state_ = work.state;
        }
        TRY(work.own, store_.put(work.round, train::encode_worker_state(state)));
        TRY_VOID(store_.keep_work(work));
        if (!is_shown_ && old && *old != work.own) TRY_VOID(store_.drop(*old));
        if (old_run_state && old_run_state != run_state_) TRY_VOID(store_.drop(*old_run_state));
        return work.own;
    };
    executor_.post([promise, write = std::move(write)]() mutable { promise->set_value(write()); });
    return {};
}

Result<Digest> OwnState::kept() { return kept_.get(); }

}  // namespace mutirao::node

// Training: who accuses whom of made-up rounds, and when that is a conviction.
#include <algorithm>

#include "ledger/convictions.hpp"
#include "ledger/training.hpp"

namespace mutirao::ledger {
namespace {

constexpr std::size_t kAccusersMin = 2;  // one trainer's word alone would rob the other of two

bool is_enough(const Run& run, std::size_t accusers) {
    return accusers >= kAccusersMin && 2 * accusers > run.trainers.size() - 1;
}

}  // namespace

Status accuse_trainer(Context& context, abi::Reader in) {
    TRY(const auto id, in.bytes32());
    TRY(const auto trainer, in.address());
    TRY(const auto round, in.number32());
    TRY(const auto run, open_run(context, id));
    const auto takes_part = [&](const Address& who) {
        return std::ranges::find(run.trainers, who) != run.trainers.end();
    };
    const bool is_builder = context.sender == run.builder;
    if (!is_builder && !takes_part(context.sender))
        return denied("only the run's builder and its trainers may accuse one");
    if (context.sender == trainer) return refused("nobody accuses oneself");
    if (!takes_part(trainer)) return refused("whom you accuse is no trainer of the run");
    const auto at = key::conviction(id, trainer);
    TRY(const auto found, read<Conviction>(context.state, at));
    auto known = found.value_or(Conviction{trainer, round, {}, false, false});
    const bool stood = known.stands();
    // A builder that trains, too, has one word.
    if (is_builder ? known.by_builder
                   : std::ranges::find(known.accusers, context.sender) != known.accusers.end())
        return Error{ErrorKind::already_exists, "you accused this trainer before"};
    if (is_builder)
        known.by_builder = true;
    else
        known.accusers.push_back(context.sender);
    known.by_trainers = is_enough(run, known.accusers.size());
    context.state.write(at, known);
    if (stood || !known.stands()) return {};
    return emit(context, EventKind::trainer_convicted, context.sender, trainer, id);
}

Result<bool> forfeits(const Context& context, const Run& run, const Address& trainer) {
    TRY(const auto found, read<Conviction>(context.state, key::conviction(run.id, trainer)));
    return found && found->by_trainers;
}

}  // namespace mutirao::ledger

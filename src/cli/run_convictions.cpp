#include "cli/run_convictions.hpp"

#include "crypto/account.hpp"
#include "ledger/convictions.hpp"

namespace mutirao::cli {
namespace {

constexpr std::size_t kTrainersMax = 256;

std::string line_of(const ledger::Conviction& of) {
    const auto who = crypto::to_checksum_text(of.trainer);
    const auto by = std::to_string(of.accusers.size()) + " of the others" +
                    (of.by_builder ? " and the builder" : "");
    return of.stands()
               ? who + " is convicted of a made-up round " + std::to_string(of.round) + " by " + by
               : who + " is accused of a made-up round " + std::to_string(of.round) + " by " + by;
}

}  // namespace

Result<boost::json::array> show_convictions(Session& session, const Digest& run) {
    TRY(const auto all, ledger::read_all<ledger::Conviction>(
                            session.ledger(), ledger::key::convictions(run), kTrainersMax));
    boost::json::array out;
    for (const auto& each : all) {
        session.out().line(line_of(each));
        out.push_back(boost::json::object{{"trainer", crypto::to_checksum_text(each.trainer)},
                                          {"round", each.round},
                                          {"by_trainers", each.by_trainers},
                                          {"by_builder", each.by_builder},
                                          {"accusers", each.accusers.size()}});
    }
    return out;
}

Status record_convictions(Session& session, node::Sender& builder, const ledger::Run& run,
                          const std::set<std::uint32_t>& cheaters, std::uint32_t rounds) {
    for (const auto worker : cheaters) {
        const auto& trainer = run.trainers.at(worker);
        if (trainer == builder.address()) continue;
        TRY(const auto known, ledger::read<ledger::Conviction>(
                                  session.ledger(), ledger::key::conviction(run.id, trainer)));
        if (known && known->stands()) continue;
        const auto round = known ? known->round : rounds;
        TRY(const auto sent, builder.send(ledger::accuse_trainer(run.id, trainer, round)));
    }
    return {};
}

}  // namespace mutirao::cli

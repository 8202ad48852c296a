// Trainers of a run that others caught sending made-up rounds. Part of the module Training;
// interface in docs/reference/abi/ITraining.sol. Pure; any thread.
//
// The ledger computes no rounds: it takes the word of who may say so. A trainer is convicted once
// more than half of the run's other trainers accuse it, at least two of them, each by a transaction
// of its own, or once the builder does. Only the trainers' conviction costs the reward of an open
// run: a builder that could take it alone would have its runs trained for nothing.
#pragma once

#include <string_view>
#include <vector>

#include "ledger/calls.hpp"

namespace mutirao::ledger {

struct Conviction {
    Address trainer;
    std::uint32_t round = 0;        // that the first accuser named
    std::vector<Address> accusers;  // trainers, in the order of their transactions
    bool by_trainers = false;       // enough of these
    bool by_builder = false;

    bool stands() const { return by_trainers || by_builder; }
    template <class V>
    void fields(V& visit) {
        visit(trainer), visit(round), visit(accusers), visit(by_trainers), visit(by_builder);
    }
};

namespace key {
Bytes conviction(const Digest& run, const Address& trainer);
Bytes convictions(const Digest& run);  // prefix for scans; accusations that convict nobody, too
}  // namespace key

namespace signature {
inline constexpr std::string_view kAccuseTrainer = "accuseTrainer(bytes32,address,uint32)";
}  // namespace signature

namespace view_signature {
inline constexpr std::string_view kConvictionOf = "convictionOf(bytes32,address)";
}  // namespace view_signature

// A trainer of an open run, or its builder, says that what this trainer sent for the round does not
// come out when it is computed again. Once an accuser; not of oneself.
Call accuse_trainer(const Digest& run, const Address& trainer, std::uint32_t round);

}  // namespace mutirao::ledger

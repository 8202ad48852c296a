// The engine `cometbft`: CometBFT (v0.40, or v0.38 without gossip of transactions) orders blocks
// among machines and drives this ledger over ABCI 2.0. Transactions wait here, in the order that
// submit() and other validators brought them: CometBFT's mempool of type "app" carries them between
// machines (InsertTx, ReapTxs), and each proposer fills its block from its own.
//
// A block becomes durable in Commit and not before, so that CometBFT never finds the ledger ahead
// of it. Every transaction of a block gets the result 0; what it did is in the state.
#pragma once

#include "consensus/engine.hpp"

namespace mutirao::consensus {

// As open_engine(); what CometBFT connects to is Engine::converse().
Result<std::unique_ptr<Engine>> open_comet(Disk& disk, Application& application,
                                           EngineOptions options);

}  // namespace mutirao::consensus

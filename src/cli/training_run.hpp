// A training run from opening to the registered model, as its builder drives it.
#pragma once

#include <string>

#include "cli/session.hpp"
#include "train/settings.hpp"

namespace mutirao::cli {

struct NewRun {
    train::RunSettings settings;
    std::string title;  // empty: "model " and the start of the run's id
    ledger::Amount reward, price_per_token;
};

// Opens a run with all trainers of the network, and keeps what training needs in the home folder.
// unavailable when no trainer has joined.
Result<Digest> open_run(Session& session, const crypto::AccountKey& wallet, const NewRun& run);

// How many objects are offered to the run, or licensed already.
Result<std::size_t> count_offers(Session& session, const Digest& run);

struct TrainOptions {
    std::string curve;  // where the loss curve goes, an SVG, round by round; empty: nowhere
    // Rounds between checkpoints that are stored as "TITLE-round-N.safetensors"; 0: only the
    // finished model. What it was when the run was begun stays.
    std::uint32_t checkpoint_every = 0;
};

// Pays for the offers, trains until all trainers are done, stores the model and registers it. Shows
// how it goes. A run that an earlier call began is followed.
Status train_run(Session& session, const crypto::AccountKey& wallet, const Digest& run,
                 const TrainOptions& options);

// What each trainer of the run says now; anybody may ask.
Status show_trainers(Session& session, const Digest& run);

}  // namespace mutirao::cli

// What a light client needs: to believe one record of the ledger without keeping the ledger, and
// without trusting who sent it.
//
//   ledger::StateHeader   a block's result; header.hash() is the state hash that the chain agreed on
//   ledger::StateProof    that a key has a value, or none; decode() takes bytes from anybody
//   ledger::verify        root in the header, key, proof -> the value, nullopt, or an Error
//   ledger::key, ledger::decode_record    names of records, and what is in them
//
// Check the header against a state hash that you trust, then the proof against the header's
// tree_root. Everything is pure and may be called from any thread. Link mutirao::ledger. Formats:
// docs/reference/state.md.
#pragma once

#include "ledger/state_proof.hpp"

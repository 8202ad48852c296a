// Mutirão's block commitments as a library: what is stated about a block of data, and every check
// on it.
//
//   block::code_block       content -> rows and their Statement (digests, KZG commitment, folds)
//   block::StatementCheck   a node's check of its share, a reader's check of a row
//   block::recover_content  any k checked rows -> the one content, or a reason
//   block::prove_bad_row, verify_fraud    that a committed row is not the code's
//   block::Certificate      who signed that they hold what
//   crypto::commit, open_slot, verify_slot, verify_commitments    KZG over 256 slot digests
//   crypto::BlsSecretKey, aggregate_valid, verify_aggregate       signatures that add up
//
// Everything is pure and may be called from any thread. Link mutirao::block. Formats:
// docs/reference/block-format.md; what is proven: docs/explanation/security.md.
#pragma once

#include "block/certificate.hpp"
#include "block/fraud_proof.hpp"
#include "block/statement.hpp"
#include "crypto/bls_aggregate.hpp"
#include "crypto/kzg.hpp"

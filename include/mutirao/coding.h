// Mutirão's erasure code as a library: spans of bytes in, spans of bytes out.
//
//   coding::Shape      k data rows, n rows in all, bytes of a row (a multiple of 128)
//   coding::encode     data rows -> parity rows; threads are the caller's
//   coding::decode     any k rows -> data rows
//   coding::repair     any k rows -> just the rows that are wanted
//   coding::FoldChallenge, extend_folds   16 bytes a row that show whether it belongs to the code
//   coding::RowBuffer  memory that rows like to stand in
//
// Everything is pure and may be called from any thread; bad input comes back as an Error, not as an
// exception. Link mutirao::coding. Formats: docs/reference/coding.md.
#pragma once

#include "coding/coding.hpp"

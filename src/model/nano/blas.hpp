// The matrix library, OpenBLAS, which libtorch computes with, too: one for the process.
#pragma once

namespace mutirao::model::nano {

// Products are computed in the thread that asks for them, however many ask at once. Any thread,
// again is harmless. False where the library is a serial build, which hands out its work areas
// without a lock: then products of two threads would overwrite one another.
bool compute_where_called();

}  // namespace mutirao::model::nano

// Tables of a run, whatever their size: read once, piece by piece, for what is learnt of all of
// them and for the places of their rows, which become examples when they are read.
#pragma once

#include "model/config.hpp"
#include "node/run_objects.hpp"

namespace mutirao::node {

struct RunTables {
    // The examples of each owner's table as dataset::prepare() would make them of all of it.
    // Memory: 24 bytes for each 64 KiB of a table. A read costs as much of the table as has these
    // rows, and at most 64 KiB and a row beside.
    RunObjects examples;
    Bytes preparation;  // the schema
};

// `preparation` is that of the checkpoint that training goes on from; empty: it is learnt. Errors
// are those of dataset::prepare(). Memory: kStretchesAhead pieces of 4 MiB.
Result<RunTables> read_tables(const model::TabularConfig& config, const RunObjects& owners,
                              ByteSpan preparation, const ShardPorts& ports);

}  // namespace mutirao::node

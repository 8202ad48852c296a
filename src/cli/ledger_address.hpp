// Where a ledger of several machines is found: a file in its folder, so that a validator listens
// after every start where the others' agreed state says.
#pragma once

#include <optional>
#include <string>

#include "base/ports.hpp"

namespace mutirao::cli {

struct LedgerAddress {
    std::string listen;     // HOST:PORT on this machine
    std::string advertise;  // HOST:PORT, as others call it
};

// "address": two lines. corrupt when it has others.
Result<std::optional<LedgerAddress>> read_ledger_address(Disk& folder);
Status write_ledger_address(Disk& folder, const LedgerAddress& address);

}  // namespace mutirao::cli

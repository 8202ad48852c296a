// Files of a home folder and of ledgers' folders that others may have written: a network's, a
// wallet's, a ledger's address, CometBFT's key.
#include "base/ensure.hpp"
#include "base/memory_disk.hpp"
#include "base/random.hpp"
#include "cli/comet_home.hpp"
#include "cli/ledger_address.hpp"
#include "cli/session.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const ByteSpan bytes(data, size);
    if (const auto network = cli::NetworkFile::decode(as_text(bytes)); network.ok()) {
        const auto text = network->encode();
        const auto again = cli::NetworkFile::decode(text);
        ENSURE(again.ok() && again->encode() == text);
    }
    MemoryDisk disk;
    SeededRandom random(1);
    ENSURE(disk.write_file_atomic("wallets/ana.json", bytes).ok());
    ENSURE(disk.write_file_atomic("address", bytes).ok());
    cli::Wallets wallets(disk, random);
    const auto address = wallets.address("ana");
    ENSURE(address.ok() == wallets.list().ok());
    if (address.ok()) ENSURE(wallets.name_of(*address) == "ana");
    (void)cli::read_ledger_address(disk).ok();
    if (const auto key = cli::comet_signing_key(as_text(bytes)); key.ok())
        ENSURE(cli::comet_address(*key).size() == 40);
    return 0;
}

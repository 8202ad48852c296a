#include "cli/ledger_address.hpp"

namespace mutirao::cli {
namespace {

constexpr std::string_view kFile = "address";
constexpr std::size_t kFileMax = 1024;

}  // namespace

Result<std::optional<LedgerAddress>> read_ledger_address(Disk& folder) {
    TRY(const auto exists, folder.exists(kFile));
    if (!exists) return std::optional<LedgerAddress>();
    TRY(const auto bytes, folder.read_file(kFile, kFileMax));
    const auto text = as_text(bytes);
    const auto first = text.find('\n');
    if (first == std::string_view::npos || text.find('\n', first + 1) != text.size() - 1)
        return Error{ErrorKind::corrupt,
                     "the ledger's file \"address\" has two lines: where it listens, and as what "
                     "others call it, HOST:PORT each"};
    return std::optional(
        LedgerAddress{std::string(text.substr(0, first)),
                      std::string(text.substr(first + 1, text.size() - first - 2))});
}

Status write_ledger_address(Disk& folder, const LedgerAddress& address) {
    return folder.write_file_atomic(kFile,
                                    as_bytes(address.listen + "\n" + address.advertise + "\n"));
}

}  // namespace mutirao::cli

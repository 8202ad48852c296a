// The wallets of this home folder: one keystore file (Web3 Secret Storage 3) for each name,
// readable by other Ethereum wallets.
#pragma once

#include <string>
#include <vector>

#include "base/ports.hpp"
#include "crypto/account.hpp"
#include "crypto/keystore.hpp"

namespace mutirao::cli {

struct WalletEntry {
    std::string name;
    Address address;
};

class Wallets {
  public:
    // `disk` is rooted at the home folder; both must outlive this.
    Wallets(Disk& disk, Random& random) : disk_(disk), random_(random) {}

    // already_exists when there is one of that name.
    Result<Address> create(const std::string& name, const std::string& password,
                           const crypto::KeystoreStrength& strength);
    // permission_denied for a wrong password, not_found naming the wallets there are.
    Result<crypto::AccountKey> open(const std::string& name, const std::string& password);
    // Without the password.
    Result<Address> address(const std::string& name);
    Result<std::vector<WalletEntry>> list();

    // An address in text, or the name of a wallet here.
    Result<Address> resolve(const std::string& text);
    // The wallet's name for an address of ours, else the checksummed address.
    std::string name_of(const Address& address);

  private:
    Result<std::string> read(const std::string& name);

    Disk& disk_;
    Random& random_;
};

}  // namespace mutirao::cli

#include "cli/wallets.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace mutirao::cli {
namespace {

constexpr std::size_t kFileMax = 64 * 1024;
constexpr std::size_t kNameMax = 64;
const std::string kFolder = "wallets";

std::string path_of(const std::string& name) { return kFolder + "/" + name + ".json"; }

Status check_wallet_name(const std::string& name) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
    if (name.empty() || name.size() > kNameMax || !plain)
        return Error{ErrorKind::invalid_argument,
                     "a wallet's name has letters, digits, - and _, "
                     "at most 64 of them; not \"" +
                         name + "\""};
    return {};
}

}  // namespace

Result<std::string> Wallets::read(const std::string& name) {
    TRY_VOID(check_wallet_name(name));
    auto bytes = disk_.read_file(path_of(name), kFileMax);
    if (bytes.ok()) return std::string(as_text(*bytes));
    if (bytes.error().kind != ErrorKind::not_found) return std::move(bytes).error();
    std::string known;
    TRY(auto entries, list());
    for (const auto& entry : entries) known += (known.empty() ? "" : ", ") + entry.name;
    return Error{ErrorKind::not_found,
                 "there is no wallet \"" + name + "\"; there is: " +
                     (known.empty() ? "none yet (mutirao wallet new NAME)" : known)};
}

Result<Address> Wallets::create(const std::string& name, const std::string& password,
                                const crypto::KeystoreStrength& strength) {
    TRY_VOID(check_wallet_name(name));
    TRY(auto exists, disk_.exists(path_of(name)));
    if (exists)
        return Error{ErrorKind::already_exists, "there is a wallet \"" + name + "\" already"};
    const auto key = crypto::AccountKey::generate(random_);
    const auto text = crypto::write_keystore(key, password, random_, strength);
    TRY_VOID(disk_.write_file_atomic(path_of(name), as_bytes(text)));
    return key.address();
}

Result<crypto::AccountKey> Wallets::open(const std::string& name, const std::string& password) {
    TRY(auto text, read(name));
    auto key = crypto::read_keystore(text, password);
    if (!key.ok()) return std::move(key).error().within("wallet " + name);
    return key;
}

Result<Address> Wallets::address(const std::string& name) {
    TRY(auto text, read(name));
    const auto damaged = [&]() -> Result<Address> {
        return Error{ErrorKind::corrupt, "the file of wallet \"" + name + "\" is damaged (" +
                                             path_of(name) +
                                             " in the home folder); put a copy in its place"};
    };
    boost::json::error_code failed;
    const auto value = boost::json::parse(text, failed);
    const auto* field =
        failed || !value.is_object() ? nullptr : value.get_object().if_contains("address");
    if (field == nullptr || !field->is_string()) return damaged();
    auto address = Address::from_hex(std::string_view(field->get_string()));
    return address.ok() ? std::move(address) : damaged();
}

Result<std::vector<WalletEntry>> Wallets::list() {
    TRY(auto files, disk_.list(kFolder));
    std::vector<WalletEntry> out;
    for (const auto& file : files) {
        if (!file.ends_with(".json")) continue;
        const auto name = file.substr(0, file.size() - 5);
        TRY(auto address, this->address(name));
        out.push_back({name, address});
    }
    return out;
}

Result<Address> Wallets::resolve(const std::string& text) {
    if (text.starts_with("0x")) return crypto::address_from_text(text);
    return address(text);
}

std::string Wallets::name_of(const Address& address) {
    if (auto entries = list(); entries.ok())
        for (const auto& entry : *entries)
            if (entry.address == address) return entry.name;
    return crypto::to_checksum_text(address);
}

}  // namespace mutirao::cli

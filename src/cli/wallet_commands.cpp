// `mutirao wallet` and `mutirao payments`.
#include "cli/commands.hpp"

namespace mutirao::cli {
namespace {

constexpr std::size_t kEventsMax = 1'000'000;

Result<ledger::Account> account_of(Session& session, const Address& address) {
    TRY(auto account,
        ledger::read<ledger::Account>(session.ledger(), ledger::key::account(address)));
    return account.value_or(ledger::Account{});
}

Status run_new(const GlobalOptions& globals, const std::string& name) {
    TRY(auto session, Session::open(globals));
    TRY(auto password, session->password());
    TRY(auto address, session->wallets().create(name, password, wallet_strength()));
    session->out().facts({{"name", name}, {"address", crypto::to_checksum_text(address)}});
    session->out().line(name + "  " + crypto::to_checksum_text(address) + "\nIts file is " +
                        globals.home + "/wallets/" + name +
                        ".json: keep a copy, and the password.");
    return {};
}

Status run_list(const GlobalOptions& globals) {
    TRY(auto session, Session::open(globals));
    TRY(auto entries, session->wallets().list());
    boost::json::array list;
    std::vector<std::vector<std::string>> rows{{"wallet", "address"}};
    for (const auto& entry : entries) {
        list.push_back(
            {{"name", entry.name}, {"address", crypto::to_checksum_text(entry.address)}});
        rows.push_back({entry.name, crypto::to_checksum_text(entry.address)});
    }
    session->out().facts({{"wallets", std::move(list)}});
    session->out().table(rows);
    return {};
}

Status run_balance(const GlobalOptions& globals, const std::string& who) {
    TRY(auto session, Session::open(globals));
    TRY(auto address, session->wallets().resolve(who));
    TRY_VOID(session->connect());
    TRY(auto account, account_of(*session, address));
    session->out().facts({{"address", crypto::to_checksum_text(address)},
                          {"wei", account.balance.decimal()},
                          {"text", account.balance.text()},
                          {"nonce", account.nonce}});
    session->out().line(account.balance.text());
    return {};
}

Status run_send(const GlobalOptions& globals, const std::string& from, const std::string& to,
                const std::string& amount_text) {
    TRY(auto session, Session::open(globals));
    TRY(auto amount, ledger::Amount::parse(amount_text));
    TRY(auto address, session->wallets().resolve(to));
    TRY_VOID(session->connect());
    TRY(auto key, session->open_wallet(from));
    node::Sender sender(session->ledger(), key);
    TRY(auto sent, sender.send(ledger::transfer(address, amount)));
    session->out().facts({{"transaction", sent.receipt.transaction.hex()},
                          {"raw", to_hex(sent.raw)},
                          {"height", sent.receipt.height},
                          {"fee_wei", sent.receipt.fee.decimal()}});
    session->out().line("sent " + amount.text() + " in block " +
                        std::to_string(sent.receipt.height) + ", fee " + sent.receipt.fee.text());
    return {};
}

Status run_resend(const GlobalOptions& globals, const std::string& raw_hex) {
    TRY(auto session, Session::open(globals));
    TRY(auto raw, from_hex(raw_hex));
    TRY_VOID(session->connect());
    TRY(auto hash, session->ledger().submit(raw));
    TRY(auto receipt, session->ledger().wait(hash, std::chrono::seconds(30)));
    session->out().facts({{"transaction", hash.hex()}, {"height", receipt.height}});
    session->out().line("in block " + std::to_string(receipt.height));
    return {};
}

// What a payment is about, in words where the ledger has them.
std::string about_text(Session& session, const ledger::Event& event) {
    if (event.about.is_zero()) return "";
    auto asset = ledger::read<ledger::Asset>(session.ledger(), ledger::key::asset(event.about));
    if (asset.ok() && *asset) return (*asset)->title;
    return event.about.hex().substr(0, 12);
}

Status run_payments(const GlobalOptions& globals, const std::string& whose) {
    TRY(auto session, Session::open(globals));
    Address only;
    if (!whose.empty()) {
        TRY(only, session->wallets().resolve(whose));
    }
    TRY_VOID(session->connect());
    TRY(auto events,
        ledger::read_all<ledger::Event>(session->ledger(), ledger::key::events(), kEventsMax));
    boost::json::array list;
    std::vector<std::vector<std::string>> rows{{"block", "to", "amount", "why", "about"}};
    std::map<Digest, std::string> words;  // each thing is looked up once
    std::map<Address, std::string> names;
    for (const auto& event : events) {
        if (event.kind != ledger::EventKind::paid) continue;
        if (!only.is_zero() && event.from != only && event.to != only) continue;
        auto [about, fresh] = words.try_emplace(event.about);
        if (fresh) about->second = about_text(*session, event);
        auto [to_name, new_name] = names.try_emplace(event.to);
        if (new_name) to_name->second = name_of_account(*session, event.to);
        const auto& to = to_name->second;
        list.push_back({{"height", event.height},
                        {"from", crypto::to_checksum_text(event.from)},
                        {"to", crypto::to_checksum_text(event.to)},
                        {"to_name", to},
                        {"wei", event.amount.decimal()},
                        {"reason", ledger::to_string(event.reason)},
                        {"about", event.about.hex()},
                        {"about_text", about->second}});
        if (event.reason != ledger::Reason::fee)
            rows.push_back({std::to_string(event.height), to, event.amount.text(),
                            std::string(ledger::to_string(event.reason)), about->second});
    }
    session->out().facts({{"payments", std::move(list)}});
    session->out().table(rows);
    return {};
}

}  // namespace

std::string name_of_account(Session& session, const Address& address) {
    const auto text = crypto::to_checksum_text(address);
    if (const auto file = session.network_file(); file.ok())
        for (const auto& process : file->processes)
            if (process.address == text) return process.name;
    if (address == ledger::module::treasury()) return "treasury";
    if (address == ledger::module::training()) return "escrow of the run";
    if (address == ledger::module::compute()) return "escrow of the key";
    return session.wallets().name_of(address);
}

void add_wallet_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto* wallet =
        app.add_subcommand("wallet", "wallets: keystore files that other wallets read too");
    wallet->require_subcommand(1);
    auto name = std::make_shared<std::string>();
    auto* make = wallet->add_subcommand("new", "make a wallet");
    make->add_option("name", *name, "what to call it here")->required();
    make->callback([&, name] { action = [&options, name] { return run_new(options, *name); }; });
    wallet->add_subcommand("list", "the wallets of this home folder")->callback([&] {
        action = [&options] { return run_list(options); };
    });
    auto* balance = wallet->add_subcommand("balance", "what a wallet or an address has");
    balance->add_option("wallet", *name, "wallet name or 0x address")->required();
    balance->callback(
        [&, name] { action = [&options, name] { return run_balance(options, *name); }; });
    struct Send {
        std::string from, to, amount;
    };
    auto chosen = std::make_shared<Send>();
    auto* send = wallet->add_subcommand("send", "pay somebody");
    send->add_option("--from", chosen->from, "wallet that pays")->required();
    send->add_option("--to", chosen->to, "wallet name or 0x address")->required();
    send->add_option("amount", chosen->amount, "MUT, like 12.5")->required();
    send->callback([&, chosen] {
        action = [&options, chosen] {
            return run_send(options, chosen->from, chosen->to, chosen->amount);
        };
    });
    auto* resend = wallet->add_subcommand("resend", "hand in a transaction that is signed already");
    resend->add_option("transaction", *name, "the raw transaction in hex")->required();
    resend->callback(
        [&, name] { action = [&options, name] { return run_resend(options, *name); }; });
    auto* payments =
        app.add_subcommand("payments", "who was paid what, and why, from the ledger's events");
    payments->add_option("--wallet", *name,
                         "only what this wallet or address paid or got (default: everybody)");
    payments->callback(
        [&, name] { action = [&options, name] { return run_payments(options, *name); }; });
}

}  // namespace mutirao::cli

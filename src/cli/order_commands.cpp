// `mutirao order`: calls that one account signs and another brings to the ledger, and session keys.
#include "cli/commands.hpp"
#include "cli/local_file.hpp"
#include "cli/order_file.hpp"
#include "ledger/deals.hpp"
#include "ledger/methods.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"

namespace mutirao::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kOrderFileMax = 4 * ledger::kOrderDataMax;  // bytes
constexpr std::size_t kKeysShownMax = 1000;
constexpr std::uint64_t kMinuteMs = 60'000;
constexpr std::uint64_t kDayMs = ledger::kDayMs;

struct OrderOptions {
    std::string wallet, account, to, value = "0", data, fee = "0", file, signer, limit;
    std::uint32_t minutes = 60, days = 30;
};

// An address, a wallet's name, or a module's ("staking").
Result<Address> target(Session& session, const std::string& text) {
    for (const auto& address :
         {ledger::module::nodes(), ledger::module::storage(), ledger::module::rights(),
          ledger::module::training(), ledger::module::compute(), ledger::module::staking(),
          ledger::module::deals()})
        if (ledger::module_name(address) == text) return address;
    return session.wallets().resolve(text);
}

Status run_sign(const GlobalOptions& globals, const OrderOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(const auto key, session->open_wallet(options.wallet));
    ledger::Order order;
    order.account = key.address();
    if (!options.account.empty()) {
        TRY(order.account, session->wallets().resolve(options.account));
    }
    TRY(order.to, target(*session, options.to));
    TRY(order.value, ledger::Amount::parse(options.value));
    TRY(order.fee, ledger::Amount::parse(options.fee));
    const std::string_view data = options.data;
    TRY(order.data, from_hex(data.starts_with("0x") ? data.substr(2) : data));
    TRY(const auto known, ledger::order_key_of(session->ledger(), order.account, key.address()));
    order.nonce = known.nonce;
    TRY(const auto now_ms, ledger_time_ms(*session));
    order.deadline_ms = now_ms + options.minutes * kMinuteMs;
    order.sign(key, session->chain_id());
    const auto text = order_json(order, session->chain_id());
    if (!options.file.empty())
        TRY_VOID(write_local(options.file, as_bytes(json::serialize(text) + "\n")));
    session->out().facts(text);
    session->out().line(options.file.empty()
                            ? json::serialize(text)
                            : "signed for " + std::to_string(options.minutes) +
                                  " minutes; whoever has " + options.file +
                                  " may bring it: mutirao order submit " + options.file);
    return {};
}

Status run_submit(const GlobalOptions& globals, const OrderOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto text, read_local(options.file, kOrderFileMax));
    TRY_VOID(session->connect());
    TRY(const auto order, order_from(as_text(text), session->chain_id()));
    TRY(const auto relayer, session->open_wallet(options.wallet));
    node::Sender sender(session->ledger(), relayer);
    TRY(const auto sent, sender.send(ledger::relay(order)));
    session->out().facts({{"transaction", sent.receipt.transaction.hex()},
                          {"height", sent.receipt.height},
                          {"fee_wei", sent.receipt.fee.decimal()},
                          {"earned_wei", order.fee.decimal()},
                          {"account", crypto::to_checksum_text(order.account)}});
    session->out().line("done for " + crypto::to_checksum_text(order.account) + " in block " +
                        std::to_string(sent.receipt.height));
    return {};
}

Status run_authorise(const GlobalOptions& globals, const OrderOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto limit, ledger::Amount::parse(options.limit));
    TRY_VOID(session->connect());
    TRY(const auto signer, session->wallets().resolve(options.signer));
    TRY(const auto to, target(*session, options.to));
    TRY(const auto wallet, session->open_wallet(options.wallet));
    TRY(const auto now_ms, ledger_time_ms(*session));
    const auto expires_ms = now_ms + options.days * kDayMs;
    node::Sender sender(session->ledger(), wallet);
    TRY(const auto sent, sender.send(ledger::authorise(signer, {to, limit, expires_ms})));
    session->out().facts({{"transaction", sent.receipt.transaction.hex()},
                          {"signer", crypto::to_checksum_text(signer)},
                          {"to", crypto::to_checksum_text(to)},
                          {"limit_wei", limit.decimal()},
                          {"expires_ms", expires_ms}});
    session->out().line(options.signer + " may sign orders to " + options.to + " of up to " +
                        limit.text() + " for " + std::to_string(options.days) + " days");
    return {};
}

Status run_keys(const GlobalOptions& globals, const OrderOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto account, session->wallets().resolve(options.wallet));
    TRY_VOID(session->connect());
    TRY(const auto keys, ledger::read_all<ledger::OrderKey>(
                             session->ledger(), ledger::key::order_keys(account), kKeysShownMax));
    TRY(const auto now_ms, ledger_time_ms(*session));
    json::array list;
    std::vector<std::vector<std::string>> rows{{"signer", "may call", "of", "spent", "orders"}};
    for (const auto& key : keys) {
        const bool own = key.signer == account;
        const bool live = !own && key.expires_ms > now_ms;
        const auto name = ledger::module_name(key.to);
        const auto to = name.empty() ? crypto::to_checksum_text(key.to) : std::string(name);
        list.push_back({{"signer", crypto::to_checksum_text(key.signer)},
                        {"live", own || live},
                        {"to", crypto::to_checksum_text(key.to)},
                        {"limit_wei", key.limit.decimal()},
                        {"spent_wei", key.spent.decimal()},
                        {"expires_ms", key.expires_ms},
                        {"orders", key.nonce}});
        rows.push_back({crypto::to_checksum_text(key.signer),
                        own    ? "everything: its own"
                        : live ? to
                               : "nothing any more",
                        live ? key.limit.text() : "", live ? key.spent.text() : "",
                        std::to_string(key.nonce)});
    }
    session->out().facts({{"keys", std::move(list)}});
    session->out().table(rows);
    return {};
}

Status run_revoke(const GlobalOptions& globals, const OrderOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(const auto signer, session->wallets().resolve(options.signer));
    TRY(const auto wallet, session->open_wallet(options.wallet));
    node::Sender sender(session->ledger(), wallet);
    TRY(const auto sent, sender.send(ledger::revoke_signer(signer)));
    session->out().facts({{"transaction", sent.receipt.transaction.hex()},
                          {"signer", crypto::to_checksum_text(signer)}});
    session->out().line("what " + options.signer + " signs counts no more");
    return {};
}

}  // namespace

void add_order_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto* order =
        app.add_subcommand("order", "calls that one account signs and another pays the gas for");
    order->require_subcommand(1);
    auto chosen = std::make_shared<OrderOptions>();
    const auto add = [&, order, chosen](const char* name, const char* what, const char* wallet,
                                        auto run) {
        auto* command = order->add_subcommand(name, what);
        add_wallet_option(*command, chosen->wallet, wallet);
        command->callback([&, chosen, run] {
            action = [&options, chosen, run] { return run(options, *chosen); };
        });
        return command;
    };
    auto* sign = add("sign", "sign a call, for whoever brings it", "who signs", run_sign);
    sign->add_option("--to", chosen->to, "whom to pay, or a module: its name or address")
        ->required();
    sign->add_option("--for", chosen->account,
                     "whose call it is, when a session key signs (default: the signer's own)");
    sign->add_option("--value", chosen->value, "MUT")->capture_default_str();
    sign->add_option("--data", chosen->data,
                     "the call's data, in hexadecimal digits (default: none, a plain payment)");
    sign->add_option("--fee", chosen->fee, "MUT for whoever brings it")->capture_default_str();
    sign->add_option("--minutes", chosen->minutes, "how long it is good")
        ->capture_default_str()
        ->check(CLI::Range(1u, 525'600u));
    sign->add_option("-o,--output", chosen->file, "a file to write (default: it is printed)");
    add("submit", "bring an order to the ledger", "who pays the gas", run_submit)
        ->add_option("file", chosen->file, "what order sign wrote")
        ->required();
    auto* authorise =
        add("authorise", "let a session key sign for an account", "the account", run_authorise);
    authorise->add_option("signer", chosen->signer, "the key's address or wallet")->required();
    authorise->add_option("--to", chosen->to, "the only address or module that it may call")
        ->required();
    authorise->add_option("--limit", chosen->limit, "MUT of values and fees together")->required();
    authorise->add_option("--days", chosen->days, "how long")
        ->capture_default_str()
        ->check(CLI::Range(1u, 400u));
    add("keys", "an account's session keys", "the account", run_keys)
        ->get_option("--wallet")
        ->description("the account: a wallet or address")
        ->required();
    add("revoke", "take a session key's leave back", "the account", run_revoke)
        ->add_option("signer", chosen->signer, "the key's address or wallet")
        ->required();
}

}  // namespace mutirao::cli

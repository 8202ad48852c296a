// `mutirao dispute`: what to do about an answer that was paid for and is wrong, or never came.
#include "cli/commands.hpp"
#include "ledger/disputes.hpp"

namespace mutirao::cli {
namespace {

constexpr std::size_t kDisputesShownMax = 10'000;

struct DisputeOptions {
    std::string wallet, voucher, receipt, other, request, provider, id;
};

// Sends a call of a session that is connected, and says what it did.
Status send(Session& session, const DisputeOptions& options, const ledger::Call& call,
            boost::json::object facts, const std::string& words) {
    TRY(const auto wallet, session.open_wallet(options.wallet));
    node::Sender sender(session.ledger(), wallet);
    TRY(const auto sent, sender.send(call));
    facts["transaction"] = sent.receipt.transaction.hex();
    facts["height"] = sent.receipt.height;
    session.out().facts(facts);
    session.out().line(words);
    return {};
}

Result<compute::Receipt> receipt_from(const std::string& hex) {
    TRY(const auto bytes, from_hex(hex));
    return compute::Receipt::decode(bytes);
}

Status run_open(const GlobalOptions& globals, const DisputeOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto bytes, from_hex(options.voucher));
    TRY(const auto voucher, ledger::Voucher::decode(bytes));
    TRY_VOID(session->connect());
    const auto provider = crypto::to_checksum_text(voucher.provider), id = voucher.hash().hex();
    return send(*session, options, ledger::dispute(voucher),
                {{"dispute", id}, {"provider", provider}},
                "the provider has 24 hours to show its receipt; after that:\n  mutirao dispute "
                "expire " +
                    provider + " " + id);
}

Status run_expire(const GlobalOptions& globals, const DisputeOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto provider, session->wallets().resolve(options.provider));
    TRY_VOID(session->connect());
    TRY(const auto id,
        id_named(*session, ledger::key::disputes_of(provider), options.id, "dispute's id"));
    return send(*session, options, ledger::expire_dispute(provider, id), {{"dispute", id.hex()}},
                "the provider is slashed, and pays the answer back from its stake");
}

Status run_prove(const GlobalOptions& globals, const DisputeOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto receipt, receipt_from(options.receipt));
    TRY(const auto bytes, from_hex(options.request));
    TRY(const auto request, compute::InferenceRequest::decode(bytes));
    TRY_VOID(session->connect());
    return send(*session, options, ledger::prove_receipt(receipt, request),
                {{"provider", crypto::to_checksum_text(receipt.provider)}},
                "the provider is slashed for what it signed; a part of that is yours");
}

Status run_twice(const GlobalOptions& globals, const DisputeOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY(const auto one, receipt_from(options.receipt));
    TRY(const auto other, receipt_from(options.other));
    TRY_VOID(session->connect());
    return send(*session, options, ledger::prove_two_answers(one, other),
                {{"provider", crypto::to_checksum_text(one.provider)}},
                "the provider is slashed for answering one request twice; a part is yours");
}

Status run_list(const GlobalOptions& globals, const DisputeOptions& options) {
    static constexpr const char* kStates[] = {"open", "answered", "lost"};
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    Address payer;
    if (!options.wallet.empty()) {
        TRY(payer, session->wallets().resolve(options.wallet));
    }
    TRY(const auto disputes, ledger::read_all<ledger::Dispute>(
                                 session->ledger(), ledger::key::disputes(), kDisputesShownMax));
    boost::json::array list;
    std::vector<std::vector<std::string>> rows{{"dispute", "provider", "about", "state"}};
    for (const auto& dispute : disputes) {
        if (!payer.is_zero() && dispute.payer != payer) continue;
        const auto* state = kStates[static_cast<std::size_t>(dispute.state)];
        const auto provider = crypto::to_checksum_text(dispute.provider);
        list.push_back({{"dispute", dispute.id.hex()},
                        {"provider", provider},
                        {"owed_wei", dispute.owed.decimal()},
                        {"deadline_ms", dispute.deadline_ms},
                        {"state", state}});
        rows.push_back({dispute.id.hex().substr(0, 16), provider, dispute.owed.text(), state});
    }
    session->out().facts({{"disputes", std::move(list)}});
    session->out().table(rows);
    return {};
}

}  // namespace

void add_dispute_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto* dispute = app.add_subcommand("dispute", "answers that were paid for and are wrong");
    dispute->require_subcommand(1);
    auto chosen = std::make_shared<DisputeOptions>();
    const auto add = [&, dispute, chosen](const char* name, const char* what, auto run) {
        auto* command = dispute->add_subcommand(name, what);
        add_wallet_option(*command, chosen->wallet, "who acts");
        command->callback([&, chosen, run] {
            action = [&options, chosen, run] { return run(options, *chosen); };
        });
        return command;
    };
    add("open", "ask a provider for its receipt of the last answer that was paid", run_open)
        ->add_option("voucher", chosen->voucher, "as the answer's JSON has it")
        ->required();
    add("list", "disputes, and what came of them", run_list)
        ->get_option("--wallet")
        ->description("whose disputes: a wallet or address (default: everybody's)");
    auto* expire = add("expire", "slash a provider that did not answer in time", run_expire);
    expire->add_option("provider", chosen->provider, "its address")->required();
    expire->add_option("dispute", chosen->id, "its id, or how that begins (dispute list)")
        ->required();
    auto* prove = add("prove", "show a receipt that does not fit its request", run_prove);
    prove->add_option("receipt", chosen->receipt, "as the answer's JSON has it")->required();
    prove->add_option("request", chosen->request, "as the answer's JSON has it")->required();
    auto* twice = add("twice", "show receipts for two answers to one request", run_twice);
    twice->add_option("receipt", chosen->receipt, "of the first answer")->required();
    twice->add_option("other", chosen->other, "of the second one")->required();
}

}  // namespace mutirao::cli

// `mutirao deal`: an object kept for a term, by nodes that show that they have it.
#include <algorithm>
#include <set>

#include "cli/commands.hpp"
#include "cli/object_lookup.hpp"
#include "ledger/deals.hpp"

namespace mutirao::cli {
namespace {

constexpr std::size_t kDealsShownMax = 10'000;

struct DealOptions {
    std::string object, wallet, most, deal, node;
    double days = 30;
    std::uint32_t slots = block::kAvailableSlots;
};

std::uint64_t term_ms(const DealOptions& options) {
    return static_cast<std::uint64_t>(options.days * static_cast<double>(ledger::kDayMs));
}

struct Quote {
    ledger::Amount cost;
    std::uint32_t slots = 0;  // the fewest of any block
    std::set<Address> nodes;
};

// What keeping these blocks from now until then costs.
Result<Quote> quote(Session& session, const std::vector<BlockId>& blocks, std::uint64_t now_ms,
                    std::uint64_t end_ms) {
    Quote out;
    out.slots = block::kSlotCount;
    for (const auto& id : blocks) {
        TRY(const auto known,
            ledger::require<ledger::CertifiedBlock>(session.ledger(), ledger::key::block(id),
                                                    "certified block " + id.hex()));
        TRY(const auto certificate, block::Certificate::decode(known.certificate));
        TRY(auto epoch, ledger::require<ledger::EpochRecord>(
                            session.ledger(), ledger::key::epoch(certificate.epoch), "such epoch"));
        TRY(auto placement, placement::Placement::make(epoch.membership()));
        const ledger::Committee committee{std::move(epoch), std::move(placement)};
        TRY(const auto holders,
            ledger::quote(session.ledger(), certificate, committee, now_ms, end_ms));
        std::uint32_t slots = 0;
        for (const auto& holder : holders) {
            slots += holder.slots;
            TRY(out.cost, out.cost.plus(holder.total));
            out.nodes.insert(holder.node);
        }
        out.slots = std::min(out.slots, slots);
    }
    return out;
}

struct Wanted {
    crypto::AccountKey wallet;
    std::vector<BlockId> blocks;
    std::uint64_t end_ms = 0;
    Quote quote;
};

Result<Wanted> wanted(Session& session, const DealOptions& options) {
    TRY(auto wallet, session.open_wallet(options.wallet));
    TRY(const auto object, find_object(session, wallet, options.object));
    TRY(const auto manifest, manifest_of(session, wallet, object.content));
    TRY(const auto now_ms, ledger_time_ms(session));
    Wanted out{std::move(wallet), {}, now_ms + term_ms(options), {}};
    for (const auto& block : manifest.blocks) out.blocks.push_back(block.id);
    TRY(out.quote, quote(session, out.blocks, now_ms, out.end_ms));
    return out;
}

Status run_quote(const GlobalOptions& globals, const DealOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(const auto what, wanted(*session, options));
    session->out().facts({{"cost_wei", what.quote.cost.decimal()},
                          {"blocks", what.blocks.size()},
                          {"slots", what.quote.slots},
                          {"nodes", what.quote.nodes.size()}});
    session->out().line("\"" + options.object + "\": " + what.quote.cost.text() + " to " +
                        std::to_string(what.quote.nodes.size()) + " nodes that hold " +
                        std::to_string(what.quote.slots) + " of 256 slots");
    return {};
}

Status run_open(const GlobalOptions& globals, const DealOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(const auto what, wanted(*session, options));
    // A block's price depends on the moment it is locked in, by seconds.
    auto left = what.quote.cost;
    if (!options.most.empty()) {
        TRY(left, ledger::Amount::parse(options.most));
    }
    if (left < what.quote.cost)
        return Error{ErrorKind::insufficient_funds,
                     "the deal costs " + what.quote.cost.text() + ", more than " + left.text()};
    node::Sender sender(session->ledger(), what.wallet);
    boost::json::array deals;
    ledger::Amount locked;
    for (const auto& id : what.blocks) {
        TRY(const auto most, left.minus(locked));
        TRY(const auto sent, sender.send(ledger::open_deal(id, what.end_ms, options.slots, most)));
        TRY(const auto deal,
            ledger::require<ledger::Deal>(session->ledger(),
                                          ledger::key::deal(sent.receipt.created), "such deal"));
        TRY(locked, locked.plus(deal.escrow));
        deals.push_back({{"deal", deal.id.hex()},
                         {"block", id.hex()},
                         {"end_ms", deal.end_ms},
                         {"locked_wei", deal.escrow.decimal()},
                         {"nodes", deal.holders.size()}});
    }
    session->out().facts({{"deals", std::move(deals)}, {"locked_wei", locked.decimal()}});
    session->out().line(locked.text() + " are locked; nodes earn it by showing what they hold. " +
                        "mutirao deal list --wallet " + options.wallet);
    return {};
}

Status run_list(const GlobalOptions& globals, const DealOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    Address client;
    if (!options.wallet.empty()) {
        TRY(client, session->wallets().resolve(options.wallet));
    }
    TRY(const auto deals,
        ledger::read_all<ledger::Deal>(session->ledger(), ledger::key::deals(), kDealsShownMax));
    boost::json::array list;
    std::vector<std::vector<std::string>> rows{{"deal", "block", "ends", "locked", "paid", "lost"}};
    for (const auto& deal : deals) {
        if (!client.is_zero() && deal.client != client) continue;
        ledger::Amount paid;
        boost::json::array holders;
        std::size_t lost = 0;
        for (const auto& holder : deal.holders) {
            TRY(paid, paid.plus(holder.paid));
            lost += holder.lost ? 1 : 0;
            holders.push_back({{"node", crypto::to_checksum_text(holder.node)},
                               {"slots", holder.slots},
                               {"total_wei", holder.total.decimal()},
                               {"paid_wei", holder.paid.decimal()},
                               {"lost", holder.lost}});
        }
        list.push_back({{"deal", deal.id.hex()},
                        {"block", deal.block.hex()},
                        {"client", crypto::to_checksum_text(deal.client)},
                        {"begin_ms", deal.begin_ms},
                        {"end_ms", deal.end_ms},
                        {"locked_wei", deal.escrow.decimal()},
                        {"open_audits", deal.open_audits},
                        {"holders", std::move(holders)}});
        const auto now = session->clock().unix_ms();
        const auto days = deal.end_ms <= now ? 0 : (deal.end_ms - now) / ledger::kDayMs;
        rows.push_back({deal.id.hex().substr(0, 16), deal.block.hex().substr(0, 16),
                        deal.end_ms <= now ? "ended" : "in " + std::to_string(days) + " days",
                        deal.escrow.text(), paid.text(),
                        lost == 0 ? "" : std::to_string(lost) + " nodes"});
    }
    session->out().facts({{"deals", std::move(list)}});
    session->out().table(rows);
    return {};
}

// Sends one call about a deal.
Status send(const GlobalOptions& globals, const DealOptions& options, const std::string& done,
            const std::function<Result<ledger::Call>(Session&, const Digest&)>& make) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    TRY(const auto deal, id_named(*session, ledger::key::deals(), options.deal, "deal's id"));
    TRY(const auto wallet, session->open_wallet(options.wallet));
    TRY(const auto call, make(*session, deal));
    node::Sender sender(session->ledger(), wallet);
    TRY(const auto sent, sender.send(call));
    session->out().facts({{"transaction", sent.receipt.transaction.hex()},
                          {"height", sent.receipt.height},
                          {"deal", deal.hex()}});
    session->out().line(done);
    return {};
}

Status run_audit(const GlobalOptions& globals, const DealOptions& options) {
    return send(globals, options,
                "the node has an hour to show what is drawn; after that mutirao deal expire",
                [&](Session& session, const Digest& deal) -> Result<ledger::Call> {
                    TRY(const auto node, node_named(session, options.node));
                    return ledger::open_audit(deal, node, ledger::kAuditDeposit);
                });
}

Status run_expire(const GlobalOptions& globals, const DealOptions& options) {
    return send(globals, options, "the node is slashed, and is paid no more for the deal",
                [&](Session& session, const Digest& deal) -> Result<ledger::Call> {
                    TRY(const auto node, node_named(session, options.node));
                    return ledger::expire_audit(deal, node);
                });
}

Status run_close(const GlobalOptions& globals, const DealOptions& options) {
    return send(globals, options, "the deal is closed; what nobody earned is the client's again",
                [](Session&, const Digest& deal) -> Result<ledger::Call> {
                    return ledger::close_deal(deal);
                });
}

}  // namespace

void add_deal_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto* deal = app.add_subcommand("deal", "have an object kept for a term");
    deal->require_subcommand(1);
    auto chosen = std::make_shared<DealOptions>();
    const auto add = [&, deal, chosen](const char* name, const char* what, auto run) {
        auto* command = deal->add_subcommand(name, what);
        add_wallet_option(*command, chosen->wallet, "who acts");
        command->callback([&, chosen, run] {
            action = [&options, chosen, run] { return run(options, *chosen); };
        });
        return command;
    };
    const auto of_object = [&, chosen](CLI::App* command) {
        command->add_option("object", chosen->object, "its name")->required();
        command->add_option("--days", chosen->days, "for how long")
            ->capture_default_str()
            ->check(CLI::Range(0.0007, 400.0));
        return command;
    };
    of_object(add("quote", "what that would cost", run_quote));
    auto* open =
        of_object(add("open", "lock the price; nodes earn it by what they show", run_open));
    open->add_option("--most", chosen->most, "MUT that all of it may cost at most");
    open->add_option("--slots", chosen->slots,
                     "of each block's 256 slots, how many nodes in the deal must hold")
        ->capture_default_str()
        ->check(CLI::Range(1u, block::kSlotCount));
    add("list", "deals, and what came of them", run_list)
        ->get_option("--wallet")
        ->description("whose deals: a wallet or address (default: everybody's)");
    const auto of_deal = [&, chosen](CLI::App* command) {
        command->add_option("deal", chosen->deal, "its id, or how that begins (deal list)")
            ->required();
        return command;
    };
    for (auto* command :
         {of_deal(add("audit", "ask a node to show what it keeps, for a deposit", run_audit)),
          of_deal(add("expire", "slash a node that did not answer in time", run_expire))})
        command->add_option("node", chosen->node, "its name or address")->required();
    of_deal(add("close", "end a deal whose term is over", run_close));
}

}  // namespace mutirao::cli

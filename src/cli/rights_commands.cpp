// `mutirao license`: an owner offers an object for one training run, takes a licence back, or sees
// who has one.
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/object_lookup.hpp"
#include "ledger/deals.hpp"
#include "rights/terms.hpp"

namespace mutirao::cli {
namespace {

constexpr std::size_t kLicencesShownMax = 10'000;
constexpr double kPpmAPercent = 10'000;

struct LicenceOptions {
    std::string object, wallet, run, price = "0";
    double share_percent = 0;
    std::uint32_t days = 365;
    bool revoke = false;
};

// The object as an asset on the ledger, registered now if it was not before.
Result<Digest> ensure_asset(Session& session, const crypto::AccountKey& wallet,
                            const OwnedObject& object) {
    const auto id = ledger::asset_id(wallet.address(), object.content);
    TRY(auto known, session.ledger().get(ledger::key::asset(id)));
    if (known) return id;
    node::Sender sender(session.ledger(), wallet);
    TRY(auto sent, sender.send(ledger::register_data(object.content, object.size, object.name)));
    return id;
}

Status revoke(Session& session, const crypto::AccountKey& wallet, const OwnedObject& object,
              const Digest& run) {
    node::Sender sender(session.ledger(), wallet);
    const auto asset = ledger::asset_id(wallet.address(), object.content);
    const auto licence = ledger::licence_id(asset, run);
    TRY(auto sent, sender.send(ledger::revoke_licence(licence)));
    session.out().facts({{"licence", licence.hex()}, {"state", "revoked"}});
    session.out().line("The licence of \"" + object.name +
                       "\" is revoked: keepers release its key no more. Whoever has read it "
                       "already may still have a copy.");
    return {};
}

Status run_licence(const GlobalOptions& globals, const LicenceOptions& options) {
    if (options.object.empty() || options.run.empty())
        return Error{ErrorKind::invalid_argument,
                     "say what for which run: mutirao license OBJECT --run RUN"};
    TRY(auto session, Session::open(globals));
    TRY(auto price, ledger::Amount::parse(options.price));
    TRY_VOID(session->connect());
    TRY(const auto run, id_named(*session, ledger::key::runs(), options.run, "run's id"));
    TRY(auto wallet, session->open_wallet(options.wallet));
    if (options.revoke) {
        TRY(auto object, find_object(*session, wallet, options.object));
        return revoke(*session, wallet, object, run);
    }
    return offer_object(*session, wallet,
                        {options.object, run, price, options.share_percent, options.days});
}

std::string state_of(const ledger::Licence& licence, std::uint64_t now_ms) {
    static constexpr const char* kStates[] = {"offered", "live", "revoked"};
    const bool over =
        licence.state != ledger::LicenceState::revoked && now_ms >= licence.expires_ms;
    return over ? "expired" : kStates[static_cast<std::size_t>(licence.state)];
}

// Whom a licence is for, as people call it: a run's model once there is one, or a node that
// answers.
Result<std::string> subject_text(Session& session, const ledger::Licence& licence) {
    if (licence.purpose == ledger::Purpose::infer) {
        TRY(const auto node, Address::from_bytes(licence.subject.span().last(Address::kSize)));
        return "answers of " + name_of_account(session, node);
    }
    const auto id = "run " + licence.subject.hex().substr(0, 16);
    TRY(const auto run,
        ledger::read<ledger::Run>(session.ledger(), ledger::key::run(licence.subject)));
    if (!run || run->model.is_zero()) return id;
    TRY(const auto model,
        ledger::read<ledger::Asset>(session.ledger(), ledger::key::asset(run->model)));
    return model ? id + ", \"" + model->title + "\"" : id;
}

Status run_list(const GlobalOptions& globals, const LicenceOptions& options) {
    TRY(auto session, Session::open(globals));
    TRY_VOID(session->connect());
    Address owner;
    if (!options.wallet.empty()) {
        TRY(owner, session->wallets().resolve(options.wallet));
    }
    TRY(const auto all, ledger::read_all<ledger::Licence>(
                            session->ledger(), ledger::key::licences(), kLicencesShownMax));
    const auto now = session->clock().unix_ms();
    boost::json::array list;
    std::vector<std::vector<std::string>> rows{
        {"object", "owner", "for", "price", "share", "ends", "state"}};
    for (const auto& licence : all) {
        if (!owner.is_zero() && licence.owner != owner) continue;
        TRY(const auto asset, ledger::require<ledger::Asset>(
                                  session->ledger(), ledger::key::asset(licence.asset), "asset"));
        TRY(const auto subject, subject_text(*session, licence));
        const auto state = state_of(licence, now);
        const bool trains = licence.purpose == ledger::Purpose::train;
        list.push_back({{"licence", licence.id.hex()},
                        {"asset", licence.asset.hex()},
                        {"object", asset.title},
                        {"owner", crypto::to_checksum_text(licence.owner)},
                        {"purpose", trains ? "train" : "infer"},
                        {"subject", licence.subject.hex()},
                        {"subject_text", subject},
                        {"price_wei", licence.price.decimal()},
                        {"share_ppm", licence.share_ppm},
                        {"expires_ms", licence.expires_ms},
                        {"state", state}});
        const auto days =
            licence.expires_ms <= now ? 0 : (licence.expires_ms - now) / ledger::kDayMs;
        char share[16];
        std::snprintf(share, sizeof(share), "%.4g %%", licence.share_ppm / kPpmAPercent);
        rows.push_back(
            {asset.title, name_of_account(*session, licence.owner), subject, licence.price.text(),
             share, licence.expires_ms <= now ? "ended" : "in " + std::to_string(days) + " days",
             state});
    }
    session->out().facts({{"licences", std::move(list)}});
    session->out().table(rows);
    return {};
}

}  // namespace

Status offer_object(Session& session, const crypto::AccountKey& wallet, const Offer& offer) {
    TRY(auto object, find_object(session, wallet, offer.object));
    TRY(auto asset, ensure_asset(session, wallet, object));
    ledger::LicenceTerms terms;
    terms.purpose = ledger::Purpose::train;
    terms.price = offer.price;
    terms.share_ppm = static_cast<std::uint32_t>(offer.share_percent * kPpmAPercent + 0.5);
    terms.expires_ms = session.clock().unix_ms() + offer.days * ledger::kDayMs;
    node::Sender sender(session.ledger(), wallet);
    TRY(auto sent, sender.send(ledger::offer_licence(asset, offer.run, terms)));
    rights::Terms words;
    words.purposes = static_cast<std::uint8_t>(rights::Purpose::train);
    words.price_gwei = static_cast<std::uint64_t>(offer.price.wei() / 1'000'000'000u);
    words.share_ppm = terms.share_ppm;
    words.expires_unix_s = terms.expires_ms / 1000;
    const auto sentence =
        "\"" + object.name + "\": " + rights::sentence(words, rights::Language::english);
    session.out().facts({{"asset", asset.hex()},
                         {"licence", ledger::licence_id(asset, offer.run).hex()},
                         {"price_wei", offer.price.decimal()},
                         {"share_ppm", terms.share_ppm},
                         {"sentence", sentence}});
    session.out().line(sentence);
    return {};
}

void add_rights_commands(CLI::App& app, GlobalOptions& options, Action& action) {
    auto chosen = std::make_shared<LicenceOptions>();
    auto* licence =
        app.add_subcommand("license", "license an object of yours for one training run");
    licence->require_subcommand(0, 1);
    licence->add_option("object", chosen->object, "its name");
    licence->add_option("--run", chosen->run,
                        "the run's id, or how that begins (mutirao train new prints it)");
    add_wallet_option(*licence, chosen->wallet, "the owner");
    licence->add_option("--price", chosen->price, "MUT, paid once by the run's builder")
        ->capture_default_str();
    licence->add_option("--share", chosen->share_percent, "per cent of the model's later income")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 90.0));
    licence->add_option("--days", chosen->days, "for how long")
        ->capture_default_str()
        ->check(CLI::Range(1, 3650));
    licence->add_flag("--revoke", chosen->revoke, "take the licence back");
    auto* list = licence->add_subcommand("list", "who may use what, for how much and until when");
    list->add_option("--wallet", chosen->wallet,
                     "only what this wallet or address owns (default: everybody's)");
    list->callback(
        [&, chosen] { action = [&options, chosen] { return run_list(options, *chosen); }; });
    licence->callback([&, licence, chosen] {
        if (licence->get_subcommands().empty())
            action = [&options, chosen] { return run_licence(options, *chosen); };
    });
}

}  // namespace mutirao::cli

// `mutirao license`: an owner offers an object for one training run, or takes a licence back.
#include "cli/commands.hpp"
#include "cli/object_lookup.hpp"
#include "rights/terms.hpp"

namespace mutirao::cli {
namespace {

constexpr std::uint64_t kDayMs = 24ull * 3600 * 1000;
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
    TRY(auto session, Session::open(globals));
    TRY(auto run, digest_from(options.run, "run id"));
    TRY(auto price, ledger::Amount::parse(options.price));
    TRY_VOID(session->connect());
    TRY(auto wallet, session->open_wallet(options.wallet));
    if (options.revoke) {
        TRY(auto object, find_object(*session, wallet, options.object));
        return revoke(*session, wallet, object, run);
    }
    return offer_object(*session, wallet,
                        {options.object, run, price, options.share_percent, options.days});
}

}  // namespace

Status offer_object(Session& session, const crypto::AccountKey& wallet, const Offer& offer) {
    TRY(auto object, find_object(session, wallet, offer.object));
    TRY(auto asset, ensure_asset(session, wallet, object));
    ledger::LicenceTerms terms;
    terms.purpose = ledger::Purpose::train;
    terms.price = offer.price;
    terms.share_ppm = static_cast<std::uint32_t>(offer.share_percent * kPpmAPercent + 0.5);
    terms.expires_ms = session.clock().unix_ms() + offer.days * kDayMs;
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
    licence->add_option("object", chosen->object, "its name")->required();
    licence->add_option("--run", chosen->run, "the run's id (mutirao train new prints it)")
        ->required();
    licence->add_option("--wallet", chosen->wallet, "the owner");
    licence->add_option("--price", chosen->price, "MUT, paid once by the run's builder")
        ->capture_default_str();
    licence->add_option("--share", chosen->share_percent, "per cent of the model's later income")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 90.0));
    licence->add_option("--days", chosen->days, "how long it holds")
        ->capture_default_str()
        ->check(CLI::Range(1, 3650));
    licence->add_flag("--revoke", chosen->revoke, "take the licence back");
    licence->callback(
        [&, chosen] { action = [&options, chosen] { return run_licence(options, *chosen); }; });
}

}  // namespace mutirao::cli

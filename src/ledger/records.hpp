// What the ledger remembers: records by key, each with one canonical encoding (record_codec.hpp),
// so that a remote client that fetches (key, value) reads the same values by the same code.
// Amounts are wei, times are milliseconds since 1970 of the block's clock. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "crypto/bls.hpp"
#include "crypto/sealed_box.hpp"
#include "ledger/events.hpp"
#include "placement/placement.hpp"

namespace mutirao::ledger {

struct Account {
    Amount balance;
    std::uint64_t nonce = 0;
    template <class V>
    void fields(V& visit) {
        visit(balance), visit(nonce);
    }
};

enum class Role : std::uint8_t {
    none = 0,
    storage = 1,
    compute = 2,
    gateway = 3,
    trainer = 4,
    last_ = 4
};

struct NodeRecord {
    Address address;
    Role role = Role::none;
    std::uint32_t weight = 1;
    std::string endpoint;
    crypto::BlsPublicKey bls_key;
    crypto::BoxPublicKey box_key;
    std::string domain;  // failure domain: zone or operator; empty when it is one of its own
    bool active = true;
    template <class V>
    void fields(V& visit) {
        visit(address), visit(role), visit(weight), visit(endpoint);
        visit(bls_key), visit(box_key), visit(domain), visit(active);
    }
};

struct MemberRecord {
    Address node;
    std::uint32_t weight = 1;
    crypto::BlsPublicKey bls_key;
    std::string domain;
    template <class V>
    void fields(V& visit) {
        visit(node), visit(weight), visit(bls_key), visit(domain);
    }
};

// The storage nodes of one epoch, sorted by address.
struct EpochRecord {
    std::uint64_t epoch = 0;
    std::vector<MemberRecord> members;
    template <class V>
    void fields(V& visit) {
        visit(epoch), visit(members);
    }
    placement::Membership membership() const;
};

struct CertifiedBlock {
    Bytes certificate;  // block::Certificate
    std::uint64_t height = 0;
    std::uint32_t slots_signed = 0;
    std::uint64_t paid_bytes = 0;  // of its content: the sum of all parts, released or not
    std::uint32_t parts = 0;       // not released yet
    bool released = false;         // all of them were
    template <class V>
    void fields(V& visit) {
        visit(certificate), visit(height), visit(slots_signed), visit(paid_bytes), visit(parts);
        visit(released);
    }
};

// What of a block's content an object has, and its owner has paid for.
struct BlockPart {
    std::uint64_t bytes = 0;
    bool released = false;
    template <class V>
    void fields(V& visit) {
        visit(bytes), visit(released);
    }
};

enum class AssetKind : std::uint8_t { none = 0, data = 1, model = 2, last_ = 2 };

struct Share {
    Address owner;
    std::uint32_t ppm = 0;  // of the model side's income
    Digest asset;           // whose licence gives it; zero for the builder
    template <class V>
    void fields(V& visit) {
        visit(owner), visit(ppm), visit(asset);
    }
};

struct Asset {
    Digest id;
    Address owner;
    Digest content;  // digest of the object's manifest
    AssetKind kind = AssetKind::none;
    std::uint64_t size = 0;
    std::string title;
    std::uint64_t registered_ms = 0;
    Digest run;                     // models: the run that made it
    Amount price_per_token;         // models
    std::vector<Share> shares;      // models: sum is 1,000,000
    Address creator;                // who registered it
    std::uint32_t royalty_ppm = 0;  // of a later sale's price, for the creator
    Address approved;               // may transfer it, besides the owner and its operators
    template <class V>
    void fields(V& visit) {
        visit(id), visit(owner), visit(content), visit(kind), visit(size), visit(title);
        visit(registered_ms), visit(run), visit(price_per_token), visit(shares), visit(creator);
        visit(royalty_ppm), visit(approved);
    }
};

enum class Purpose : std::uint8_t { none = 0, train = 1, infer = 2, last_ = 2 };
enum class LicenceState : std::uint8_t { offered = 0, accepted = 1, revoked = 2, last_ = 2 };

// A licence of one asset for one subject: a training run, or (infer) a provider's address in the
// last 20 bytes.
struct Licence {
    Digest id;
    Digest asset;
    Digest subject;
    Purpose purpose = Purpose::none;
    Amount price;
    std::uint32_t share_ppm = 0;
    std::uint64_t expires_ms = 0;
    LicenceState state = LicenceState::offered;
    Address owner;
    std::uint64_t accepted_ms = 0;  // stays when it is revoked later; 0 when it never was
    template <class V>
    void fields(V& visit) {
        visit(id), visit(asset), visit(subject), visit(purpose), visit(price), visit(share_ppm);
        visit(expires_ms), visit(state), visit(owner), visit(accepted_ms);
    }
    bool is_live(std::uint64_t now_ms) const {
        return state == LicenceState::accepted && now_ms < expires_ms;
    }
};

enum class RunState : std::uint8_t { open = 0, finished = 1, closed = 2, last_ = 2 };

struct AssetTokens {
    Digest asset;
    std::uint64_t tokens = 0;
    template <class V>
    void fields(V& visit) {
        visit(asset), visit(tokens);
    }
};

struct Run {
    Digest id;
    Address builder;
    Digest spec;
    std::vector<Address> trainers;
    Amount reward;
    RunState state = RunState::open;
    std::uint64_t created_ms = 0;
    std::uint32_t shares_ppm = 0;  // promised to owners so far
    Digest model;                  // once finished
    std::uint32_t rounds = 0;
    std::uint32_t first_loss_milli = 0;
    std::uint32_t last_loss_milli = 0;
    std::vector<AssetTokens> tokens;
    template <class V>
    void fields(V& visit) {
        visit(id), visit(builder), visit(spec), visit(trainers), visit(reward), visit(state);
        visit(created_ms), visit(shares_ppm), visit(model), visit(rounds), visit(first_loss_milli);
        visit(last_loss_milli), visit(tokens);
    }
};

// Trainers that told the same digest of a round's result, in order.
struct RoundReports {
    std::vector<Address> trainers;
    bool agreed = false;  // they were more than half of the run's
    template <class V>
    void fields(V& visit) {
        visit(trainers), visit(agreed);
    }
};

// What a trainer told of its rounds.
struct TrainerRounds {
    std::uint32_t next = 0;    // the earliest round that it may tell of
    std::uint32_t agreed = 0;  // of its rounds: more than half of the run's trainers told the same
    template <class V>
    void fields(V& visit) {
        visit(next), visit(agreed);
    }
};

struct Provider {
    Address address;
    Digest model;
    template <class V>
    void fields(V& visit) {
        visit(address), visit(model);
    }
};

// A session key that may spend what its payer locked.
struct ApiKey {
    Address key;
    Address payer;
    Amount limit;
    Amount redeemed;  // by all providers
    std::uint64_t expires_ms = 0;
    bool closed = false;
    template <class V>
    void fields(V& visit) {
        visit(key), visit(payer), visit(limit), visit(redeemed), visit(expires_ms), visit(closed);
    }
};

// What one provider redeemed of a key: its vouchers count up from there.
struct ProviderDraw {
    Amount redeemed;
    Digest voucher;  // hash() of the last one, which may be disputed
    std::uint64_t redeemed_ms = 0;
    template <class V>
    void fields(V& visit) {
        visit(redeemed), visit(voucher), visit(redeemed_ms);
    }
};

// Keys of the records above.
namespace key {
Bytes account(const Address& address);
Bytes node(const Address& address);
Bytes bls_key(const crypto::BlsPublicKey& key);  // the address that registered it first
Bytes epoch(std::uint64_t epoch);
Bytes current_epoch();  // u64
Bytes block(const BlockId& id);
Bytes block_part(const BlockId& id, const Address& payer, const Digest& content);
Bytes asset(const Digest& id);
Bytes licence(const Digest& id);
Bytes run_licence(const Digest& run, const Digest& licence);       // each offer; empty value
Bytes accepted_licence(const Digest& run, const Digest& licence);  // each accepted; empty value
Bytes run(const Digest& id);
Bytes round_reports(const Digest& run, std::uint32_t round, const Digest& result);
Bytes trainer_rounds(const Digest& run, const Address& trainer);
Bytes provider(const Digest& model, const Address& address);
Bytes api_key(const Address& key);
Bytes provider_draw(const Address& key, const Address& provider);
Bytes event(std::uint64_t index);
Bytes event_count();  // u64
Bytes genesis();

// Prefixes for scans.
Bytes nodes();
Bytes blocks();
Bytes assets();
Bytes licences();
Bytes api_keys();
Bytes run_licences(const Digest& run);
Bytes accepted_licences(const Digest& run);
Bytes runs();
Bytes providers(const Digest& model);
Bytes events();
}  // namespace key

// Ids: BLAKE3 keyed over what makes the thing one of a kind.
Digest asset_id(const Address& owner, const Digest& content);
Digest licence_id(const Digest& asset, const Digest& subject);
Digest run_id(const Address& builder, std::uint64_t nonce, const Digest& spec);
// A provider as the subject of an inference licence.
Digest subject_of(const Address& provider);

using Value = std::optional<Bytes>;

// A read-only look at the records, here or far away.
class StateView {
  public:
    virtual ~StateView() = default;
    virtual Result<Value> get(ByteSpan key) const = 0;
    // Keys with `prefix`, ascending, strictly after `after`, at most `limit`.
    virtual Result<std::vector<std::pair<Bytes, Bytes>>> scan(ByteSpan prefix, ByteSpan after,
                                                              std::size_t limit) const = 0;
};

// nullopt when there is none.
template <class Record>
Result<std::optional<Record>> read(const StateView& state, ByteSpan key) {
    TRY(auto value, state.get(key));
    if (!value) return std::optional<Record>();
    TRY(auto record, decode_record<Record>(*value));
    return std::optional<Record>(std::move(record));
}

// not_found "there is no WHAT" when there is none.
template <class Record>
Result<Record> require(const StateView& state, ByteSpan key, const std::string& what) {
    TRY(auto record, read<Record>(state, key));
    if (!record) return Error{ErrorKind::not_found, "there is no " + what};
    return std::move(*record);
}

// Every record under `prefix`, at most `limit`.
template <class Record>
Result<std::vector<Record>> read_all(const StateView& state, ByteSpan prefix, std::size_t limit) {
    TRY(auto found, state.scan(prefix, {}, limit));
    std::vector<Record> out;
    for (const auto& [key, value] : found) {
        TRY(auto record, decode_record<Record>(value));
        out.push_back(std::move(record));
    }
    return out;
}

// What a provider redeemed of a session key's vouchers so far.
Result<Amount> redeemed_by(const StateView& state, const Address& key, const Address& provider);

// Those with indices from `first` to before `end`, as far as there are any, in order.
Result<std::vector<Event>> read_events(const StateView& state, std::uint64_t first,
                                       std::uint64_t end);

Result<std::uint64_t> read_counter(const StateView& state, ByteSpan key);

}  // namespace mutirao::ledger

#include "ledger/admission.hpp"

#include <algorithm>
#include <unordered_map>

#include "crypto/hash.hpp"
#include "crypto/keccak_each.hpp"
#include "crypto/recover_each.hpp"
#include "ledger/execution.hpp"
#include "ledger/ledger.hpp"
#include "ledger/replacement.hpp"

namespace mutirao::ledger {
namespace {

Error refuse(std::string why) { return {ErrorKind::invalid_argument, std::move(why)}; }

}  // namespace

std::uint64_t gas_of(const Transaction& tx) {
    std::uint64_t gas = kTransactionGas;
    for (const auto byte : tx.data) gas += byte == 0 ? 4 : 16;
    return is_module(tx.to) ? gas + kModuleGas : gas;
}

namespace {

// One that holds but for its signature, which nobody has looked at.
struct Unsigned {
    Digest id;
    ByteSpan raw;
    Transaction tx;
    std::uint64_t gas;
};

Result<Unsigned> read_unsigned(const Genesis& genesis, const Digest& id, ByteSpan raw) {
    TRY(auto tx, Transaction::decode(raw));
    if (tx.chain_id != genesis.chain_id)
        return refuse("the transaction is for chain " + std::to_string(tx.chain_id) +
                      "; this one is " + std::to_string(genesis.chain_id));
    if (tx.max_priority_fee > tx.max_fee) return refuse("the tip is over the fee limit");
    if (tx.max_fee < genesis.base_fee)
        return refuse("the fee limit is under the base fee of " + genesis.base_fee.decimal() +
                      " wei a gas");
    const auto gas = gas_of(tx);
    if (tx.gas_limit < gas)
        return refuse("the transaction needs " + std::to_string(gas) + " gas and its limit is " +
                      std::to_string(tx.gas_limit));
    return Unsigned{id, raw, std::move(tx), gas};
}

AdmittedPtr remember(Memo& memo, Unsigned one, const Digest& hash, const Address& sender) {
    auto out = std::make_shared<const Admitted>(
        Admitted{std::move(one.tx), hash, sender, one.gas, to_bytes(one.raw)});
    memo.remember(one.id, out);
    return out;
}

}  // namespace

Result<AdmittedPtr> admit(const Genesis& genesis, Memo& memo, ByteSpan raw,
                          const std::optional<Address>& known_sender) {
    const auto id = crypto::blake3(raw);
    if (auto known = memo.admitted(id)) return known;
    TRY(auto one, read_unsigned(genesis, id, raw));
    auto recovered = known_sender ? Result<Address>(*known_sender) : one.tx.sender();
    TRY(const auto sender, std::move(recovered));
    const auto hash = Transaction::hash(raw);
    return remember(memo, std::move(one), hash, sender);
}

std::vector<Result<AdmittedPtr>> admit_each(const Genesis& genesis, Memo& memo,
                                            std::span<const ByteSpan> raws) {
    std::vector<Result<AdmittedPtr>> out;
    std::vector<std::pair<std::size_t, Unsigned>> fresh;  // of which place
    out.reserve(raws.size());
    for (const auto raw : raws) {
        const auto id = crypto::blake3(raw);
        out.emplace_back(memo.admitted(id));
        if (*out.back() != nullptr) continue;
        auto one = read_unsigned(genesis, id, raw);
        if (!one.ok()) {
            out.back() = std::move(one).error();
            continue;
        }
        fresh.emplace_back(out.size() - 1, std::move(*one));
    }
    if (fresh.empty()) return out;
    // What each signer signed, and then what each is known by.
    std::vector<Bytes> payloads;
    payloads.reserve(fresh.size());
    for (const auto& [place, one] : fresh) payloads.push_back(one.tx.signed_bytes());
    std::vector<ByteSpan> hashed(payloads.begin(), payloads.end());
    for (const auto& [place, one] : fresh) hashed.push_back(one.raw);
    std::vector<Digest> hashes(hashed.size());
    crypto::keccak256_each(hashed, hashes);
    std::vector<crypto::SignedHash> asked;
    asked.reserve(fresh.size());
    for (std::size_t i = 0; i < fresh.size(); ++i)
        asked.push_back({hashes[i], fresh[i].second.tx.signature});
    const auto senders = crypto::recover_each(asked);
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        auto& [place, one] = fresh[i];
        if (senders[i].ok())
            out[place] = remember(memo, std::move(one), hashes[fresh.size() + i], *senders[i]);
        else
            out[place] = senders[i].error();
    }
    return out;
}

Result<Amount> worst_cost(const Transaction& tx) {
    TRY(auto gas, tx.max_fee.times(tx.gas_limit));
    return tx.value.plus(gas);
}

Status check_funds(const Transaction& tx, Amount balance) {
    TRY(auto cost, worst_cost(tx));
    if (balance < cost)
        return Error{
            ErrorKind::insufficient_funds,
            "the wallet has " + balance.text() + " and the transaction may cost " + cost.text()};
    return {};
}

Error replayed(std::uint64_t nonce, std::uint64_t next) {
    return {ErrorKind::already_exists, "replayed: nonce " + std::to_string(nonce) +
                                           " was used, the next is " + std::to_string(next)};
}

Status Ledger::check(ByteSpan raw) const {
    TRY(const auto admitted, admit(genesis_, *memo_, raw));
    return check(*admitted);
}

Status Ledger::check(const Admitted& admitted) const {
    TRY(auto found, read<Account>(records_, key::account(admitted.sender)));
    const auto account = found.value_or(Account{});
    const auto nonce = admitted.tx.nonce;
    if (nonce < account.nonce) return replayed(nonce, account.nonce);
    if (nonce - account.nonce > kNonceAheadMax)
        return Error{ErrorKind::resource_exhausted, "nonce " + std::to_string(nonce) +
                                                        " is too far ahead of " +
                                                        std::to_string(account.nonce)};
    return check_funds(admitted.tx, account.balance);
}

std::vector<Bytes> Ledger::propose(const std::vector<Bytes>& waiting, std::size_t bytes_max) const {
    struct Waiting {
        std::uint64_t nonce;
        const Bytes* raw;
        Amount cost;
        AdmittedPtr admitted;
    };
    std::unordered_map<Address, std::vector<Waiting>> by_sender;  // read in `order` only
    std::vector<Address> order;                                   // of each sender's first arrival
    for (const auto& raw : waiting) {
        auto admitted = admit(genesis_, *memo_, raw);
        if (!admitted.ok()) continue;
        const auto& tx = (*admitted)->tx;
        const auto& sender = (*admitted)->sender;
        const auto cost = worst_cost(tx);
        if (!cost.ok()) continue;
        auto [at, first] = by_sender.try_emplace(sender);
        if (first) order.push_back(sender);
        at->second.push_back({tx.nonce, &raw, *cost, *admitted});
    }
    std::vector<Bytes> out;
    std::size_t bytes = 0;
    for (const auto& sender : order) {
        const auto found = read<Account>(records_, key::account(sender));
        const auto account = found.ok() ? found->value_or(Account{}) : Account{};
        std::uint64_t next = account.nonce;
        Amount left = account.balance;
        auto& row = by_sender[sender];
        std::stable_sort(row.begin(), row.end(),
                         [](const auto& a, const auto& b) { return a.nonce < b.nonce; });
        for (std::size_t i = 0; i < row.size();) {
            // Of those with one nonce, the first that came, unless a later one outbids it.
            std::size_t best = i++;
            for (; i < row.size() && row[i].nonce == row[best].nonce; ++i)
                if (outbids(row[i].admitted->tx, row[best].admitted->tx)) best = i;
            const auto& entry = row[best];
            if (entry.nonce < next) continue;
            // A block's bytes are paid for: nobody fills it with what cannot run.
            const auto after = left.minus(entry.cost);
            if (entry.nonce > next || !after.ok() || bytes + entry.raw->size() > bytes_max) break;
            out.push_back(*entry.raw);
            bytes += entry.raw->size();
            left = *after;
            ++next;
        }
    }
    return out;
}

}  // namespace mutirao::ledger

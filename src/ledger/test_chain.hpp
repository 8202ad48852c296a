// A ledger with funded wallets and a clock that a test moves: one block for each send().
#pragma once

#include "crypto/hash.hpp"
#include "ledger/calls.hpp"
#include "ledger/ledger.hpp"

namespace mutirao::ledger {

inline constexpr std::uint64_t kStartMs = 1'790'000'000'000;
inline const Amount kOneMut{1'000'000'000'000'000'000u};

inline Digest digest_of(std::string_view name) { return crypto::keccak256(as_bytes(name)); }
inline crypto::AccountKey wallet(int number) {
    const auto secret = digest_of("test wallet " + std::to_string(number));
    return crypto::AccountKey::from_bytes(secret.span()).value();
}

class TestChain {
  public:
    static constexpr int kWallets = 16;  // with 1000 MUT each

    TestChain() : ledger(Ledger::begin(genesis()).value()) {}

    static Genesis genesis() {
        Genesis out;
        out.time_ms = kStartMs;
        for (int i = 0; i < kWallets; ++i)
            out.allocations.push_back({wallet(i).address(), kOneMut.times(1000).value()});
        return out;
    }

    Transaction unsigned_call(const Address& from, const Call& call) const {
        Transaction tx;
        tx.chain_id = ledger.genesis().chain_id;
        tx.nonce = account(from).nonce;
        tx.max_fee = ledger.genesis().base_fee;
        tx.to = call.to;
        tx.value = call.value;
        tx.data = call.data;
        tx.gas_limit = gas_of(tx);
        return tx;
    }
    Bytes signed_call(const crypto::AccountKey& from, const Call& call,
                      std::uint64_t nonce_ahead = 0) const {
        auto tx = unsigned_call(from.address(), call);
        tx.nonce += nonce_ahead;
        tx.sign(from);
        return tx.encode();
    }
    void block(const std::vector<Bytes>& transactions) {
        time_ms += 100;
        ENSURE(ledger.finalize(ledger.height() + 1, time_ms, transactions).ok());
        ledger.commit();
    }
    // The receipt's status.
    Status send(const crypto::AccountKey& from, const Call& call) {
        const auto raw = signed_call(from, call);
        block({raw});
        const auto receipt = ledger.receipt(Transaction::hash(raw)).value();
        ENSURE(receipt.has_value(), "the transaction was not even executable");
        last = *receipt;
        return receipt->status();
    }

    Account account(const Address& address) const {
        return read<Account>(ledger.state(), key::account(address)).value().value_or(Account{});
    }
    Amount balance(const Address& address) const { return account(address).balance; }
    template <class Record>
    Record record(const Bytes& at) const {
        return require<Record>(ledger.state(), at, "record").value();
    }
    std::vector<Event> events() const {
        return read_all<Event>(ledger.state(), key::events(), 1 << 20).value();
    }
    // What one account received for one reason.
    Amount received(const Address& to, Reason reason) const {
        Amount sum;
        for (const auto& event : events())
            if (event.kind == EventKind::paid && event.to == to && event.reason == reason)
                sum = sum.plus(event.amount).value();
        return sum;
    }
    Amount supply() const {
        Amount sum;
        for (const auto& each :
             read_all<Account>(ledger.state(), to_bytes(as_bytes("a/")), 1 << 20).value())
            sum = sum.plus(each.balance).value();
        return sum;
    }

    Ledger ledger;
    std::uint64_t time_ms = kStartMs;
    Receipt last;
};

// A node with its keys; `number` also names its wallet.
struct TestNode {
    explicit TestNode(int number)
        : key(wallet(number)),
          bls(crypto::BlsSecretKey::generate(digest_of("bls " + std::to_string(number)).span())
                  .value()) {}
    NodeRecord record(Role role, std::uint32_t weight = 1) const {
        NodeRecord out;
        out.address = key.address();
        out.role = role;
        out.weight = weight;
        out.endpoint = "127.0.0.1:9000";
        out.bls_key = bls.public_key();
        return out;
    }
    Call joins(Role role, std::uint32_t weight = 1) const {
        return register_node(record(role, weight), bls.prove_possession());
    }

    crypto::AccountKey key;
    crypto::BlsSecretKey bls;
};

}  // namespace mutirao::ledger

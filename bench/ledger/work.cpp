#include "ledger/work.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <thread>

#include "base/random.hpp"
#include "crypto/hash.hpp"
#include "crypto/recover_each.hpp"
#include "ledger/history.hpp"
#include "ledger/ledger.hpp"
#include "os/clock.hpp"

namespace mutirao::bench {
namespace {

using namespace mutirao::ledger;

constexpr std::size_t kProbes = 8;
constexpr std::uint64_t kBlockLength = 64 << 10;  // bytes of a certified block
constexpr std::uint64_t kForEver = 1ull << 42;    // milliseconds: the year 2109

template <class Secret>
Digest secret_of(Secret kind, std::size_t number) {
    return crypto::keccak256(as_bytes(kind + std::to_string(number)));
}
crypto::AccountKey account_key(const std::string& kind, std::size_t number) {
    return crypto::AccountKey::from_bytes(secret_of(kind, number).span()).value();
}
Address stranger(std::size_t number) {
    Address out;
    SeededRandom(number).fill(out.bytes);
    return out;
}

// The sum of secret keys signs what the sum of their signatures is: presigning asks for one
// signature a certificate instead of eight.
crypto::BlsSecretKey sum_of(const std::vector<crypto::BlsSecretKey>& keys) {
    // The order of the groups of BLS12-381, big-endian.
    static const auto order =
        from_hex("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001").value();
    std::array<std::uint8_t, 32> sum{};
    for (const auto& key : keys) {
        const auto add = key.to_bytes();
        unsigned carry = 0;
        for (std::size_t i = 32; i-- > 0;) {
            carry += static_cast<unsigned>(sum[i]) + add.bytes[i];
            sum[i] = static_cast<std::uint8_t>(carry);
            carry >>= 8;
        }
        if (!std::lexicographical_compare(sum.begin(), sum.end(), order.begin(), order.end())) {
            int borrow = 0;
            for (std::size_t i = 32; i-- > 0;) {
                const int left = sum[i] - order[i] - borrow;
                borrow = left < 0 ? 1 : 0;
                sum[i] = static_cast<std::uint8_t>(left + 256 * borrow);
            }
        }
    }
    return crypto::BlsSecretKey::from_bytes(sum).value();
}

}  // namespace

struct Chain::Parts {
    std::size_t rows = 0, accounts = 0;
    Genesis genesis;
    Bytes state;
    std::vector<crypto::AccountKey> keys;  // of the senders
    std::vector<Address> addresses;        // likewise
    std::vector<crypto::AccountKey> sessions;
    Digest model = secret_of("model ", 0);
    crypto::BlsSecretKey committee;
    block::Statement leaves;  // of every block: one vector, opened for each at another point
    std::uint64_t seed = 0;   // of the ids of data blocks: no two runs certify the same

    void enter_nodes(std::map<Bytes, Value>& records);
    void enter_market(std::map<Bytes, Value>& records) const;
    Bytes sign(const crypto::AccountKey& key, std::uint64_t nonce, const Call& call) const;
    Call call(Kind kind, std::size_t sender, std::uint64_t nonce, SeededRandom& random) const;
    Call certificate(std::size_t sender, std::uint64_t nonce) const;
};

void Chain::Parts::enter_nodes(std::map<Bytes, Value>& records) {
    EpochRecord epoch;
    epoch.epoch = 1;
    std::vector<crypto::BlsSecretKey> secrets;
    for (std::size_t i = 0; i < kStorageNodes; ++i) {
        secrets.push_back(crypto::BlsSecretKey::generate(secret_of("node bls ", i).span()).value());
        NodeRecord node;
        node.address = account_key("node ", i).address();
        node.role = Role::storage;
        node.bls_key = secrets.back().public_key();
        records[key::node(node.address)] = encode_record(node);
        epoch.members.push_back({node.address, node.weight, node.bls_key, {}});
    }
    std::sort(epoch.members.begin(), epoch.members.end(),
              [](const auto& a, const auto& b) { return a.node < b.node; });
    records[key::epoch(1)] = encode_record(epoch);
    records[key::current_epoch()] = Writer().u(std::uint64_t{1}).bytes();
    committee = sum_of(secrets);
    SeededRandom random(1);
    std::vector<crypto::Scalar> scalars;
    for (std::uint32_t i = 0; i < block::kSlotCount; ++i) {
        leaves.leaves.push_back(random.fixed<Digest>());
        scalars.push_back(crypto::to_scalar(leaves.leaves.back()));
    }
    leaves.commitment = crypto::commit(scalars);
}

void Chain::Parts::enter_market(std::map<Bytes, Value>& records) const {
    Asset asset;
    asset.id = model;
    asset.owner = stranger(1);
    asset.kind = AssetKind::model;
    asset.price_per_token = Amount(1);
    asset.shares = {{stranger(2), 500'000, secret_of("asset ", 0)}, {stranger(1), 500'000, {}}};
    records[key::asset(model)] = encode_record(asset);
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        records[key::provider(model, addresses[i])] = encode_record(Provider{addresses[i], model});
        ApiKey opened;
        opened.key = sessions[i].address();
        opened.payer = stranger(3);
        opened.limit = Amount(u128{1} << 60);
        opened.expires_ms = kForEver;
        records[key::api_key(opened.key)] = encode_record(opened);
    }
    records[key::account(module::compute())] = encode_record(Account{Amount(u128{1} << 100), 0});
}

Bytes Chain::Parts::sign(const crypto::AccountKey& key, std::uint64_t nonce,
                         const Call& call) const {
    Transaction tx;
    tx.chain_id = genesis.chain_id;
    tx.nonce = nonce;
    tx.max_fee = genesis.base_fee;
    tx.to = call.to;
    tx.value = call.value;
    tx.data = call.data;
    tx.gas_limit = gas_of(tx);
    tx.sign(key);
    return tx.encode();
}

Call Chain::Parts::certificate(std::size_t sender, std::uint64_t nonce) const {
    block::Certificate out;
    const auto id = crypto::keccak256(Writer().u(seed).u(std::uint64_t{sender}).u(nonce).bytes());
    out.id.bytes = id.bytes;
    out.header_digest = secret_of("header ", 0);
    out.commitment = leaves.commitment;
    out.value = block::leaf_value(leaves, out.id);
    out.opening = block::open_leaves(leaves, out.id);
    out.length = kBlockLength;
    out.epoch = 1;
    std::vector<std::uint32_t> signers(kStorageNodes);
    std::iota(signers.begin(), signers.end(), 0u);
    out.signers = block::signer_bitmap(kStorageNodes, signers);
    out.signature = committee.sign(block::availability_message(genesis.chain_id, out));
    const PaidPart part{id, kBlockLength};
    return certify(out, {&part, 1}, parts_fee(genesis, {&part, 1}).value());
}

Call Chain::Parts::call(Kind kind, std::size_t sender, std::uint64_t nonce,
                        SeededRandom& random) const {
    const auto which = kind == Kind::transfers ? 0 : (sender + nonce) % 10;
    if (which < 6) return transfer(stranger(1000 + random.below(accounts / 2)), Amount(1));
    if (which == 8) return certificate(sender, nonce);
    if (which == 9)
        return register_data(
            crypto::keccak256(Writer().u(seed).u(std::uint64_t{sender}).u(nonce).bytes()),
            kBlockLength, "leituras de um sensor");
    Voucher voucher;
    voucher.key = sessions[sender].address();
    voucher.provider = addresses[sender];
    voucher.model = model;
    voucher.cumulative = Amount((nonce + 1) * 1'000'000);
    voucher.tokens = 100;
    voucher.request = secret_of("request ", nonce);
    voucher.output = secret_of("output ", nonce);
    voucher.sign(sessions[sender], genesis.chain_id);
    return settle(voucher);
}

Chain::Chain(std::size_t rows, std::size_t accounts) : parts_(std::make_unique<Parts>()) {
    auto& parts = *parts_;
    parts.rows = rows;
    parts.accounts = accounts;
    parts.seed = os::SystemClock().unix_ms();
    const Account rich{Amount::parse("1000000").value(), 0};
    std::map<Bytes, Value> records;
    for (std::size_t i = 0; i < rows * kSendersPerRow; ++i) {
        parts.keys.push_back(account_key("sender ", i));
        parts.addresses.push_back(parts.keys.back().address());
        parts.sessions.push_back(account_key("session ", i));
        records[key::account(parts.addresses.back())] = encode_record(rich);
    }
    for (std::size_t i = 0; i < kProbes; ++i)
        records[key::account(account_key("probe ", i).address())] = encode_record(rich);
    for (std::size_t i = 0; records.size() < accounts; ++i)
        records[key::account(stranger(1000 + i))] = encode_record(rich);
    parts.enter_nodes(records);
    parts.enter_market(records);
    records[key::genesis()] = encode_record(parts.genesis);
    StateTree tree;
    tree.apply({records.begin(), records.end()});
    StateHeader header;
    header.tree_root = tree.root();
    header.history_root = BlockHistory().root();
    Writer state;
    state.u(kSnapshotFormat).raw(header.encode());
    tree.encode(state);
    History().encode(state);
    parts.state = std::move(state).take();
}

Chain::~Chain() = default;

const Genesis& Chain::genesis() const { return parts_->genesis; }
const Bytes& Chain::state() const { return parts_->state; }
std::vector<Address> Chain::senders() const { return parts_->addresses; }

std::vector<Sequence> Chain::sign(Kind kind, std::size_t count) const {
    const auto& parts = *parts_;
    std::vector<Sequence> out(parts.rows);
    const std::size_t threads = std::max(1u, std::thread::hardware_concurrency());
    const auto sign_rows = [&](std::size_t first) {
        for (auto row = first; row < parts.rows; row += threads) {
            SeededRandom random(row);
            out[row].reserve(count / parts.rows);
            for (std::size_t i = 0; i < count / parts.rows; ++i) {
                const auto sender = row * kSendersPerRow + i % kSendersPerRow;
                const auto nonce = i / kSendersPerRow;
                out[row].push_back(
                    parts.sign(parts.keys[sender], nonce, parts.call(kind, sender, nonce, random)));
            }
        }
    };
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back(sign_rows, i);
    sign_rows(0);
    for (auto& other : others) other.join();
    return out;
}

Sequence Chain::sign_probe(std::size_t number, std::size_t count) const {
    ENSURE(number < kProbes, "there are so many accounts for probes");
    Sequence out;
    for (std::uint64_t nonce = 0; nonce < count; ++nonce)
        out.push_back(parts_->sign(account_key("probe ", number), nonce,
                                   transfer(stranger(1000 + number), Amount(1))));
    return out;
}

double recover_us(const std::vector<Sequence>& rows) {
    using std::chrono::steady_clock;
    std::vector<crypto::SignedHash> some;
    for (std::size_t i = 0; i < 400; ++i) {
        const auto tx = Transaction::decode(rows[0].at(i % rows[0].size())).value();
        some.push_back({tx.signing_hash(), tx.signature});
    }
    double best = 1e9;
    for (int round = 0; round < 5; ++round) {
        const auto begin = steady_clock::now();
        for (const auto& sender : crypto::recover_each(some)) ENSURE(sender.ok());
        const std::chrono::duration<double, std::micro> took = steady_clock::now() - begin;
        best = std::min(best, took.count() / static_cast<double>(some.size()));
    }
    return best;
}

}  // namespace mutirao::bench

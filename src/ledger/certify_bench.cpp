// What certificates cost the ledger, by storage nodes that sign: the first one (keys not checked
// yet), then one in a transaction, then many in one.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>

#include "block/test_leaves.hpp"
#include "crypto/hash.hpp"
#include "ledger/calls.hpp"
#include "ledger/ledger.hpp"

namespace {

using namespace mutirao;
using namespace mutirao::ledger;
using std::chrono::steady_clock;

struct BenchNode {
    crypto::AccountKey account;
    crypto::BlsSecretKey bls;
};

class Bench {
  public:
    explicit Bench(std::uint32_t count) {
        Genesis genesis;
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto secret = crypto::keccak256(as_bytes("node " + std::to_string(i)));
            nodes_.push_back({crypto::AccountKey::from_bytes(secret.span()).value(),
                              crypto::BlsSecretKey::generate(secret.span()).value()});
            genesis.allocations.push_back(
                {nodes_.back().account.address(), Amount::parse("1000000").value()});
        }
        std::sort(nodes_.begin(), nodes_.end(), [](const auto& a, const auto& b) {
            return a.account.address() < b.account.address();
        });
        ledger_.emplace(Ledger::begin(genesis).value());
        std::vector<Bytes> joins;
        for (const auto& node : nodes_) {
            NodeRecord record;
            record.role = Role::storage;
            record.bls_key = node.bls.public_key();
            joins.push_back(sign(node, register_node(record, node.bls.prove_possession())));
        }
        run(joins);
    }
    // One that all nodes have signed, of a block of its own.
    PaidBlock certified() {
        block::Certificate out;
        out.id.bytes = crypto::keccak256(Writer().u(++blocks_).bytes()).bytes;
        out.commitment = leaves_.commitment;
        out.value = block::leaf_value(leaves_, out.id);
        out.opening = block::open_leaves(leaves_, out.id);
        out.length = 32 << 20;
        out.epoch = 1;
        std::vector<std::uint32_t> signers(nodes_.size());
        std::iota(signers.begin(), signers.end(), 0u);
        out.signers = block::signer_bitmap(static_cast<std::uint32_t>(nodes_.size()), signers);
        const auto message = block::availability_message(8021, out);
        std::vector<crypto::BlsSignature> signatures;
        for (const auto& node : nodes_) signatures.push_back(node.bls.sign(message));
        out.signature = crypto::aggregate(signatures).value();
        return {out.encode(), {Digest{out.id.bytes}, out.length}};
    }
    Bytes call(const std::vector<PaidBlock>& blocks) {
        std::vector<PaidPart> parts;
        for (const auto& block : blocks) parts.push_back(block.part);
        const auto fee = parts_fee(ledger_->genesis(), parts).value();
        return sign(nodes_[0], certify_all(blocks, fee));
    }
    // Milliseconds that a block of the ledger took; every transaction must have succeeded.
    double run(const std::vector<Bytes>& transactions) {
        const auto begin = steady_clock::now();
        ENSURE(ledger_->finalize(ledger_->height() + 1, ++time_ms_, transactions).ok());
        ledger_->commit();
        const auto took = std::chrono::duration<double, std::milli>(steady_clock::now() - begin);
        for (const auto& raw : transactions)
            ENSURE(ledger_->receipt(Transaction::hash(raw)).value()->succeeded);
        return took.count();
    }

  private:
    Bytes sign(const BenchNode& from, const Call& call) {
        Transaction tx;
        tx.chain_id = ledger_->genesis().chain_id;
        const auto at = key::account(from.account.address());
        tx.nonce = read<Account>(ledger_->state(), at).value()->nonce;
        tx.max_fee = ledger_->genesis().base_fee;
        tx.to = call.to;
        tx.value = call.value;
        tx.data = call.data;
        tx.gas_limit = gas_of(tx);
        tx.sign(from.account);
        return tx.encode();
    }

    const block::Statement leaves_ = block::stated_leaves(1);  // of every block
    std::vector<BenchNode> nodes_;
    std::optional<Ledger> ledger_;
    std::uint64_t blocks_ = 0;
    std::uint64_t time_ms_ = 0;
};

}  // namespace

int main() {
    std::printf("signers   first ms   next ms   of %zu in one call ms\n", kCertificatesMax);
    for (const std::uint32_t count : {8u, 100u, 1000u}) {
        Bench bench(count);
        const auto first = bench.run({bench.call({bench.certified()})});
        double next = 0;
        for (int i = 0; i < 10; ++i) next += bench.run({bench.call({bench.certified()})}) / 10;
        std::vector<PaidBlock> blocks;
        while (blocks.size() < kCertificatesMax) blocks.push_back(bench.certified());
        const auto many = bench.run({bench.call(blocks)}) / kCertificatesMax;
        std::printf("%7u %10.2f %9.2f %22.2f\n", count, first, next, many);
    }
    return 0;
}

// What a block costs a ledger of a million accounts: 5,500 transfers whose signatures were checked
// when they arrived; then the tree alone, and the snapshot.
#include <chrono>
#include <cstdio>
#include <map>

#include "base/random.hpp"
#include "ledger/calls.hpp"
#include "ledger/ledger.hpp"

namespace {

using namespace mutirao;
using namespace mutirao::ledger;
using std::chrono::steady_clock;

constexpr std::size_t kAccounts = 1'000'000;
constexpr std::size_t kTransfers = 5'500;
constexpr std::size_t kSenders = 2'000;

double ms_since(steady_clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(steady_clock::now() - begin).count();
}

Address stranger(std::size_t number) {
    Address out;
    SeededRandom(number).fill(out.bytes);
    return out;
}

crypto::AccountKey sender(std::size_t number) {
    crypto::Key secret;
    SeededRandom(kAccounts + number).fill(secret.bytes);
    return crypto::AccountKey::from_bytes(secret.span()).value();
}

// As Ledger::snapshot would have written it (docs/reference/state.md).
Bytes big_snapshot() {
    const Genesis genesis;
    const Account rich{Amount::parse("1000000").value(), 0};
    std::map<Bytes, Value> records;
    records[key::genesis()] = encode_record(genesis);
    for (std::size_t i = 0; i < kSenders; ++i)
        records[key::account(sender(i).address())] = encode_record(rich);
    for (std::size_t i = kSenders; i < kAccounts; ++i)
        records[key::account(stranger(i))] = encode_record(rich);
    StateTree tree;
    const auto begin = steady_clock::now();
    tree.apply({records.begin(), records.end()});
    std::printf("apply %zu new records        %8.1f ms\n", records.size(), ms_since(begin));
    StateHeader header;
    header.tree_root = tree.root();
    header.history_root = BlockHistory().root();
    Writer out;
    out.u(kSnapshotFormat).raw(header.encode());
    tree.encode(out);
    History().encode(out);
    return std::move(out).take();
}

std::vector<Bytes> transfers(const Ledger& ledger, std::uint64_t round, bool to_new) {
    std::vector<Bytes> out;
    std::vector<std::uint64_t> sent(kSenders);
    SeededRandom random(round);
    for (std::size_t i = 0; i < kTransfers; ++i) {
        const auto from = sender(i % kSenders);
        const auto number = to_new ? 2 * kAccounts + round * kTransfers + i
                                   : kSenders + random.below(kAccounts - kSenders);
        const auto at = key::account(from.address());
        Transaction tx;
        tx.chain_id = ledger.genesis().chain_id;
        tx.nonce = read<Account>(ledger.state(), at).value().value().nonce + sent[i % kSenders]++;
        tx.max_fee = ledger.genesis().base_fee;
        tx.to = stranger(number);
        tx.value = Amount(1);
        tx.gas_limit = gas_of(tx);
        tx.sign(from);
        out.push_back(tx.encode());
        ENSURE(ledger.check(out.back()).ok());  // as on arrival: remembers who signed
    }
    return out;
}

void bench_blocks(Ledger& ledger, bool to_new) {
    double finalized = 1e9, committed = 1e9;
    for (std::uint64_t round = 0; round < 5; ++round) {
        const auto raw = transfers(ledger, round + (to_new ? 100 : 0), to_new);
        const auto begin = steady_clock::now();
        ENSURE(ledger.finalize(ledger.height() + 1, ledger.time_ms() + 1, raw).ok());
        finalized = std::min(finalized, ms_since(begin));
        const auto again = steady_clock::now();
        ledger.commit();
        committed = std::min(committed, ms_since(again));
    }
    std::printf("%zu transfers to %s   finalize %6.1f ms   commit %5.1f ms\n", kTransfers,
                to_new ? "new accounts" : "old accounts", finalized, committed);
}

void bench_tree(ByteSpan snapshot) {
    Reader in(snapshot.subspan(2 + StateHeader::kSize));
    auto tree = StateTree::decode(in).value();
    for (const std::size_t count : {1'000u, 20'000u, 200'000u}) {
        std::map<Bytes, Value> changed;
        SeededRandom random(count);
        while (changed.size() < count)
            changed[key::account(stranger(kSenders + random.below(kAccounts - kSenders)))] =
                encode_record(Account{Amount(random.below(1'000'000)), 1});
        const Difference difference(changed.begin(), changed.end());
        double best = 1e9;
        for (int i = 0; i < 5; ++i) {
            auto copy = difference;
            const auto begin = steady_clock::now();
            const auto staged = tree.stage(std::move(copy));
            best = std::min(best, ms_since(begin));
        }
        std::printf("root with %6zu records changed   %6.2f ms   %.2f us each\n", count, best,
                    1000 * best / static_cast<double>(count));
    }
}

}  // namespace

int main() {
    const auto snapshot = big_snapshot();
    auto begin = steady_clock::now();
    auto ledger = Ledger::restore(snapshot).value();
    std::printf("restore %zu accounts        %8.1f ms\n", kAccounts, ms_since(begin));
    begin = steady_clock::now();
    const auto written = ledger.snapshot();
    std::printf("snapshot, %zu MB              %8.1f ms\n", written.size() >> 20, ms_since(begin));
    ENSURE(written == snapshot, "another snapshot");
    bench_tree(snapshot);
    bench_blocks(ledger, false);
    bench_blocks(ledger, true);
    return 0;
}

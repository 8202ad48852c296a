// A small ledger behind EthereumChain: what is submitted waits until mine() makes a block of it.
#pragma once

#include <map>

#include "gateway/ethrpc_chain.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::gateway {

class TestEthereumChain final : public EthereumChain {
  public:
    TestEthereumChain() {
        auto first = std::make_shared<ExecutedBlock>();
        first->time_ms = genesis_.time_ms;
        blocks_.push_back(std::move(first));
    }

    void mine() {
        auto block = std::make_shared<ExecutedBlock>();
        const auto events_before = chain_.events().size();
        std::vector<Bytes> raws;
        for (const auto& [hash, raw] : waiting_) raws.push_back(raw);
        waiting_.clear();
        chain_.block(raws);
        block->height = chain_.ledger.height();
        block->time_ms = chain_.ledger.time_ms();
        block->hash = ledger::digest_of("block " + std::to_string(block->height));
        block->parent = blocks_.back()->hash;
        block->state = chain_.ledger.state_hash();
        for (const auto& raw : raws) {
            const auto hash = ledger::Transaction::hash(raw);
            const auto receipt = chain_.ledger.receipt(hash).value();
            if (!receipt) continue;
            places_[hash] = {block->height, block->transactions.size()};
            const auto sender = ledger::Transaction::decode(raw).value().sender().value();
            block->transactions.push_back({hash,
                                           raw,
                                           sender,
                                           receipt->succeeded,
                                           receipt->error,
                                           receipt->gas_used,
                                           receipt->fee,
                                           {}});
            block->gas_used += receipt->gas_used;
        }
        const auto events = chain_.events();
        std::size_t at = 0;
        for (auto i = events_before; i < events.size(); ++i) {
            for (std::size_t k = 0; k < block->transactions.size(); ++k)
                if (events[i].about == block->transactions[k].hash) at = k;
            block->transactions.at(at).logs.push_back(ledger::to_log(events[i]));
            add_to_bloom(block->bloom, block->transactions[at].logs.back());
        }
        blocks_.push_back(std::move(block));
    }
    // Sends the call and makes a block of it; its transaction's hash.
    Digest send(int wallet, const ledger::Call& call) {
        const auto raw = chain_.signed_call(ledger::wallet(wallet), call);
        ENSURE(submit(raw).ok(), "the call is good");
        mine();
        return ledger::Transaction::hash(raw);
    }
    const ledger::TestChain& chain() const { return chain_; }

    const ledger::Genesis& genesis() const override { return genesis_; }
    std::uint64_t height() const override { return blocks_.size() - 1; }
    Result<BlockPtr> block(std::uint64_t height) const override {
        if (height < pruned)
            return Error{ErrorKind::not_found, std::string(kPrunedHistory) + ": block"};
        return height < blocks_.size() ? blocks_[height] : BlockPtr();
    }
    Result<std::optional<ExecutedPart>> part(const TransactionPlace& place) const override {
        TRY(const auto whole, block(place.height));
        if (whole == nullptr) return std::optional<ExecutedPart>();
        return std::optional(part_of(*whole, place.index));
    }
    std::optional<std::uint64_t> height_of(const Digest& hash) const override {
        for (const auto& block : blocks_)
            if (block->hash == hash) return block->height;
        return std::nullopt;
    }
    std::optional<TransactionPlace> place_of(const Digest& hash) const override {
        const auto at = places_.find(hash);
        return at == places_.end() ? std::nullopt : std::optional(at->second);
    }
    Result<ledger::Account> account(const Address& address) const override {
        return chain_.account(address);
    }
    Result<ledger::Simulated> simulate(const Address& from,
                                       const ledger::Call& call) const override {
        return ledger::simulate({chain_.ledger.state(), genesis_, chain_.ledger.time_ms()},
                                chain_.ledger.height(), from, call);
    }
    Result<std::vector<std::pair<Bytes, Bytes>>> records(ByteSpan prefix, ByteSpan after,
                                                         std::size_t limit) const override {
        return chain_.ledger.state().scan(prefix, after, limit);
    }
    Result<std::uint64_t> event_count() const override {
        return ledger::read_counter(chain_.ledger.state(), ledger::key::event_count());
    }
    Result<std::vector<ledger::Event>> events(std::uint64_t first,
                                              std::uint64_t end) const override {
        return ledger::read_events(chain_.ledger.state(), first, end);
    }
    void expect(std::span<const ByteSpan> transactions) override {
        expected += transactions.size();
    }
    Result<Digest> submit(ByteSpan raw) override {
        const auto hash = ledger::Transaction::hash(raw);
        if (waiting_.contains(hash)) return Error{ErrorKind::already_exists, "already known"};
        TRY_VOID(chain_.ledger.check(raw));
        waiting_[hash] = to_bytes(raw);
        taken_.push_back(hash);
        return hash;
    }
    Result<std::uint64_t> pending_nonce(const Address& address) const override {
        return chain_.account(address).nonce + waiting_.size();
    }
    std::optional<Bytes> waiting(const Digest& hash) const override {
        const auto at = waiting_.find(hash);
        return at == waiting_.end() ? std::nullopt : std::optional(at->second);
    }
    std::uint64_t taken() const override { return taken_.size(); }
    std::vector<Digest> taken_since(std::uint64_t from) const override {
        return {taken_.begin() + static_cast<std::ptrdiff_t>(std::min(from, taken())),
                taken_.end()};
    }

    std::size_t expected = 0;  // transactions that were announced
    std::uint64_t pruned = 0;  // blocks below are gone

  private:
    ledger::TestChain chain_;
    const ledger::Genesis genesis_ = ledger::TestChain::genesis();
    std::vector<BlockPtr> blocks_;
    std::map<Digest, TransactionPlace> places_;
    std::map<Digest, Bytes> waiting_;
    std::vector<Digest> taken_;
};

}  // namespace mutirao::gateway

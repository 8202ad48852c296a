// Methods that read blocks, transactions and fees.
#include <algorithm>
#include <cmath>

#include "gateway/ethrpc_methods.hpp"

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kFeeBlocksMax = 1024;
constexpr std::size_t kPercentilesMax = 100;

// Null where there is no such block.
Result<BlockPtr> chosen_block(const RpcContext& context, std::size_t index) {
    auto choice = context.params.block(index);
    if (!choice.ok() && choice.error().kind == ErrorKind::not_found) return BlockPtr();
    if (!choice.ok()) return std::move(choice).error();
    return context.chain.block(choice->height);
}

Result<BlockPtr> block_by_hash(const RpcContext& context, std::size_t index) {
    TRY(const auto hash, context.params.digest(index));
    const auto height = context.chain.height_of(hash);
    return height ? context.chain.block(*height) : Result<BlockPtr>(BlockPtr());
}

RpcResult whole(const RpcContext& context, const BlockPtr& block) {
    if (block == nullptr) return json::value();
    TRY(const bool full, context.params.flag(1));
    const auto& genesis = context.chain.genesis();
    return json::value(block_json(*block, full, genesis.base_fee, genesis.chain_id));
}

RpcResult block_number(RpcContext& context) { return quantity(context.chain.height()); }

RpcResult get_block_by_number(RpcContext& context) {
    if (const auto named = context.params.text(0); !named.ok()) return named.error();
    TRY(const auto block, chosen_block(context, 0));
    return whole(context, block);
}

RpcResult get_block_by_hash(RpcContext& context) {
    TRY(const auto block, block_by_hash(context, 0));
    return whole(context, block);
}

RpcResult count_of(const BlockPtr& block) {
    return block == nullptr ? RpcResult(json::value()) : quantity(block->transactions.size());
}
RpcResult count_by_number(RpcContext& context) {
    TRY(const auto block, chosen_block(context, 0));
    return count_of(block);
}
RpcResult count_by_hash(RpcContext& context) {
    TRY(const auto block, block_by_hash(context, 0));
    return count_of(block);
}

RpcResult transaction_at(const RpcContext& context, const BlockPtr& block) {
    TRY(const auto index, context.params.number(1));
    if (block == nullptr || index >= block->transactions.size()) return json::value();
    return json::value(transaction_json(*block, index, context.chain.genesis().chain_id));
}
RpcResult transaction_by_number(RpcContext& context) {
    TRY(const auto block, chosen_block(context, 0));
    return transaction_at(context, block);
}
RpcResult transaction_by_block_hash(RpcContext& context) {
    TRY(const auto block, block_by_hash(context, 0));
    return transaction_at(context, block);
}

RpcResult get_transaction(RpcContext& context) {
    TRY(const auto hash, context.params.digest(0));
    const auto& genesis = context.chain.genesis();
    // First those that wait: one that moves into a block meanwhile is found there.
    if (const auto raw = context.chain.waiting(hash))
        return json::value(waiting_json(*raw, genesis.base_fee, genesis.chain_id));
    const auto place = context.chain.place_of(hash);
    if (!place) return json::value();
    TRY(const auto block, context.chain.block(place->height));
    return json::value(transaction_json(*block, place->index, genesis.chain_id));
}

RpcResult get_receipt(RpcContext& context) {
    TRY(const auto hash, context.params.digest(0));
    const auto place = context.chain.place_of(hash);
    if (!place) return json::value();
    TRY(const auto part, context.chain.part(*place));
    return part ? json::value(receipt_json(*part)) : json::value();
}

RpcResult get_block_receipts(RpcContext& context) {
    const auto* named = context.params.find(0);
    const bool by_hash = named != nullptr && named->is_string() && named->get_string().size() == 66;
    TRY(const auto block, by_hash ? block_by_hash(context, 0) : chosen_block(context, 0));
    if (block == nullptr) return json::value();
    return json::value(receipts_json(*block));
}

RpcResult gas_price(RpcContext& context) {
    return quantity(context.chain.genesis().base_fee.wei());
}
// Nobody has to tip: blocks are made in order of arrival.
RpcResult max_priority_fee(RpcContext&) { return quantity(0); }

Result<std::vector<double>> read_percentiles(const Params& params) {
    std::vector<double> out;
    const auto* written = params.find(2);
    if (written == nullptr) return out;
    const auto* list = written->if_array();
    const Error wrong{ErrorKind::invalid_argument,
                      "reward percentiles are at most 100 ascending numbers from 0 to 100"};
    if (list == nullptr || list->size() > kPercentilesMax) return wrong;
    for (const auto& each : *list) {
        if (!each.is_number()) return wrong;
        const auto value = each.to_number<double>();
        if (!(value >= 0 && value <= 100) || (!out.empty() && value < out.back())) return wrong;
        out.push_back(value);
    }
    return out;
}

// The tips at those percentiles of the block's gas.
json::array rewards(const ExecutedBlock& block, ledger::Amount base_fee,
                    const std::vector<double>& percentiles) {
    std::vector<std::pair<ledger::Amount, std::uint64_t>> tips;
    for (const auto& tx : block.transactions) {
        const auto tip = price_of(tx).minus(base_fee);
        tips.emplace_back(tip.ok() ? *tip : ledger::Amount(), tx.gas_used);
    }
    std::sort(tips.begin(), tips.end());
    json::array out;
    std::size_t at = 0;
    std::uint64_t gas = tips.empty() ? 0 : tips[0].second;
    for (const double percentile : percentiles) {
        const auto wanted = static_cast<double>(block.gas_used) * percentile / 100;
        while (at + 1 < tips.size() && static_cast<double>(gas) < wanted) gas += tips[++at].second;
        out.emplace_back(quantity(tips.empty() ? 0 : tips[at].first.wei()));
    }
    return out;
}

RpcResult fee_history(RpcContext& context) {
    TRY(auto count, context.params.number(0));
    TRY(const auto newest, context.params.block(1));
    TRY(const auto percentiles, read_percentiles(context.params));
    if (newest.height > context.chain.height())
        return RpcError{rpc_code::kServer, "request beyond head block"};
    count = std::min({count, kFeeBlocksMax, newest.height + 1});
    const auto base_fee = context.chain.genesis().base_fee;
    json::array base_fees, ratios, all_rewards;
    const auto oldest = newest.height + 1 - count;
    for (auto height = oldest; height <= newest.height; ++height) {
        TRY(const auto block, context.chain.block(height));
        if (block == nullptr) break;
        base_fees.emplace_back(quantity(base_fee.wei()));
        ratios.emplace_back(static_cast<double>(block->gas_used) /
                            static_cast<double>(block_gas_limit()));
        if (!percentiles.empty()) all_rewards.emplace_back(rewards(*block, base_fee, percentiles));
    }
    base_fees.emplace_back(quantity(base_fee.wei()));  // the next block's
    json::object out{{"oldestBlock", quantity(oldest)},
                     {"baseFeePerGas", std::move(base_fees)},
                     {"gasUsedRatio", std::move(ratios)}};
    if (!percentiles.empty()) out["reward"] = std::move(all_rewards);
    return json::value(std::move(out));
}

RpcResult no_uncles_by_number(RpcContext& context) {
    TRY(const auto block, chosen_block(context, 0));
    return block == nullptr ? RpcResult(json::value()) : quantity(0);
}
RpcResult no_uncles_by_hash(RpcContext& context) {
    TRY(const auto block, block_by_hash(context, 0));
    return block == nullptr ? RpcResult(json::value()) : quantity(0);
}

constexpr RpcMethodEntry kMethods[] = {
    {"eth_blockNumber", block_number},
    {"eth_getBlockByNumber", get_block_by_number},
    {"eth_getBlockByHash", get_block_by_hash},
    {"eth_getBlockTransactionCountByNumber", count_by_number},
    {"eth_getBlockTransactionCountByHash", count_by_hash},
    {"eth_getTransactionByBlockNumberAndIndex", transaction_by_number},
    {"eth_getTransactionByBlockHashAndIndex", transaction_by_block_hash},
    {"eth_getUncleCountByBlockNumber", no_uncles_by_number},
    {"eth_getUncleCountByBlockHash", no_uncles_by_hash},
    {"eth_getTransactionByHash", get_transaction},
    {"eth_getTransactionReceipt", get_receipt},
    {"eth_getBlockReceipts", get_block_receipts},
    {"eth_gasPrice", gas_price},
    {"eth_maxPriorityFeePerGas", max_priority_fee},
    {"eth_feeHistory", fee_history},
};

}  // namespace

std::span<const RpcMethodEntry> block_methods() { return kMethods; }

}  // namespace mutirao::gateway

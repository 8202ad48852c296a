// The status page's words in its two languages. Internal to this room.
#pragma once

#include <string_view>

#include "gateway/figures.hpp"
#include "gateway/loss_chart.hpp"

namespace mutirao::gateway {

struct StatusWords {
    std::string_view tag;  // of the language, for the html element
    std::string_view title;
    std::string_view updated, more_rows, nothing;
    std::string_view consensus_carried, stored, for_wallets;
    std::string_view nodes, role, address, endpoint, state, up, down, slots, bytes;
    std::string_view ledger_blocks, height, time, transactions, certificates;
    std::string_view block_id, length, signed_slots, certificate_bytes;
    std::string_view objects, name, size, blocks, owner;
    std::string_view training, tokens_per_second, exchanged, all_reduce, times_less;
    std::string_view models, model_id, price, shares;
    std::string_view payments, paid_to, amount, why;
    LossChartWords chart;
};

const StatusWords& status_words(Language language);

}  // namespace mutirao::gateway

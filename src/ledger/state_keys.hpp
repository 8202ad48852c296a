// How keys of records are made: a tag, '/', and what tells records under one tag apart. All tags of
// the tree stand here, so that no two modules take the same; 't', 'v' and 'w' are the history's.
// Internal to ledger; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace mutirao::ledger {

enum class Tag : char {
    account = 'a',
    block = 'b',
    block_part = 'c',
    owner_stake = 'd',
    asset_operator = 'e',
    assets_owned = 'f',
    round_reports = 'g',
    trainer_rounds = 'h',
    run_licence = 'i',
    accepted_licence = 'j',
    api_key = 'k',
    licence = 'l',
    epoch = 'm',
    node = 'n',
    order_key = 'o',
    provider = 'p',
    bls_key = 'q',
    run = 'r',
    asset = 's',
    node_stake = 'u',
    event = 'v',
    single = 'x',  // records of which there is one
    provider_draw = 'y',
    fault = 'z',
    audit = 'A',
    contribution = 'C',
    deal = 'D',
    deal_of_node = 'E',
    conviction = 'G',
    contribution_pool = 'F',
    validator_key = 'K',
    lane_tip = 'L',
    storage_offer = 'P',
    validator = 'V',
    dispute = 'X',
};

Bytes tagged(Tag tag, ByteSpan a = {}, ByteSpan b = {});
// Big-endian, so that key order is number order.
Bytes numbered(Tag tag, std::uint64_t value);
void append_number(Bytes& out, std::uint64_t value);
inline Bytes single(std::string_view name) { return tagged(Tag::single, as_bytes(name)); }

}  // namespace mutirao::ledger

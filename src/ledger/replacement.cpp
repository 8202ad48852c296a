#include "ledger/replacement.hpp"

namespace mutirao::ledger {
namespace {

bool is_a_tenth_over(Amount offer, Amount waiting) {
    const auto part = waiting.part(kOutbidPercent, 100);
    const auto least = waiting.plus(part);
    return least.ok() && offer >= *least;
}

}  // namespace

bool outbids(const Transaction& offer, const Transaction& waiting) {
    return offer.max_fee > waiting.max_fee && is_a_tenth_over(offer.max_fee, waiting.max_fee) &&
           is_a_tenth_over(offer.max_priority_fee, waiting.max_priority_fee);
}

}  // namespace mutirao::ledger

#include "cli/order_file.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mutirao::cli {
namespace {

ledger::Order sample() {
    SeededRandom random(1);
    const auto key = crypto::AccountKey::generate(random);
    ledger::Order order;
    order.account = key.address();
    order.value = ledger::Amount(ledger::u128{1} << 100);
    order.data = {1, 2, 3};
    order.nonce = 7;
    order.deadline_ms = 1'000'000;
    order.sign(key, 8021);
    return order;
}

TEST(OrderFile, reads_what_it_writes) {
    const auto order = sample();
    const auto text = boost::json::serialize(order_json(order, 8021));
    const auto read = order_from(text, 8021);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->signer(8021).value(), order.account);
    EXPECT_EQ(boost::json::serialize(order_json(*read, 8021)), text);
}

TEST(OrderFile, one_of_another_chain_and_what_is_none_are_refused) {
    const auto text = boost::json::serialize(order_json(sample(), 1));
    EXPECT_EQ(order_from(text, 8021).error().kind, ErrorKind::invalid_argument);
    for (const auto* bad : {"", "[]", "{}", "{\"chain_id\": \"1\"}", "{\"chain_id\": -1}",
                            "{\"chain_id\": 1.5}", "{\"chain_id\": 1, \"account\": 3}"})
        EXPECT_EQ(order_from(bad, 1).error().kind, ErrorKind::corrupt) << bad;
    for (const auto* key :
         {"account", "to", "value_wei", "data", "fee_wei", "nonce", "deadline_ms", "signature"}) {
        auto without = order_json(sample(), 1);
        without.erase(key);
        EXPECT_FALSE(order_from(boost::json::serialize(without), 1).ok()) << key;
    }
}

}  // namespace
}  // namespace mutirao::cli

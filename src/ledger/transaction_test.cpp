#include "ledger/transaction.hpp"

#include <gtest/gtest.h>

#include "ledger/rlp.hpp"
#include "ledger/test_vectors.hpp"

namespace mutirao::ledger {
namespace {

const boost::json::object& vectors() {
    static const auto loaded = read_vectors("transactions.json");
    return loaded;
}

// The items of an access list, from the vector's own description.
Bytes access_list_of(const boost::json::array& entries) {
    rlp::Writer out;
    for (const auto& entry : entries) {
        rlp::Writer keys, items;
        for (const auto& key : entry.at("storageKeys").as_array()) keys.bytes(hex_in(key));
        items.bytes(hex_in(entry.at("address"))).raw(rlp::list(keys.view()));
        out.raw(rlp::list(items.view()));
    }
    return std::move(out).take();
}

Transaction transaction_of(const boost::json::value& body) {
    Transaction tx;
    tx.type = static_cast<TransactionType>(number_in(body.at("type")));
    const bool one_price = body.as_object().contains("gasPrice");
    tx.chain_id = static_cast<std::uint64_t>(number_in(body.at("chainId")));
    tx.nonce = static_cast<std::uint64_t>(number_in(body.at("nonce")));
    tx.max_priority_fee =
        Amount(number_in(body.at(one_price ? "gasPrice" : "maxPriorityFeePerGas")));
    tx.max_fee = Amount(number_in(body.at(one_price ? "gasPrice" : "maxFeePerGas")));
    tx.gas_limit = static_cast<std::uint64_t>(number_in(body.at("gasLimit")));
    tx.to = fixed_in<Address>(body.at("to"));
    tx.value = Amount(number_in(body.at("value")));
    tx.data = hex_in(body.at("data"));
    if (tx.type != TransactionType::legacy)
        tx.access_list = access_list_of(body.at("accessList").as_array());
    return tx;
}

TEST(Transaction, signs_and_encodes_as_ethers_does) {
    for (const auto& vector : vectors().at("transactions").as_array()) {
        auto tx = transaction_of(vector.at("body"));
        EXPECT_EQ(tx.signing_hash(), fixed_in<Digest>(vector.at("signing_hash")));
        tx.sign(crypto::AccountKey::from_bytes(hex_in(vector.at("key"))).value());
        EXPECT_EQ(to_hex(tx.encode()), to_hex(hex_in(vector.at("raw"))));
        EXPECT_EQ(Transaction::hash(tx.encode()), fixed_in<Digest>(vector.at("hash")));
    }
}

TEST(Transaction, decodes_what_ethers_encodes) {
    for (const auto& vector : vectors().at("transactions").as_array()) {
        const auto raw = hex_in(vector.at("raw"));
        const auto decoded = Transaction::decode(raw);
        ASSERT_TRUE(decoded.ok()) << decoded.error().message;
        const auto expected = transaction_of(vector.at("body"));
        EXPECT_EQ(decoded->signing_hash(), expected.signing_hash());
        EXPECT_EQ(decoded->signature.r.bytes, fixed_in<Digest>(vector.at("r")).bytes);
        EXPECT_EQ(decoded->signature.s.bytes, fixed_in<Digest>(vector.at("s")).bytes);
        EXPECT_EQ(decoded->signature.y_parity, vector.at("y_parity").as_int64());
        EXPECT_EQ(decoded->sender().value(), fixed_in<Address>(vector.at("from")));
        EXPECT_EQ(decoded->encode(), raw);
    }
}

TEST(Transaction, refuses_by_name) {
    for (const auto& vector : vectors().at("refused").as_array()) {
        const auto decoded = Transaction::decode(hex_in(vector.at("raw")));
        ASSERT_FALSE(decoded.ok()) << text_in(vector.at("name"));
        EXPECT_EQ(to_string(decoded.error().kind), text_in(vector.at("kind")))
            << text_in(vector.at("name"));
    }
    const auto& creation = vectors().at("refused").as_array().at(3);
    EXPECT_EQ(Transaction::decode(hex_in(creation.at("raw"))).error().message,
              "contracts cannot be deployed: there is no EVM on this ledger yet");
    EXPECT_FALSE(Transaction::decode({}).ok());
    EXPECT_FALSE(Transaction::decode(Bytes(kTransactionSizeMax + 1, 2)).ok());
}

// One of each type.
std::vector<Transaction> samples() {
    std::vector<Transaction> out;
    for (const auto type : {0, 1, 2})
        for (const auto& vector : vectors().at("transactions").as_array())
            if (number_in(vector.at("body").at("type")) == static_cast<u128>(type)) {
                out.push_back(Transaction::decode(hex_in(vector.at("raw"))).value());
                break;
            }
    return out;
}

TEST(Transaction, every_type_has_a_sample) {
    ASSERT_EQ(samples().size(), 3u);
    EXPECT_EQ(samples()[0].type, TransactionType::legacy);
    EXPECT_EQ(samples()[1].type, TransactionType::access_list);
    EXPECT_EQ(samples()[2].type, TransactionType::fee_market);
}

TEST(Transaction, refuses_a_high_s) {
    // n - s, with the other parity, signs the same hash; EIP-2 allows only the low one.
    const auto order =
        from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").value();
    for (auto tx : samples()) {
        int borrow = 0;
        for (std::size_t i = 32; i-- > 0;) {
            const int digit = order[i] - tx.signature.s.bytes[i] - borrow;
            borrow = digit < 0;
            tx.signature.s.bytes[i] = static_cast<std::uint8_t>(digit + (borrow ? 256 : 0));
        }
        tx.signature.y_parity ^= 1;
        const auto decoded = Transaction::decode(tx.encode());
        EXPECT_TRUE(!decoded.ok() || !decoded->sender().ok());
    }
}

TEST(Transaction, refuses_a_parity_over_one_and_an_empty_signature) {
    for (auto tx : samples()) {
        const auto good = tx;
        if (tx.type != TransactionType::legacy) {  // there it would be the next chain's
            tx.signature.y_parity = 2;
            EXPECT_EQ(Transaction::decode(tx.encode()).error().kind, ErrorKind::corrupt);
        }
        tx = good;
        tx.signature = {};
        const auto decoded = Transaction::decode(tx.encode());
        EXPECT_TRUE(!decoded.ok() || !decoded->sender().ok());
    }
}

TEST(Transaction, refuses_a_legacy_v_that_means_nothing) {
    // rlp([nonce, price, gas, to, value, data, v, r, s]) with the v under test.
    const auto with = [](u128 v) {
        rlp::Writer items;
        items.number(0).number(1).number(21000).bytes(Bytes(20, 1)).number(0).bytes({});
        items.number(v).bytes(Bytes(32, 1)).bytes(Bytes(32, 1));
        return Transaction::decode(rlp::list(items.view()));
    };
    for (const int v : {0, 1, 26, 29, 34})
        EXPECT_EQ(with(static_cast<u128>(v)).error().kind, ErrorKind::corrupt) << v;
    for (const int v : {27, 28})
        EXPECT_EQ(with(static_cast<u128>(v)).error().kind, ErrorKind::invalid_argument) << v;
    const u128 last = ((u128{1} << 64) - 1) * 2 + 36;
    EXPECT_EQ(with(last).value().chain_id, ~std::uint64_t{0});
    EXPECT_EQ(with(last + 1).error().kind, ErrorKind::corrupt);
}

// One flipped bit anywhere never gives another transaction of the same sender.
TEST(Transaction, one_flipped_bit_is_found) {
    for (const auto& tx : samples()) {
        const auto raw = tx.encode();
        const auto sender = tx.sender().value();
        for (std::size_t bit = 0; bit < raw.size() * 8; ++bit) {
            auto changed = raw;
            changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
            const auto decoded = Transaction::decode(changed);
            if (!decoded.ok()) continue;
            EXPECT_EQ(decoded->encode(), changed) << bit;
            const auto other = decoded->sender();
            EXPECT_TRUE(!other.ok() || *other != sender) << bit;
        }
    }
}

TEST(Transaction, refuses_malformed_access_lists) {
    auto tx = samples().back();
    const auto with = [&](const Bytes& access_list) {
        tx.access_list = access_list;
        return Transaction::decode(tx.encode());
    };
    const Bytes address(20, 1), key(32, 2);
    const auto entry = [](ByteSpan who, ByteSpan key_items) {
        return rlp::list(rlp::Writer().bytes(who).raw(rlp::list(key_items)).view());
    };
    EXPECT_TRUE(with(entry(address, rlp::Writer().bytes(key).view())).ok());
    EXPECT_FALSE(with(entry(Bytes(19, 1), {})).ok());
    EXPECT_FALSE(with(entry(address, rlp::Writer().bytes(Bytes(31, 2)).view())).ok());
    EXPECT_FALSE(with(rlp::Writer().bytes(address).view()).ok());
    EXPECT_FALSE(with(rlp::list(rlp::Writer().bytes(address).view())).ok());
}

}  // namespace
}  // namespace mutirao::ledger

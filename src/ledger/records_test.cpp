#include "ledger/records.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <set>

#include "ledger/changes.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

template <class Record>
void expect_canonical(const Record& record) {
    const auto bytes = encode_record(record);
    const auto decoded = decode_record<Record>(bytes);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(encode_record(*decoded), bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_record<Record>(ByteSpan(bytes).first(size)).ok()) << size;
    auto longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_record<Record>(longer).ok());
}

TEST(Records, every_record_has_one_encoding) {
    expect_canonical(Account{Amount(5), 7});
    expect_canonical(TestNode(0).record(Role::storage, 3));
    expect_canonical(
        EpochRecord{4, {{wallet(0).address(), 2, {}, "a"}, {wallet(1).address(), 3, {}, ""}}});
    expect_canonical(CertifiedBlock{{1, 2, 3}, 9, 200, 4096, 2, true});
    expect_canonical(BlockPart{77, true});
    Asset asset;
    asset.title = "Ação";
    asset.kind = AssetKind::model;
    asset.shares = {{wallet(1).address(), 1000, digest_of("a")}, {wallet(2).address(), 5, {}}};
    expect_canonical(asset);
    Licence licence;
    licence.purpose = Purpose::infer;
    licence.state = LicenceState::revoked;
    licence.accepted_ms = 5;
    expect_canonical(licence);
    ledger::Run run;
    run.trainers = {wallet(0).address(), wallet(1).address()};
    run.tokens = {{digest_of("a"), 6}};
    expect_canonical(run);
    expect_canonical(Provider{wallet(0).address(), digest_of("m")});
    ApiKey api_key;
    api_key.closed = true;
    expect_canonical(api_key);
    expect_canonical(ProviderDraw{Amount(5), digest_of("voucher"), 9});
    expect_canonical(RoundReports{{wallet(0).address()}, true});
    expect_canonical(TrainerRounds{4, 3});
    OrderKey order_key;
    order_key.nonce = 5;
    expect_canonical(order_key);
    expect_canonical(NodeStake{wallet(0).address(), {Amount(5), Amount(6)}, {Amount(7), {}}});
    expect_canonical(OwnerStake{wallet(0).address(), wallet(1).address(), Amount(5), {}, 9});
    Event event;
    event.kind = EventKind::last_;
    event.reason = Reason::last_;
    expect_canonical(event);
    Receipt receipt;
    receipt.error = "no";
    expect_canonical(receipt);
    expect_canonical(TestChain::genesis());
}

TEST(Records, refuses_flags_enumerators_and_lists_that_cannot_be) {
    auto bytes = encode_record(CertifiedBlock{});
    bytes.back() = 2;
    EXPECT_EQ(decode_record<CertifiedBlock>(bytes).error().kind, ErrorKind::corrupt);
    bytes = encode_record(NodeRecord{});
    bytes[Address::kSize] = static_cast<std::uint8_t>(Role::last_) + 1;
    EXPECT_EQ(decode_record<NodeRecord>(bytes).error().kind, ErrorKind::corrupt);
    bytes = encode_record(EpochRecord{});
    bytes[8] = 0xff, bytes[9] = 0xff;  // 65,535 members
    EXPECT_EQ(decode_record<EpochRecord>(bytes).error().kind, ErrorKind::corrupt);
}

TEST(Records, every_enumerator_has_a_name_of_its_own) {
    std::set<std::string_view> names;
    for (int i = 0; i <= static_cast<int>(EventKind::last_); ++i)
        names.insert(to_string(static_cast<EventKind>(i)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(EventKind::last_) + 1);
    names.clear();
    for (int i = 0; i <= static_cast<int>(Reason::last_); ++i)
        names.insert(to_string(static_cast<Reason>(i)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(Reason::last_) + 1);
}

TEST(Records, ids_differ_by_each_of_their_parts) {
    const auto a = wallet(0).address(), b = wallet(1).address();
    const auto x = digest_of("x"), y = digest_of("y");
    const std::set<Digest> ids{asset_id(a, x),   asset_id(b, x),   asset_id(a, y),
                               licence_id(x, y), licence_id(y, x), run_id(a, 0, x),
                               run_id(a, 1, x),  run_id(b, 0, x),  run_id(a, 0, y)};
    EXPECT_EQ(ids.size(), 9u);
    EXPECT_EQ(Address::from_bytes(subject_of(a).span().subspan(12)).value(), a);
}

// Base records and changes over them against one plain map.
RC_GTEST_PROP(Changes, read_as_if_they_were_applied, ()) {
    class Plain final : public StateView {
      public:
        Result<Value> get(ByteSpan key) const override {
            const auto at = map.find(to_bytes(key));
            return at == map.end() ? Value() : Value(at->second);
        }
        Result<std::vector<std::pair<Bytes, Bytes>>> scan(ByteSpan prefix, ByteSpan after,
                                                          std::size_t limit) const override {
            std::vector<std::pair<Bytes, Bytes>> out;
            for (const auto& [key, value] : map) {
                const bool inside = key.size() >= prefix.size() &&
                                    std::equal(prefix.begin(), prefix.end(), key.begin());
                if (inside && (after.empty() || to_bytes(after) < key) && out.size() < limit)
                    out.emplace_back(key, value);
            }
            return out;
        }
        std::map<Bytes, Bytes> map;
    };
    const auto some_key = [] {
        Bytes key(*rc::gen::inRange<std::size_t>(0, 4));
        for (auto& byte : key) byte = *rc::gen::inRange<std::uint8_t>(0, 3);
        return key;
    };
    Plain base, expected;
    for (int i = 0; i < 10; ++i) base.map[some_key()] = {*rc::gen::arbitrary<std::uint8_t>()};
    expected.map = base.map;
    Changes outer(base);
    for (int round = 0; round < 3; ++round) {
        const auto before = outer.mark();
        const bool keep = *rc::gen::arbitrary<bool>();
        for (int i = 0; i < 4; ++i) {
            const auto key = some_key();
            const Bytes value{*rc::gen::arbitrary<std::uint8_t>()};
            if (*rc::gen::arbitrary<bool>()) {
                outer.put(key, value);
                if (keep) expected.map[key] = value;
            } else {
                outer.erase(key);
                if (keep) expected.map.erase(key);
            }
        }
        if (!keep) outer.go_back(before);
    }
    for (int i = 0; i < 10; ++i) {
        const auto key = some_key(), after = some_key();
        RC_ASSERT(outer.get(key).value() == expected.get(key).value());
        const auto limit = *rc::gen::inRange<std::size_t>(0, 8);
        RC_ASSERT(outer.scan(key, after, limit).value() ==
                  expected.scan(key, after, limit).value());
    }
}

TEST(Ledger, scans_from_before_the_prefix_as_from_its_first_key) {
    TestChain chain;
    const auto prefix = to_bytes(as_bytes("a/"));
    const auto all = chain.ledger.state().scan(prefix, {}, 100).value();
    EXPECT_EQ(all.size(), static_cast<std::size_t>(TestChain::kWallets));
    EXPECT_EQ(chain.ledger.state().scan(prefix, as_bytes("A"), 100).value(), all);
    const auto rest = chain.ledger.state().scan(prefix, all[3].first, 5).value();
    EXPECT_EQ(rest, (decltype(all)(all.begin() + 4, all.begin() + 9)));
    EXPECT_TRUE(chain.ledger.state().scan(prefix, as_bytes("b"), 100).value().empty());
}

}  // namespace
}  // namespace mutirao::ledger

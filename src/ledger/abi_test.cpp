#include "ledger/abi.hpp"

#include <gtest/gtest.h>
#include <regex>
#include <set>

#include "ledger/asset_tokens.hpp"
#include "ledger/calls.hpp"
#include "ledger/contributions.hpp"
#include "ledger/convictions.hpp"
#include "ledger/deals.hpp"
#include "ledger/disputes.hpp"
#include "ledger/event_log.hpp"
#include "ledger/methods.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"
#include "ledger/test_vectors.hpp"
#include "ledger/validators.hpp"
#include "ledger/views.hpp"

namespace mutirao::ledger {
namespace {

const std::vector<std::string_view>& view_signatures() {
    using namespace view_signature;
    static const std::vector<std::string_view> all = {kNode,           kCurrentEpoch,
                                                      kStoredBlock,    kPricePerKib,
                                                      kAsset,          kAssetId,
                                                      kLicence,        kLicenceId,
                                                      kIsLive,         kRun,
                                                      kRunId,          kSessionKey,
                                                      kName,           kSymbol,
                                                      kDecimals,       kTotalSupply,
                                                      kBalanceOf,      kStakeOf,
                                                      kPosition,       kStakeMinimum,
                                                      kNextReward,     kTrainerRounds,
                                                      kRedeemedBy,     kName,
                                                      kSymbol,         kBalanceOf,
                                                      kOwnerOf,        kTokenUri,
                                                      kGetApproved,    kIsApprovedForAll,
                                                      kRoyaltyInfo,    kSupportsInterface,
                                                      kOrderKey,       kDomainSeparator,
                                                      kStorageOffer,   kQuote,
                                                      kDeal,           kHolding,
                                                      kOpenAudit,      kContributionPool,
                                                      kContributionOf, kValidator,
                                                      kValidatorOf,    kDisputeOf,
                                                      kConvictionOf};
    return all;
}

// "name(type,type)" of every `kind` in a Solidity interface, without argument names.
std::vector<std::string> signatures_in(std::string source, const std::string& kind) {
    source = std::regex_replace(source, std::regex("//[^\n]*"), "");
    source = std::regex_replace(source, std::regex("\\s+"), " ");
    std::vector<std::string> out;
    const std::regex declaration("\\b" + kind + " (\\w+)\\(([^)]*)\\)");
    for (std::sregex_iterator at(source.begin(), source.end(), declaration), end; at != end; ++at) {
        std::string types;
        std::istringstream arguments((*at)[2]);
        for (std::string argument; std::getline(arguments, argument, ',');) {
            std::istringstream words(argument);
            std::string type;
            words >> type;
            types += (types.empty() ? "" : ",") + type;
        }
        out.push_back((*at)[1].str() + "(" + types + ")");
    }
    return out;
}

std::vector<std::string> published(const std::string& kind) {
    std::vector<std::string> out;
    for (const char* name : {"INodes", "IStorage", "IRights", "ITraining", "ICompute", "ITreasury",
                             "IStaking", "IOrders", "IDeals"}) {
        const auto source = read_text_file(std::string(MUTIRAO_VECTORS) +
                                           "/../docs/reference/abi/" + name + ".sol");
        for (auto& found : signatures_in(source, kind)) out.push_back(std::move(found));
    }
    return out;
}

TEST(Abi, the_published_interfaces_are_the_codes) {
    auto methods = published("function");
    const auto signatures = method_signatures();
    std::vector<std::string> ours(signatures.begin(), signatures.end());
    ours.insert(ours.end(), view_signatures().begin(), view_signatures().end());
    std::sort(methods.begin(), methods.end());
    std::sort(ours.begin(), ours.end());
    EXPECT_EQ(methods, ours);

    auto events = published("event");
    std::vector<std::string> our_events;
    for (int kind = 0; kind <= static_cast<int>(EventKind::last_); ++kind)
        if (static_cast<EventKind>(kind) != EventKind::operator_refused)  // ApprovalForAll, too
            our_events.emplace_back(event_signature(static_cast<EventKind>(kind)));
    std::sort(events.begin(), events.end());
    std::sort(our_events.begin(), our_events.end());
    EXPECT_EQ(events, our_events);
}

TEST(Abi, selectors_are_as_ethereum_computes_them) {
    EXPECT_EQ(abi::selector("transfer(address,uint256)"), 0xa9059cbbu);
    EXPECT_EQ(abi::selector("baz(uint32,bool)"), 0xcdcd77c0u);  // the ABI specification's example
}

TEST(Methods, are_found_by_their_selectors_at_modules_only) {
    std::set<std::uint32_t> selectors;
    for (const auto& signature : method_signatures()) {
        const auto call = std::move(abi::Writer(signature)).take();
        EXPECT_EQ(method_of(module::rights(), call), signature);
        EXPECT_FALSE(method_of(Address(), call));
        EXPECT_FALSE(method_of(module::rights(), ByteSpan(call).first(3)));
        selectors.insert(abi::selector(signature));
    }
    EXPECT_EQ(selectors.size(), method_signatures().size());
    EXPECT_FALSE(method_of(module::rights(), Bytes(4, 0xff)));
}

// Types of "name(t1,t2)", in order.
std::vector<std::string> types_of(std::string_view signature) {
    std::vector<std::string> out;
    const auto open = signature.find('(');
    std::istringstream types(std::string(signature.substr(open + 1, signature.size() - open - 2)));
    for (std::string type; std::getline(types, type, ',');) out.push_back(type);
    return out;
}

template <class T>
std::vector<T> fixed_list(const boost::json::value& values) {
    std::vector<T> out;
    for (const auto& value : values.as_array()) out.push_back(fixed_in<T>(value));
    return out;
}

void write(abi::Writer& out, const std::string& type, const boost::json::value& value) {
    if (type == "address") {
        out.address(fixed_in<Address>(value));
    } else if (type == "bytes32") {
        out.bytes32(hex_in(value));
    } else if (type == "bytes") {
        out.bytes(hex_in(value));
    } else if (type == "string") {
        out.bytes(as_bytes(text_in(value)));
    } else if (type == "address[]") {
        out.addresses(fixed_list<Address>(value));
    } else if (type == "bytes[]") {
        std::vector<Bytes> list;
        for (const auto& each : value.as_array()) list.push_back(hex_in(each));
        out.bytes_list(list);
    } else if (type == "bytes32[]") {
        out.bytes32s(fixed_list<Digest>(value));
    } else if (type == "uint64[]") {
        std::vector<std::uint64_t> numbers;
        for (const auto& number : value.as_array())
            numbers.push_back(static_cast<std::uint64_t>(number_in(number)));
        out.numbers(numbers);
    } else {
        out.number(number_in(value));
    }
}

void expect_read(abi::Reader& in, const std::string& type, const boost::json::value& value) {
    if (type == "address") {
        EXPECT_EQ(in.address().value(), fixed_in<Address>(value));
    } else if (type == "bytes32") {
        EXPECT_EQ(in.bytes32().value(), fixed_in<Digest>(value));
    } else if (type == "bytes") {
        EXPECT_EQ(in.bytes(1024).value(), hex_in(value));
    } else if (type == "string") {
        EXPECT_EQ(in.text(1024).value(), text_in(value));
    } else if (type == "address[]") {
        EXPECT_EQ(in.addresses(10).value(), fixed_list<Address>(value));
    } else if (type == "bytes[]") {
        const auto list = in.bytes_list(10, 1024).value();
        ASSERT_EQ(list.size(), value.as_array().size());
        for (std::size_t i = 0; i < list.size(); ++i)
            EXPECT_EQ(list[i], hex_in(value.as_array()[i]));
    } else if (type == "bytes32[]") {
        EXPECT_EQ(in.bytes32s(10).value(), fixed_list<Digest>(value));
    } else if (type == "uint64[]") {
        const auto numbers = in.numbers(10).value();
        ASSERT_EQ(numbers.size(), value.as_array().size());
        for (std::size_t i = 0; i < numbers.size(); ++i)
            EXPECT_EQ(numbers[i], number_in(value.as_array()[i]));
    } else {
        EXPECT_EQ(in.number().value(), number_in(value));
    }
}

TEST(Abi, encodes_and_reads_calls_as_ethers_does) {
    const auto vectors = read_vectors("abi.json");
    std::set<std::string> seen;
    for (const auto& vector : vectors.at("calls").as_array()) {
        const std::string signature(text_in(vector.at("signature")));
        seen.insert(signature);
        const auto data = hex_in(vector.at("data"));
        const auto types = types_of(signature);
        const auto& values = vector.at("values").as_array();
        ASSERT_EQ(types.size(), values.size());
        abi::Writer out(signature);
        for (std::size_t i = 0; i < types.size(); ++i) write(out, types[i], values[i]);
        EXPECT_EQ(to_hex(std::move(out).take()), to_hex(data)) << signature;
        abi::Reader in(ByteSpan(data).subspan(4));
        for (std::size_t i = 0; i < types.size(); ++i) expect_read(in, types[i], values[i]);
    }
    const auto signatures = method_signatures();
    EXPECT_EQ(seen, std::set<std::string>(signatures.begin(), signatures.end()));
}

TEST(Abi, logs_are_as_ethers_encodes_them) {
    const auto vectors = read_vectors("abi.json");
    std::set<EventKind> seen;
    for (const auto& vector : vectors.at("logs").as_array()) {
        const auto signature = text_in(vector.at("signature"));
        const auto& values = vector.at("values").as_array();
        Event event;
        for (int kind = 0; kind <= static_cast<int>(EventKind::last_); ++kind)
            if (event_signature(static_cast<EventKind>(kind)) == signature)
                event.kind = static_cast<EventKind>(kind);
        ASSERT_EQ(event_signature(event.kind), signature);
        const bool flag = event.kind == EventKind::operator_refused;
        if (flag && values[2].as_bool()) event.kind = EventKind::operator_approved;
        seen.insert(event.kind);
        const bool about_last = signature.find("(address,") != std::string_view::npos;
        if (!flag) event.about = fixed_in<Digest>(values[about_last ? 2 : 0]);
        event.from = fixed_in<Address>(values[about_last ? 0 : 1]);
        event.to = fixed_in<Address>(values[about_last ? 1 : 2]);
        if (event.kind == EventKind::paid) {
            event.amount = Amount(number_in(values[3]));
            event.reason = static_cast<Reason>(number_in(values[4]));
        }
        const auto log = to_log(event);
        EXPECT_EQ(log.topics, fixed_list<Digest>(vector.at("topics"))) << signature;
        EXPECT_EQ(log.data, hex_in(vector.at("data"))) << signature;
        const auto back = event_of(log);
        ASSERT_TRUE(back.ok());
        EXPECT_EQ(encode_record(*back), encode_record(event));
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(EventKind::last_) + 1);
}

TEST(EventLog, refuses_what_no_event_gives) {
    Event event;
    event.amount = Amount(5);
    const auto log = to_log(event);
    auto changed = log;
    changed.topics.pop_back();
    EXPECT_FALSE(event_of(changed).ok());
    changed = log;
    changed.topics[0].bytes[0] ^= 1;
    EXPECT_FALSE(event_of(changed).ok());
    changed = log;
    changed.topics[1].bytes[0] = 1;  // an address of 32 bytes
    EXPECT_FALSE(event_of(changed).ok());
    changed = log;
    changed.data.push_back(0);
    EXPECT_FALSE(event_of(changed).ok());
    changed = log;
    changed.data.back() = static_cast<std::uint8_t>(Reason::last_) + 1;
    EXPECT_FALSE(event_of(changed).ok());
    changed = log;
    changed.address = module::nodes();
    EXPECT_FALSE(event_of(changed).ok());
}

Bytes words(std::initializer_list<u128> values) { return abi::words(values); }

TEST(Abi, refuses_words_wider_than_their_type) {
    auto wide = words({1});
    wide[0] = 1;
    EXPECT_FALSE(abi::Reader(wide).number().ok());
    EXPECT_FALSE(abi::Reader(wide).address().ok());
    const auto big = words({static_cast<u128>(1) << 64});
    EXPECT_TRUE(abi::Reader(big).number().ok());
    EXPECT_FALSE(abi::Reader(big).number64().ok());
    const auto middling = words({std::uint64_t{1} << 32});
    EXPECT_TRUE(abi::Reader(middling).number64().ok());
    EXPECT_FALSE(abi::Reader(middling).number32().ok());
}

TEST(Abi, refuses_tails_outside_the_data_and_over_the_limit) {
    auto good = words({32, 2});
    good.resize(96);
    good[64] = 'o', good[65] = 'i';
    EXPECT_EQ(abi::Reader(good).text(2).value(), "oi");
    EXPECT_FALSE(abi::Reader(good).text(1).ok());
    EXPECT_FALSE(abi::Reader(ByteSpan(good).first(95)).text(2).ok());
    auto padded = good;
    padded[66] = 1;
    EXPECT_FALSE(abi::Reader(padded).text(2).ok());
    for (const u128 offset : {u128{33}, u128{96}, u128{1} << 63, ~u128{0}}) {
        auto outside = words({offset});
        outside.resize(96);
        EXPECT_FALSE(abi::Reader(outside).bytes(2).ok() &&
                     !abi::Reader(outside).bytes(2).value().empty());
    }
    const auto huge = words({32, ~std::uint64_t{0}});
    EXPECT_FALSE(abi::Reader(huge).bytes(~std::size_t{0}).ok());
    EXPECT_FALSE(abi::Reader(huge).numbers(~std::size_t{0}).ok());
}

TEST(Abi, refuses_lists_of_bytes_that_reach_outside_or_over_the_limits) {
    abi::Writer writer("f(bytes[])");
    writer.bytes_list({Bytes(40, 7), Bytes{}, Bytes(5, 8)});
    const auto call = std::move(writer).take();
    const ByteSpan good = ByteSpan(call).subspan(4);
    const auto read = [](ByteSpan data) { return abi::Reader(data).bytes_list(3, 40); };
    ASSERT_EQ(read(good).value(), (std::vector<Bytes>{Bytes(40, 7), {}, Bytes(5, 8)}));
    EXPECT_FALSE(abi::Reader(good).bytes_list(2, 40).ok());
    EXPECT_FALSE(abi::Reader(good).bytes_list(3, 39).ok());
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(read(good.first(size)).ok()) << size;
    for (const u128 offset : {u128{1} << 63, (u128{1} << 64) - 64, u128{100'000}, u128{1} << 64}) {
        auto outside = to_bytes(good);
        const auto word = words({offset});
        std::copy(word.begin(), word.end(), outside.begin() + 64);  // the first one's
        EXPECT_FALSE(read(outside).ok());
    }
}

TEST(Abi, refuses_text_that_is_not_utf8) {
    const auto text = [](std::string_view value) {
        const auto call = std::move(abi::Writer("f(string)").bytes(as_bytes(value))).take();
        return abi::Reader(ByteSpan(call).subspan(4)).text(100).ok();
    };
    for (const char* good :
         {"", "a", "edição", "日本", "\xf0\x9f\x8c\xb1", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
        EXPECT_TRUE(text(good)) << good;
    for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                            "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff", "a\xe2\x82"})
        EXPECT_FALSE(text(bad));
}

}  // namespace
}  // namespace mutirao::ledger

#include "ledger/rlp.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace mutirao::ledger::rlp {
namespace {

Bytes text(std::string_view value) { return to_bytes(as_bytes(value)); }
Bytes hex(std::string_view digits) { return from_hex(digits).value(); }
Bytes bytes_item(ByteSpan value) { return Writer().bytes(value).view(); }
Bytes number_item(u128 value) { return Writer().number(value).view(); }

// The examples of https://ethereum.org/en/developers/docs/data-structures-and-encoding/rlp/
TEST(Rlp, writes_the_published_examples) {
    EXPECT_EQ(bytes_item(text("dog")), hex("83646f67"));
    EXPECT_EQ(list(Writer().bytes(text("cat")).bytes(text("dog")).view()),
              hex("c88363617483646f67"));
    EXPECT_EQ(bytes_item({}), hex("80"));
    EXPECT_EQ(list({}), hex("c0"));
    EXPECT_EQ(number_item(0), hex("80"));
    EXPECT_EQ(bytes_item(hex("00")), hex("00"));
    EXPECT_EQ(number_item(15), hex("0f"));
    EXPECT_EQ(number_item(1024), hex("820400"));
    const auto empty = list({});
    const auto one = list(empty);
    EXPECT_EQ(
        list(Writer().raw(empty).raw(one).raw(list(Writer().raw(empty).raw(one).view())).view()),
        hex("c7c0c1c0c3c0c1c0"));
    const auto lorem = text("Lorem ipsum dolor sit amet, consectetur adipisicing elit");
    auto expected = hex("b838");
    expected.insert(expected.end(), lorem.begin(), lorem.end());
    EXPECT_EQ(bytes_item(lorem), expected);
}

TEST(Rlp, reads_only_the_shortest_form) {
    const auto bytes_of = [](std::string_view digits) {
        const auto raw = hex(digits);
        return Reader(raw).bytes().ok();
    };
    EXPECT_TRUE(bytes_of("83646f67"));
    EXPECT_FALSE(bytes_of(""));
    EXPECT_FALSE(bytes_of("8100"));  // 00 stands for itself
    EXPECT_FALSE(bytes_of("817f"));
    EXPECT_TRUE(bytes_of("8180"));
    EXPECT_FALSE(bytes_of("83646f"));                          // cut short
    EXPECT_FALSE(bytes_of("b803646f67"));                      // a long length for 3 bytes
    EXPECT_FALSE(bytes_of("b90038" + std::string(112, '0')));  // a length with a leading zero
    EXPECT_TRUE(bytes_of("b838" + std::string(112, '0')));
    EXPECT_FALSE(bytes_of("b8"));                  // no length
    EXPECT_FALSE(bytes_of("bfffffffffffffffff"));  // a length of 2^64 - 1
    EXPECT_FALSE(bytes_of("c0"));                  // a list
    const auto bytes = hex("83646f67");
    EXPECT_FALSE(Reader(bytes).list().ok());
}

TEST(Rlp, refuses_numbers_that_no_amount_can_be) {
    const auto number = [](std::string_view digits) {
        const auto raw = hex(digits);
        return Reader(raw).number();
    };
    EXPECT_EQ(number("80").value(), 0u);
    EXPECT_FALSE(number("00").ok());
    EXPECT_FALSE(number("820001").ok());
    EXPECT_TRUE(number("90" + std::string(32, 'f')).ok());
    EXPECT_FALSE(number("9101" + std::string(32, '0')).ok());
}

TEST(Rlp, what_is_left_over_is_refused) {
    const auto raw = hex("0102");
    Reader in(raw);
    EXPECT_TRUE(in.bytes().ok());
    EXPECT_FALSE(in.finish().ok());
    EXPECT_TRUE(in.bytes().ok());
    EXPECT_TRUE(in.finish().ok());
    EXPECT_FALSE(in.bytes().ok());
}

RC_GTEST_PROP(Rlp, what_is_written_is_read, (Bytes bytes, std::uint64_t number)) {
    bytes.resize(*rc::gen::inRange<std::size_t>(0, 70000));
    const auto raw = list(Writer().bytes(bytes).number(number).view());
    Reader outer(raw);
    auto in = outer.list().value();
    RC_ASSERT(to_bytes(in.bytes().value()) == bytes);
    RC_ASSERT(in.number().value() == number);
    RC_ASSERT(in.done() && outer.done());
}

}  // namespace
}  // namespace mutirao::ledger::rlp

#include "ledger/amount.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace mutirao::ledger {
namespace {

constexpr u128 kMax = ~static_cast<u128>(0);
constexpr u128 kUnit = 1'000'000'000'000'000'000u;

Amount random_amount() {
    const auto high = *rc::gen::arbitrary<std::uint64_t>();
    const auto low = *rc::gen::arbitrary<std::uint64_t>();
    return Amount(static_cast<u128>(high) << 64 | low);
}

TEST(Amount, reads_what_people_write) {
    EXPECT_EQ(Amount::parse("12.5").value(), Amount(12 * kUnit + kUnit / 2));
    EXPECT_EQ(Amount::parse("12,5").value(), Amount(12 * kUnit + kUnit / 2));
    EXPECT_EQ(Amount::parse("12.5 MUT").value(), Amount(12 * kUnit + kUnit / 2));
    EXPECT_EQ(Amount::parse("0").value(), Amount());
    EXPECT_EQ(Amount::parse("0.000000000000000001").value(), Amount(1));
    EXPECT_EQ(Amount::parse("340282366920938463463.374607431768211455").value(), Amount(kMax));
}

TEST(Amount, refuses_what_is_no_amount) {
    for (const char* text :
         {"", " ", "MUT", ".", "-1", "+1", "1e3", "0x10", "1.2.3", "1,000.5", "1 2",
          "0.0000000000000000001", "NaN", "1.5 BTC", "340282366920938463463.374607431768211456",
          "340282366920938463464", "99999999999999999999999999999999999999999999"}) {
        const auto parsed = Amount::parse(text);
        ASSERT_FALSE(parsed.ok()) << text;
        EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_argument);
        EXPECT_NE(parsed.error().message.find(text), std::string::npos);
    }
}

TEST(Amount, prints_without_needless_digits) {
    EXPECT_EQ(Amount().text(), "0 MUT");
    EXPECT_EQ(Amount(1).text(), "0.000000000000000001 MUT");
    EXPECT_EQ(Amount(10 * kUnit).text(), "10 MUT");
    EXPECT_EQ(Amount(kMax).decimal(), "340282366920938463463374607431768211455");
}

RC_GTEST_PROP(Amount, text_and_record_round_trip, ()) {
    const auto amount = random_amount();
    RC_ASSERT(Amount::parse(amount.text()).value() == amount);
    Writer out;
    amount.encode(out);
    Reader in(out.bytes());
    RC_ASSERT(Amount::decode(in).value() == amount);
    RC_ASSERT(in.finish().ok());
}

TEST(Amount, every_operation_is_checked) {
    EXPECT_EQ(Amount(kMax).plus(Amount(1)).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(Amount(kMax - 1).plus(Amount(1)).value(), Amount(kMax));
    EXPECT_EQ(Amount(1).minus(Amount(2)).error().kind, ErrorKind::insufficient_funds);
    EXPECT_EQ(Amount(2).minus(Amount(2)).value(), Amount());
    EXPECT_EQ(Amount(kMax).times(2).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(Amount(kMax / 3).times(3).value(), Amount(kMax / 3 * 3));
    EXPECT_EQ(Amount(kMax / 3 + 1).times(3).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(Amount(kMax).times(0).value(), Amount());
}

// part() is floor(a n / d): q n / d by long division in base 2 is the plain way to the same.
Amount part_plainly(Amount amount, std::uint64_t n, std::uint64_t d) {
    u128 quotient = 0, rest = 0;
    for (int bit = 127; bit >= 0; --bit) {
        // (quotient d + rest) = n * (the bits so far), kept with rest < d.
        quotient <<= 1;
        rest <<= 1;
        if (amount.wei() >> bit & 1) rest += n;
        while (rest >= d) rest -= d, ++quotient;
    }
    return Amount(quotient);
}

RC_GTEST_PROP(Amount, part_is_the_exact_floor, ()) {
    const auto amount = random_amount();
    const auto d = *rc::gen::arbitrary<std::uint64_t>();
    RC_PRE(d != 0u);
    const auto n = *rc::gen::arbitrary<std::uint64_t>() % d;
    RC_ASSERT(amount.part(n, d) == part_plainly(amount, n, d));
    RC_ASSERT(amount.part(d, d) == amount);
}

// q = floor(a n / d) is the only q with q d <= a n < (q + 1) d, checked modulo 2^128 and by order.
RC_GTEST_PROP(Amount, times_by_a_ratio_is_the_exact_floor, ()) {
    const auto a = random_amount(), n = random_amount(), d = random_amount();
    RC_PRE(!d.is_zero());
    const auto q = a.times(n, d);
    if (!q.ok()) {
        // a n >= 2^128 d, so that one of the two is over d.
        RC_ASSERT(a > d || n > d);
        return;
    }
    const u128 rest = a.wei() * n.wei() - q->wei() * d.wei();
    RC_ASSERT(rest < d.wei());
    RC_ASSERT(a.times(d, d).value() == a);
    RC_ASSERT(a.times(n, d).value() == n.times(a, d).value());
}

TEST(Amount, times_by_a_ratio_at_its_limits) {
    EXPECT_EQ(Amount(kMax).times(Amount(kMax), Amount(kMax)).value(), Amount(kMax));
    EXPECT_EQ(Amount(kMax).times(Amount(kMax), Amount(kMax - 1)).error().kind,
              ErrorKind::invalid_argument);
    EXPECT_EQ(Amount(kMax).times(Amount(2), Amount(1)).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(Amount(kMax).times(Amount(3), Amount(4)).value(), Amount(kMax / 4 * 3 + 2));
    EXPECT_EQ(Amount(7).times(Amount(5), Amount(3)).value(), Amount(11));
    EXPECT_EQ(Amount(7).times(Amount(), Amount(3)).value(), Amount());
}

}  // namespace
}  // namespace mutirao::ledger

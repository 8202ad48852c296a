#include "rights/terms.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace mutirao::rights {
namespace {

constexpr std::uint64_t kToken = 1'000'000'000;          // in gwei
constexpr std::uint64_t k2027January31 = 1'801'353'600;  // 00:00 UTC

Terms a_licence() { return {5, kToken * 5 / 2, 50'000, k2027January31}; }

TEST(Terms, have_one_sentence_in_each_language) {
    EXPECT_EQ(
        sentence(a_licence(), Language::english),
        "The licensee may train models on the data and evaluate models with the data, for 2.5 "
        "tokens each time and 5% of later income, until 2027-01-31 00:00 UTC.");
    EXPECT_EQ(sentence(a_licence(), Language::portuguese),
              "O licenciado pode treinar modelos com os dados e avaliar modelos com os dados, por "
              "2,5 tokens a cada vez e 5% da renda futura, até 31/01/2027 00:00 UTC.");
}

TEST(Terms, sentences_leave_out_what_there_is_not) {
    EXPECT_EQ(sentence({8, 0, 0, 0}, Language::english),
              "The licensee may read the data, free of charge, without end.");
    EXPECT_EQ(sentence({8, 0, 0, 0}, Language::portuguese),
              "O licenciado pode ler os dados, de graça, sem prazo.");
    EXPECT_EQ(sentence({2, 0, 1, 0}, Language::english),
              "The licensee may answer questions with models of the data, for 0.0001% of later "
              "income, without end.");
    EXPECT_EQ(sentence({15, kToken, 0, 0}, Language::portuguese),
              "O licenciado pode treinar modelos com os dados, responder perguntas com modelos dos "
              "dados, avaliar modelos com os dados e ler os dados, por 1 token a cada vez, sem "
              "prazo.");
    EXPECT_EQ(sentence({8, 1, 0, 0}, Language::english),
              "The licensee may read the data, for 0.000000001 tokens each time, without end.");
}

TEST(Terms, allow_only_their_purposes) {
    const auto terms = a_licence();
    EXPECT_TRUE(terms.allows(Purpose::train));
    EXPECT_TRUE(terms.allows(Purpose::evaluate));
    EXPECT_FALSE(terms.allows(Purpose::infer));
    EXPECT_FALSE(terms.allows(Purpose::read));
}

TEST(Terms, have_limits) {
    const auto changed = [](auto change) {
        auto terms = a_licence();
        change(terms);
        return terms.validate().ok();
    };
    EXPECT_FALSE(changed([](Terms& t) { t.purposes = 0; }));
    EXPECT_TRUE(changed([](Terms& t) { t.purposes = 15; }));
    EXPECT_FALSE(changed([](Terms& t) { t.purposes = 16; }));
    EXPECT_TRUE(changed([](Terms& t) { t.share_ppm = 1'000'000; }));
    EXPECT_FALSE(changed([](Terms& t) { t.share_ppm = 1'000'001; }));
    EXPECT_TRUE(changed([](Terms& t) { t.expires_unix_s = 253402300799; }));
    EXPECT_FALSE(changed([](Terms& t) { t.expires_unix_s = 253402300800; }));
    EXPECT_TRUE(changed([](Terms& t) { t.price_gwei = ~std::uint64_t{0}; }));
    EXPECT_NE(sentence({1, 0, 0, 253402300799}, Language::english).find("9999-12-31 23:59 UTC"),
              std::string::npos);
}

TEST(Terms, have_one_encoding) {
    rc::check("what is encoded decodes to itself, and nothing else does", [] {
        const Terms terms{*rc::gen::inRange<std::uint8_t>(1, 16),
                          *rc::gen::arbitrary<std::uint64_t>(),
                          *rc::gen::inRange<std::uint32_t>(0, 1'000'001),
                          *rc::gen::inRange<std::uint64_t>(0, 253402300800)};
        auto bytes = terms.encode();
        RC_ASSERT(Terms::decode(bytes).value() == terms);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            RC_ASSERT(!Terms::decode(ByteSpan(bytes).first(size)).ok());
        const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ 1u << *rc::gen::inRange(0, 8));
        const auto other = Terms::decode(bytes);
        const bool told_apart =
            !other.ok() || (other->digest() != terms.digest() && other->encode() == bytes);
        RC_ASSERT(told_apart);
    });
}

}  // namespace
}  // namespace mutirao::rights

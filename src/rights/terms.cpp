#include "rights/terms.hpp"

#include <array>
#include <chrono>
#include <cstdio>

#include "base/codec.hpp"
#include "crypto/hash.hpp"

namespace mutirao::rights {
namespace {

constexpr std::uint16_t kTermsVersion = 1;
constexpr std::uint64_t kExpiresMax = 253402300799;  // 9999-12-31 23:59:59 UTC
constexpr std::uint64_t kGweiPerToken = 1'000'000'000;

struct Words {
    std::array<std::string_view, 4> purposes;  // in the order of the bits of Purpose
    char decimal_point;
    std::string_view who, last_and, free_of_charge, for_price, token, tokens, each_time;
    std::string_view share_begin, share_alone, share_end, until, for_ever;
};

constexpr Words kEnglish{{"train models on the data", "answer questions with models of the data",
                          "evaluate models with the data", "read the data"},
                         '.',
                         "The licensee may ",
                         " and ",
                         ", free of charge",
                         ", for ",
                         " token",
                         " tokens",
                         " each time",
                         " and ",
                         ", for ",
                         "% of later income",
                         ", until ",
                         ", without end"};
constexpr Words kPortuguese{{"treinar modelos com os dados",
                             "responder perguntas com modelos dos "
                             "dados",
                             "avaliar modelos com os dados", "ler os dados"},
                            ',',
                            "O licenciado pode ",
                            " e ",
                            ", de graça",
                            ", por ",
                            " token",
                            " tokens",
                            " a cada vez",
                            " e ",
                            ", por ",
                            "% da renda futura",
                            ", até ",
                            ", sem prazo"};

// value / unit as a decimal number without trailing zeros; unit is a power of ten.
std::string decimal(std::uint64_t value, std::uint64_t unit, char point) {
    std::string out = std::to_string(value / unit);
    std::uint64_t rest = value % unit;
    if (rest == 0) return out;
    out += point;
    while (rest > 0) {
        unit /= 10;
        out += static_cast<char>('0' + rest / unit);
        rest %= unit;
    }
    return out;
}

std::string purposes_in(const Terms& terms, const Words& words) {
    std::vector<std::string_view> named;
    for (std::size_t i = 0; i < words.purposes.size(); ++i)
        if ((terms.purposes >> i & 1) != 0) named.push_back(words.purposes[i]);
    std::string out;
    for (std::size_t i = 0; i < named.size(); ++i) {
        if (i > 0) out += i + 1 == named.size() ? words.last_and : std::string_view(", ");
        out += named[i];
    }
    return out;
}

std::string payment_in(const Terms& terms, const Words& words) {
    std::string out;
    if (terms.price_gwei == 0 && terms.share_ppm == 0) return std::string(words.free_of_charge);
    if (terms.price_gwei > 0) {
        out += words.for_price;
        out += decimal(terms.price_gwei, kGweiPerToken, words.decimal_point);
        out += terms.price_gwei == kGweiPerToken ? words.token : words.tokens;
        out += words.each_time;
    }
    if (terms.share_ppm > 0) {
        out += terms.price_gwei > 0 ? words.share_begin : words.share_alone;
        out += decimal(terms.share_ppm, kShareMaxPpm / 100, words.decimal_point);
        out += words.share_end;
    }
    return out;
}

std::string moment(std::uint64_t unix_s, Language language) {
    using namespace std::chrono;
    const sys_seconds at{seconds(unix_s)};
    const auto day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss time(at - day);
    const auto y = static_cast<int>(date.year());
    const auto m = static_cast<unsigned>(date.month());
    const auto d = static_cast<unsigned>(date.day());
    const auto hours = static_cast<int>(time.hours().count());
    const auto minutes = static_cast<int>(time.minutes().count());
    std::array<char, 64> text{};
    if (language == Language::english)
        std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d UTC", y, m, d, hours,
                      minutes);
    else
        std::snprintf(text.data(), text.size(), "%02u/%02u/%04d %02d:%02d UTC", d, m, y, hours,
                      minutes);
    return text.data();
}

}  // namespace

Status Terms::validate() const {
    if (purposes == 0 || purposes > kPurposesAll)
        return Error{ErrorKind::invalid_argument,
                     "a licence allows at least one of train, infer, evaluate and read"};
    if (share_ppm > kShareMaxPpm)
        return Error{
            ErrorKind::invalid_argument,
            "a share of income is at most 1000000 millionths, not " + std::to_string(share_ppm)};
    if (expires_unix_s > kExpiresMax)
        return Error{ErrorKind::invalid_argument, "a licence ends before the year 10000"};
    return {};
}

Digest Terms::digest() const { return crypto::blake3_keyed(crypto::domain_key("terms"), encode()); }

Bytes Terms::encode() const {
    Writer out;
    out.u(kTermsVersion).u(purposes).u(price_gwei).u(share_ppm).u(expires_unix_s);
    return std::move(out).take();
}

Result<Terms> Terms::decode(ByteSpan bytes) {
    Reader in(bytes);
    TRY(auto version, in.u<std::uint16_t>());
    if (version != kTermsVersion)
        return Error{ErrorKind::corrupt,
                     "licence terms of version " + std::to_string(version) + " are not known"};
    Terms out;
    TRY(out.purposes, in.u<std::uint8_t>());
    TRY(out.price_gwei, in.u<std::uint64_t>());
    TRY(out.share_ppm, in.u<std::uint32_t>());
    TRY(out.expires_unix_s, in.u<std::uint64_t>());
    TRY_VOID(in.finish());
    if (auto status = out.validate(); !status.ok())
        return Error{ErrorKind::corrupt, status.error().message};
    return out;
}

std::string sentence(const Terms& terms, Language language) {
    const auto& words = language == Language::english ? kEnglish : kPortuguese;
    std::string out(words.who);
    out += purposes_in(terms, words);
    out += payment_in(terms, words);
    if (terms.expires_unix_s == 0)
        out += words.for_ever;
    else
        out += std::string(words.until) + moment(terms.expires_unix_s, language);
    return out + ".";
}

}  // namespace mutirao::rights

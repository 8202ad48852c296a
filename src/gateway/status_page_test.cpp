#include "gateway/status_page.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <limits>

namespace mutirao::gateway {
namespace {

namespace json = boost::json;

constexpr std::string_view kNasty = "<img src=x onerror=\"alert('1')\">&\xFF";

StatusSnapshot snapshot(std::string_view name) {
    const std::string text(name);
    StatusSnapshot out;
    out.network = text;
    out.unix_ms = 1'700'000'000'000;
    out.consensus_bytes = 2048;
    out.stored_bytes = 96u << 20;
    out.nodes = {{text, text, text, true, 32, 5u << 20}, {"storage", "0x2", "h:1", false, 0, 0}};
    out.blocks = {{12345, 1'700'000'000'000, 3, 1}};
    out.certificates = {{12345, text, 32u << 20, 200, 256, 209}};
    out.objects = {{text, 1536, 1, text}};
    out.training =
        TrainingStatus{text, text, {{1, 5.5, 5.6}, {2, 2.7, 2.75}}, 1234.5, 1000, 357000};
    out.models = {{text, text, text, {{text, 250'000}, {"0x2", 750'000}}}};
    out.payments = {{9, text, text, text}};
    return out;
}

TEST(StatusPage, shows_every_part_in_both_languages) {
    const auto english = status_page(snapshot("São João da Boa Vista"), Language::english);
    for (const auto* part : {"<html lang=\"en\">",
                             "São João da Boa Vista",
                             "Nodes",
                             "Ledger blocks",
                             "Certificates",
                             "Objects",
                             "Training",
                             "Models",
                             "Payments",
                             "12,345",
                             "200 / 256",
                             "32.0 MiB",
                             "1.5 KiB",
                             "25.00%",
                             "357.0 times less",
                             "class=\"down\">down<",
                             "class=\"up\">up<",
                             "<polyline",
                             "2023-11-14 22:13:20 UTC",
                             "http-equiv=\"refresh\" content=\"2\"",
                             "viewport"})
        EXPECT_NE(english.find(part), std::string::npos) << part;
    const auto portuguese = status_page(snapshot("São João"), Language::portuguese);
    for (const auto* part : {"<html lang=\"pt-BR\">", "Nós", "Blocos do livro-razão", "Treinamento",
                             "Pagamentos", "12.345", "32,0 MiB", "357,0 vezes menos"})
        EXPECT_NE(portuguese.find(part), std::string::npos) << part;
}

TEST(StatusPage, lets_no_name_become_markup) {
    const auto page = status_page(snapshot(kNasty), Language::english);
    EXPECT_EQ(page.find("<img"), std::string::npos);
    EXPECT_EQ(page.find('\xFF'), std::string::npos);
    EXPECT_NE(
        page.find("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;\xEF\xBF\xBD"),
        std::string::npos);
}

TEST(StatusPage, needs_nothing_from_outside_and_runs_no_script) {
    const auto page = status_page(snapshot("x"), Language::english);
    EXPECT_EQ(page.find("<script"), std::string::npos);
    EXPECT_EQ(page.find("src="), std::string::npos);
    EXPECT_EQ(page.find("url("), std::string::npos);
    EXPECT_EQ(page.find("@import"), std::string::npos);
    // The one address in the page is the name of SVG's own vocabulary.
    EXPECT_EQ(page.find("http://"), page.find("http://www.w3.org/2000/svg"));
    EXPECT_EQ(page.find("https://"), std::string::npos);
}

TEST(StatusPage, of_an_empty_network_says_nothing_yet) {
    const auto page = status_page({}, Language::english);
    EXPECT_NE(page.find("nothing yet"), std::string::npos);
    EXPECT_EQ(page.find("<table"), std::string::npos);
}

TEST(StatusPage, shows_a_bounded_number_of_rows_and_says_how_many_more) {
    StatusSnapshot many;
    for (int i = 0; i < 5000; ++i) many.objects.push_back({"object", 1, 1, "0x1"});
    const auto page = status_page(many, Language::english);
    EXPECT_LT(page.size(), 40'000u);
    EXPECT_NE(page.find("+ 4900 more"), std::string::npos);
}

TEST(StatusJson, holds_the_same_facts) {
    const auto out = json::parse(status_json(snapshot("açaí")));
    EXPECT_EQ(out.at("network"), "açaí");
    EXPECT_EQ(out.at_pointer("/nodes/0/up"), true);
    EXPECT_EQ(out.at_pointer("/nodes/0/bytes"), 5 << 20);
    EXPECT_EQ(out.at_pointer("/blocks/0/height"), 12345);
    EXPECT_EQ(out.at_pointer("/certificates/0/signed_slots"), 200);
    EXPECT_EQ(out.at_pointer("/objects/0/size"), 1536);
    EXPECT_EQ(out.at_pointer("/training/losses/1/held_out"), 2.75);
    EXPECT_EQ(out.at_pointer("/training/allreduce_bytes"), 357000);
    EXPECT_EQ(out.at_pointer("/models/0/shares/1/ppm"), 750'000);
    EXPECT_EQ(out.at_pointer("/payments/0/amount"), "açaí");
    EXPECT_EQ(out.at("consensus_bytes"), 2048);
}

TEST(StatusJson, is_json_whatever_it_is_told) {
    auto wild = snapshot(kNasty);
    wild.training->tokens_per_second = std::numeric_limits<double>::infinity();
    wild.training->losses = {{1, std::numeric_limits<double>::quiet_NaN(), {}}};
    const auto out = json::parse(status_json(wild));
    EXPECT_TRUE(out.at_pointer("/training/losses/0/training").is_null());
    EXPECT_TRUE(json::parse(status_json({})).at("training").is_null());
}

TEST(Language, follows_what_the_reader_prefers) {
    EXPECT_EQ(choose_language(""), Language::portuguese);
    EXPECT_EQ(choose_language("de"), Language::portuguese);
    EXPECT_EQ(choose_language("en"), Language::english);
    EXPECT_EQ(choose_language("en-US,en;q=0.9,pt;q=0.8"), Language::english);
    EXPECT_EQ(choose_language("pt-BR,pt;q=0.9,en;q=0.8"), Language::portuguese);
    EXPECT_EQ(choose_language("pt;q=0.5, EN-gb;q=0.6"), Language::english);
    EXPECT_EQ(choose_language("en;q=0, pt;q=0"), Language::portuguese);
    EXPECT_EQ(choose_language("enx, ptx"), Language::portuguese);
    EXPECT_EQ(choose_language(",,;q=,;;q=x,en;q=nan"), Language::portuguese);
    EXPECT_EQ(choose_language(std::string(100'000, ',')), Language::portuguese);
}

}  // namespace
}  // namespace mutirao::gateway

#include "cli/help.hpp"

#include <sstream>
#include <vector>

namespace mutirao::cli {
namespace {

// CLI11 names a type with the limits that were set: "UINT:INT in [1 - 64]", "TEXT:{a,b}".
struct Kind {
    std::string word;
    std::string limits;  // empty where there are none
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
    return text;
}

std::string limits_text(const std::string& limits) {
    if (limits == "POSITIVE") return "1 or more";
    if (limits.starts_with('{')) return replaced(limits.substr(1, limits.size() - 2), ",", " or ");
    const auto range = limits.find(" in [");
    if (range == std::string::npos) return "";
    return replaced(limits.substr(range + 5, limits.size() - range - 6), " - ", " to ");
}

Kind kind_of(const CLI::Option& option) {
    const auto name = option.get_type_name();
    const auto colon = name.find(':');
    Kind out{name.substr(0, colon), ""};
    if (colon != std::string::npos) out.limits = limits_text(name.substr(colon + 1));
    if (out.word == "UINT" || out.word == "INT" || out.word == "FLOAT") out.word = "NUMBER";
    return out;
}

std::string wrapped(const std::string& text, std::size_t columns) {
    std::istringstream words(text);
    std::string out, word;
    std::size_t used = 0;
    while (words >> word) {
        const bool fits = used == 0 || used + 1 + word.size() <= columns;
        if (used != 0) out += fits ? ' ' : '\n';
        used = fits && used != 0 ? used + 1 + word.size() : word.size();
        out += word;
    }
    return out;
}

// The command that the line names last, as one types it; in `words` its name.
const CLI::App* named_last(const CLI::App& app, std::string& words) {
    const CLI::App* at = &app;
    for (words = app.get_name(); !at->get_subcommands().empty(); words += " " + at->get_name())
        at = at->get_subcommands().back();
    return at;
}

bool wants_command(const CLI::ParseError& error) {
    return dynamic_cast<const CLI::RequiredError*>(&error) != nullptr &&
           std::string(error.what()).find("subcommand") != std::string::npos;
}

}  // namespace

std::string HelpText::make_option_opts(const CLI::Option* option) const {
    if (option->get_type_size() == 0) return "";
    std::string out = option->get_positional() ? "" : " " + kind_of(*option).word;
    if (option->get_expected_max() == CLI::detail::expected_max_vector_size) out += " ...";
    return out;
}

std::string HelpText::make_option_desc(const CLI::Option* option) const {
    std::vector<std::string> facts;
    if (option->get_required()) facts.emplace_back("required");
    if (option->get_type_size() != 0 && !option->get_default_str().empty())
        facts.push_back("default: " + option->get_default_str());
    if (const auto limits = kind_of(*option).limits; !limits.empty()) facts.push_back(limits);
    std::string text = option->get_description();
    for (std::size_t i = 0; i < facts.size(); ++i) text += (i == 0 ? " (" : "; ") + facts[i];
    if (!facts.empty()) text += ")";
    return wrapped(text, kHelpColumns - get_column_width());
}

bool is_unfinished(const CLI::App& app, const CLI::ParseError& error) {
    return wants_command(error) && app.remaining(true).empty();
}

Error misuse(const CLI::App& app, const CLI::ParseError& error) {
    std::string words;
    const auto* at = named_last(app, words);
    std::string what = error.what();
    if (wants_command(error) && !at->remaining(true).empty())
        what = "there is no command \"" + words + " " + at->remaining(true).front() + "\"";
    return {ErrorKind::invalid_argument, what + "; see " + words + " --help"};
}

}  // namespace mutirao::cli

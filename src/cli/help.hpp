// How commands explain themselves: `--help`, and what is said of a line that is not understood.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/error.hpp"

namespace mutirao::cli {

inline constexpr std::size_t kHelpColumns = 100;

// Beside each option one sentence: what it is, its default, its limits; in lines of at most
// kHelpColumns.
class HelpText : public CLI::Formatter {
  public:
    std::string make_option_opts(const CLI::Option* option) const override;
    std::string make_option_desc(const CLI::Option* option) const override;
};

// Whether the line ends where the name of a command is due: what there is to choose from is the
// answer then (app.help()).
bool is_unfinished(const CLI::App& app, const CLI::ParseError& error);

// What is wrong with a line, and which --help tells more; invalid_argument.
Error misuse(const CLI::App& app, const CLI::ParseError& error);

}  // namespace mutirao::cli

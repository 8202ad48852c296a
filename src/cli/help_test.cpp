#include "cli/help.hpp"

#include <gtest/gtest.h>

namespace mutirao::cli {
namespace {

// A program with one command that has options, and a group of commands.
struct Program {
    Program() {
        app.formatter(std::make_shared<HelpText>());
        app.require_subcommand(1);
        auto* sail = app.add_subcommand("sail", "go somewhere by boat");
        sail->add_option("--crew", crew, "people on board")
            ->capture_default_str()
            ->check(CLI::Range(1, 12));
        sail->add_option("--rig", rig, "which sails")->check(CLI::IsMember({"sloop", "ketch"}));
        sail->add_option("--days", days, "between ports")->check(CLI::PositiveNumber);
        sail->add_option("port", port, "where to")->required();
        auto* crewing = app.add_subcommand("people", "who is there");
        crewing->require_subcommand(1);
        crewing->add_subcommand("list", "all of them");
    }
    // What went wrong with the line.
    Error say(std::vector<std::string> words) {
        std::reverse(words.begin(), words.end());  // as CLI11 takes them
        try {
            app.parse(words);
        } catch (const CLI::ParseError& error) {
            unfinished = is_unfinished(app, error);
            return misuse(app, error);
        }
        return {ErrorKind::io, "the line was understood"};
    }

    CLI::App app{"a boat", "boat"};
    std::uint32_t crew = 3, days = 1;
    std::string rig, port;
    bool unfinished = false;
};

TEST(Help, tells_each_options_default_and_limits_in_words) {
    Program program;
    const auto help = program.app.get_subcommand("sail")->help();
    EXPECT_NE(help.find("--crew NUMBER"), std::string::npos) << help;
    EXPECT_NE(help.find("people on board (default: 3; 1 to 12)"), std::string::npos) << help;
    EXPECT_NE(help.find("which sails (sloop or ketch)"), std::string::npos) << help;
    EXPECT_NE(help.find("between ports (1 or more)"), std::string::npos) << help;
    EXPECT_NE(help.find("where to (required)"), std::string::npos) << help;
    for (const auto* cryptic : {"UINT", "INT in", "POSITIVE", "REQUIRED"})
        EXPECT_EQ(help.find(cryptic), std::string::npos) << help;
}

TEST(Help, keeps_within_its_columns) {
    Program program;
    std::string wordy;
    for (int i = 0; i < 40; ++i) wordy += "and another word ";
    program.app.get_subcommand("sail")->add_option("--long", program.rig, wordy);
    std::istringstream lines(program.app.get_subcommand("sail")->help());
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), kHelpColumns) << line;
}

TEST(Help, names_what_is_wrong_and_whose_help_tells_more) {
    EXPECT_EQ(Program().say({"fly"}), (Error{ErrorKind::invalid_argument,
                                             "there is no command \"boat fly\"; see boat --help"}));
    EXPECT_EQ(Program().say({"people", "lost"}),
              (Error{ErrorKind::invalid_argument,
                     "there is no command \"boat people lost\"; see boat people --help"}));
    const auto option = Program().say({"sail", "Recife", "--wings", "2"});
    EXPECT_NE(option.message.find("--wings"), std::string::npos) << option.message;
    EXPECT_TRUE(option.message.ends_with("; see boat sail --help")) << option.message;
    const auto crowd = Program().say({"sail", "Recife", "--crew", "13"});
    EXPECT_NE(crowd.message.find("--crew"), std::string::npos) << crowd.message;
}

TEST(Help, a_line_that_stops_before_a_command_is_unfinished) {
    Program all, group, wrong;
    all.say({});
    group.say({"people"});
    wrong.say({"people", "lost"});
    EXPECT_TRUE(all.unfinished);
    EXPECT_TRUE(group.unfinished);
    EXPECT_FALSE(wrong.unfinished);
}

}  // namespace
}  // namespace mutirao::cli

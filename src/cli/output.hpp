// What a command prints: text for people, or one JSON object a line for programs; errors with a
// kind, a sentence and an exit code.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "base/result.hpp"

namespace mutirao::cli {

class Output {
  public:
    explicit Output(bool json) : json_(json) {}
    bool json() const { return json_; }

    // The command's facts for programs; nothing without --json.
    void facts(const boost::json::object& object) const;
    // A line for people; nothing with --json.
    void line(const std::string& text) const;
    // Aligned columns for people; the first row is the head.
    void table(const std::vector<std::vector<std::string>>& rows) const;

  private:
    const bool json_;
};

// 0 for no error; else one number a kind, from 10 up (docs/reference/command-line.md).
int exit_code(const Error& error);
// "mutirao: SENTENCE" on standard error, and with --json {"error": {"kind", "message"}}.
int report(const Error& error, bool json);

// "1.5 MB": powers of 1000, as disks and links are sold.
std::string size_text(std::uint64_t bytes);

}  // namespace mutirao::cli

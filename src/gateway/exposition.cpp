#include "gateway/exposition.hpp"

#include <cmath>
#include <cstdio>

#include "gateway/text.hpp"

namespace mutirao::gateway {
namespace {

std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", value);
    return text;
}

// Backslash, quote and line feed are all that a label's value has to escape.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : valid_utf8(text)) {
        if (c == '\\' || c == '"') out += '\\';
        out += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return out;
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view kind, std::string_view help) {
    name_ = "mutirao_" + std::string(name);
    out_ += "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " +
            std::string(kind) + "\n";
}

void Exposition::sample(double value, const Labels& labels) {
    out_ += name_;
    for (std::size_t i = 0; i < labels.size(); ++i)
        out_ += (i == 0 ? "{" : ",") + std::string(labels[i].first) + "=\"" +
                escaped(labels[i].second) + "\"";
    out_ += (labels.empty() ? " " : "} ") + number(value) + "\n";
}

void Exposition::one(std::string_view name, std::string_view kind, std::string_view help,
                     double value, const Labels& labels) {
    family(name, kind, help);
    sample(value, labels);
}

}  // namespace mutirao::gateway

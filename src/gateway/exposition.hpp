// Prometheus's text exposition format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). One thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mutirao::gateway {

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

class Exposition {
  public:
    using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

    // `kind` is gauge or counter; names get "mutirao_" before them. Its samples follow.
    void family(std::string_view name, std::string_view kind, std::string_view help);
    // Labels' values may be anything: they come from strangers.
    void sample(double value, const Labels& labels = {});
    // A family of one sample.
    void one(std::string_view name, std::string_view kind, std::string_view help, double value,
             const Labels& labels = {});
    std::string take() { return std::move(out_); }

  private:
    std::string name_, out_;
};

}  // namespace mutirao::gateway

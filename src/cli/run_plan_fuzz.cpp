#include "cli/run_plan.hpp"

// What is accepted can be run.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto plan = cli::parse_run_plan(as_text({data, size}), "run.toml");
    if (plan.ok()) ENSURE(plan->settings.validate().ok());
    return 0;
}

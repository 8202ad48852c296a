// Runs on libtorch, whose plug-in gives out its optimizer's state as nano does. One test, as each
// process pays for libtorch's start.
#include <filesystem>
#include <gtest/gtest.h>

#include "model/torch_backend.hpp"
#include "node/test_crew.hpp"

namespace mutirao::node {
namespace {

Result<std::unique_ptr<model::Backend>> torch() {
    const auto executable = std::filesystem::read_symlink("/proc/self/exe");
    const std::string lib = (executable.parent_path() / "../../lib").string();
    TRY(const auto plugin, model::find_torch_plugin(std::span(&lib, 1)));
    return model::load_torch_backend(plugin);
}

void expect_honest(Crew& crew) {
    ASSERT_TRUE(crew.finish(crew.everybody()));
    for (std::uint32_t i = 0; i < crew.size(); ++i) {
        EXPECT_EQ(crew.job(i).progress().cheaters, std::set<std::uint32_t>()) << i;
        EXPECT_EQ(crew.job(i).progress().audited, small_settings().rounds) << i;
    }
}

TEST(TorchTraining, restarts_exactly_and_is_audited_beside_nano) {
    auto settings = small_settings();
    settings.quorum = 0;
    Crew undisturbed(1, settings), cut(1, settings);
    undisturbed.start_with(0, torch);
    ASSERT_TRUE(undisturbed.finish({0}));
    cut.disk(0).cut_power_after_operations(30);
    cut.start_with(0, torch);
    while (!cut.job(0).progress().ended()) std::this_thread::sleep_for(1ms);
    ASSERT_TRUE(cut.disk(0).power_is_cut());
    cut.kill(0);
    cut.start_with(0, torch);
    ASSERT_TRUE(cut.finish({0}));
    EXPECT_EQ(cut.job(0).progress().state_hash, undisturbed.job(0).progress().state_hash);

    settings.quorum = 3;
    settings.audit_every = 1;
    Crew all(3, settings), mixed(3, settings);
    for (std::uint32_t i = 0; i < 3; ++i) all.start_with(i, torch);
    expect_honest(all);
    mixed.start_with(0, torch);
    mixed.start(1);
    mixed.start(2);
    expect_honest(mixed);
}

}  // namespace
}  // namespace mutirao::node

// A plug-in in libtorch's place for a trainer that says that it trains and does not. Tests alone
// build it, and lay it where their own copy of the program looks for libtorch's.
#include "model/plugin/entry.hpp"
#include "model/torch_backend.hpp"
#include "node/test_cheater.hpp"

extern "C" __attribute__((visibility("default"))) mutirao::model::Backend* mutirao_torch_open(
    std::uint32_t abi) {
    if (abi != mutirao::model::kTorchPluginAbi) return nullptr;
    return new mutirao::node::CheatingBackend(mutirao::node::Cheat::lazy);
}

// The one symbol that the plug-in exports.
#pragma once

#include <cstdint>

#include "model/backend.hpp"

namespace mutirao::model {

inline constexpr const char* kTorchPluginSymbol = "mutirao_torch_open";
// A new Backend, owned by the caller; null when `abi` is not the plug-in's own.
using TorchPluginOpen = Backend* (*)(std::uint32_t abi);

}  // namespace mutirao::model

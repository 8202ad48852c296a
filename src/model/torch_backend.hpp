// Opens the libtorch plug-in. Loading it maps 288 shared objects (1-2 s, 166 MB), so only the roles
// that compute do it, once. The plug-in stays mapped for the rest of the process's life.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "model/backend.hpp"

namespace mutirao::model {

inline constexpr const char* kTorchPluginFile = "libmutirao_torch.so";
// Raised whenever backend.hpp or config.hpp changes what crosses the border to the plug-in.
inline constexpr std::uint32_t kTorchPluginAbi = 1;

// The first of `directories` that holds the plug-in gives its path; not_found lists where it
// looked. A build tree has it in lib/, an installation in lib/mutirao/.
Result<std::string> find_torch_plugin(std::span<const std::string> directories);

// Loads the plug-in and sets libtorch to one thread. unavailable when the file or a library that
// it needs cannot be loaded, or when it was built for another kTorchPluginAbi; the sentence has
// the dynamic loader's reason.
Result<std::unique_ptr<Backend>> load_torch_backend(const std::string& path);

}  // namespace mutirao::model

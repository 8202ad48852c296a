#include "model/torch_backend.hpp"

#include <dlfcn.h>
#include <filesystem>

#include "model/nano/blas.hpp"
#include "model/plugin/entry.hpp"

namespace mutirao::model {

namespace {

Error cannot_load(const std::string& path, const char* reason) {
    return {ErrorKind::unavailable, "cannot load the libtorch plug-in " + path + ": " +
                                        (reason ? reason : "unknown reason")};
}

}  // namespace

Result<std::string> find_torch_plugin(std::span<const std::string> directories) {
    std::string looked;
    for (const auto& directory : directories) {
        const auto path = std::filesystem::path(directory) / kTorchPluginFile;
        std::error_code ignored;
        if (std::filesystem::is_regular_file(path, ignored)) return path.string();
        looked += (looked.empty() ? "" : ", ") + directory;
    }
    return Error{ErrorKind::not_found,
                 std::string(kTorchPluginFile) + " is not in any of: " + looked};
}

Result<std::unique_ptr<Backend>> load_torch_backend(const std::string& path) {
    // libtorch computes with it in all threads at once, and nobody can make those take turns.
    TRY(const auto* blas, nano::open_blas());
    if (!blas->may_be_called_at_once)
        return cannot_load(path,
                           "OpenBLAS is a serial build here: install libopenblas-pthread-dev");
    // Without a slash dlopen would search the system's folders.
    const auto file = std::filesystem::path(path).has_parent_path() ? path : "./" + path;
    // Never closed: libtorch registers destructors and threads that must outlive every model.
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return cannot_load(path, dlerror());
    auto open = reinterpret_cast<TorchPluginOpen>(dlsym(library, kTorchPluginSymbol));
    if (!open) return cannot_load(path, dlerror());
    Backend* backend = open(kTorchPluginAbi);
    if (!backend) return cannot_load(path, "it was built for another version of mutirao");
    return std::unique_ptr<Backend>(backend);
}

}  // namespace mutirao::model

#include "cli/picture_folder.hpp"

#include <algorithm>
#include <filesystem>

#include "cli/local_file.hpp"
#include "dataset/pictures.hpp"

namespace mutirao::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPictureFileMax = 256u << 20;

// What is in a folder, by name, without hidden entries.
Result<std::vector<fs::path>> entries_of(const fs::path& folder) {
    std::error_code failed;
    std::vector<fs::path> out;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
        if (!at->path().filename().string().starts_with('.')) out.push_back(at->path());
    if (failed)
        return Error{ErrorKind::io, "cannot read " + folder.string() + ": " + failed.message()};
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

Result<dataset::ImageSet> read_picture_folder(const std::string& path, std::uint32_t height,
                                              std::uint32_t width, std::uint32_t channels) {
    dataset::ImageSet set{height, width, channels, {}, {}};
    TRY(const auto folders, entries_of(path));
    if (folders.size() > model::kClassesMax)
        return Error{ErrorKind::invalid_argument,
                     path + " has " + std::to_string(folders.size()) + " folders; a model has " +
                         std::to_string(model::kClassesMax) + " classes at most"};
    for (const auto& folder : folders) {
        std::error_code ignored;
        if (!fs::is_directory(folder, ignored))
            return Error{ErrorKind::invalid_argument,
                         folder.string() + " is no folder: put pictures into one folder a class"};
        TRY(const auto files, entries_of(folder));
        for (const auto& file : files) {
            TRY(const auto bytes, read_local(file.string(), kPictureFileMax));
            auto picture = dataset::read_picture(bytes, channels);
            if (!picture.ok()) return std::move(picture).error().within(file.string());
            const auto pixels = dataset::resized(*picture, height, width);
            set.examples.insert(set.examples.end(), pixels.begin(), pixels.end());
            set.examples.push_back(static_cast<std::uint8_t>(set.classes.size()));
            if (set.examples.size() > dataset::kImageSetMax)
                return Error{ErrorKind::resource_exhausted,
                             path + " has too many pictures of " + std::to_string(height) + " by " +
                                 std::to_string(width) + " pixels for one file of " +
                                 std::to_string(dataset::kImageSetMax >> 20) +
                                 " MiB; make them smaller, or several files"};
        }
        set.classes.push_back(folder.filename().string());
    }
    // The encoding's own checks: enough classes, some pictures.
    return dataset::ImageSet::decode(set.encode());
}

}  // namespace mutirao::cli

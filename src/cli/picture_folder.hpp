// A folder of pictures, as people sort them: one folder a class.
#pragma once

#include "dataset/images.hpp"

namespace mutirao::cli {

// Each PNG or JPEG file in each folder of `path`, in the order of their names, made to the size.
// Other files are an error that names them; hidden ones are left out.
Result<dataset::ImageSet> read_picture_folder(const std::string& path, std::uint32_t height,
                                              std::uint32_t width, std::uint32_t channels);

}  // namespace mutirao::cli

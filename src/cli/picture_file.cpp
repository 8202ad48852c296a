#include "cli/picture_file.hpp"

#include <filesystem>

#include "cli/local_file.hpp"
#include "os/process.hpp"

namespace mutirao::cli {
namespace {

constexpr const char* kProgram = "rsvg-convert";
constexpr auto kPatience = std::chrono::seconds(30);

bool is_png(const std::string& path) { return path.ends_with(".png"); }

// What the program says goes to `output`; to us, nothing but whether it did its work.
Status convert(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kProgram);
    auto child =
        os::Process::spawn({.arguments = arguments, .environment = {}, .output_file = "/dev/null"});
    if (!child.ok())
        return Error{ErrorKind::not_found,
                     std::string("a PNG is drawn by ") + kProgram +
                         ", which is not here: install librsvg2-bin, or name the file *.svg"};
    const auto exit = child->wait(kPatience);
    if (exit && exit->clean()) return {};
    return Error{ErrorKind::io, std::string(kProgram) + " " +
                                    (exit ? exit->sentence() : std::string("does not end"))};
}

}  // namespace

Status can_draw(const std::string& path) {
    return is_png(path) ? convert({"--version"}) : Status();
}

Status write_picture(const std::string& path, const std::string& svg) {
    if (!is_png(path)) return write_local(path, as_bytes(svg));
    const auto drawing = path + ".svg", drawn = path + ".part";
    TRY_VOID(write_local(drawing, as_bytes(svg)));
    auto status = convert({"--output", drawn, drawing});
    std::error_code failed;
    if (status.ok()) {
        std::filesystem::rename(drawn, path, failed);
        if (failed) status = Error{ErrorKind::io, path + ": " + failed.message()};
    }
    std::filesystem::remove(drawing, failed);
    std::filesystem::remove(drawn, failed);
    return status;
}

}  // namespace mutirao::cli

#include "cli/put_source.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/local_file.hpp"
#include "crypto/hash.hpp"
#include "publish/owner_request.hpp"

namespace mutirao::cli {
namespace {

// What tells one version of a file from another: an upload goes on only with the same bytes.
std::string identity_of(const std::string& path, const std::string& name, const Address& owner) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return {};
    std::error_code ignored;
    return std::filesystem::absolute(path, ignored).string() + '\0' + name + '\0' + owner.hex() +
           '\0' + std::to_string(facts.st_size) + ' ' + std::to_string(facts.st_mtim.tv_sec) + ' ' +
           std::to_string(facts.st_mtim.tv_nsec);
}

// A file that is open from its first byte to its last, so that ten thousand can wait.
class LazyFile {
  public:
    explicit LazyFile(std::string path) : path_(std::move(path)) {}

    Result<Bytes> read(std::size_t part) {
        if (!file_.is_open()) {
            file_.open(path_, std::ios::binary);
            file_.seekg(static_cast<std::streamoff>(start_));
        }
        Bytes bytes(part);
        file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(part));
        if (!file_.is_open() || file_.bad())
            return Error{ErrorKind::io, "reading " + path_ + " failed"};
        bytes.resize(static_cast<std::size_t>(file_.gcount()));
        if (bytes.empty()) {
            file_.close();
            file_.clear();
        }
        return bytes;
    }
    void seek(std::uint64_t offset) {
        file_.close();
        file_.clear();
        start_ = offset;
    }

  private:
    const std::string path_;
    std::ifstream file_;
    std::uint64_t start_ = 0;
};

Result<Source> file_source(const std::string& path, std::string name, const Address& owner) {
    std::error_code failed;
    Source out;
    out.label = std::filesystem::path(path).filename().string();
    out.name = name.empty() ? out.label : std::move(name);
    TRY_VOID(publish::check_name(out.name));
    if (::access(path.c_str(), R_OK) != 0)
        return Error{ErrorKind::permission_denied, "the file " + path + " cannot be read"};
    const auto size = std::filesystem::file_size(path, failed);
    out.size_hint = failed ? 0 : static_cast<std::uint64_t>(size);
    auto file = std::make_shared<LazyFile>(path);
    out.read = [file](std::size_t part) { return file->read(part); };
    if (!std::filesystem::is_regular_file(path, failed)) return out;  // a pipe is read once
    out.seek = [file](std::uint64_t offset) -> Status {
        file->seek(offset);
        return {};
    };
    out.identity = identity_of(path, out.name, owner);
    if (out.size_hint > kUploadPart && !out.identity.empty()) {
        const auto digest =
            crypto::blake3_keyed(crypto::domain_key("upload"), as_bytes(out.identity));
        out.resume_path = "uploads/" + digest.hex().substr(0, 32);
    }
    return out;
}

// Every regular file below the folder, by name; links are not followed.
Result<std::vector<std::string>> files_below(const std::string& folder) {
    std::vector<std::string> out;
    std::error_code failed;
    auto at = std::filesystem::recursive_directory_iterator(folder, failed);
    for (; !failed && at != std::filesystem::end(at); at.increment(failed)) {
        std::error_code ignored;
        if (at->is_regular_file(ignored) && !at->is_symlink(ignored))
            out.push_back(at->path().string());
    }
    if (failed)
        return Error{ErrorKind::io,
                     "the folder " + folder + " cannot be read: " + failed.message()};
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

Result<std::vector<Source>> sources_at(const std::string& path, const std::string& name,
                                       const Address& owner) {
    std::error_code failed;
    const auto kind = std::filesystem::status(path, failed);
    if (failed && kind.type() != std::filesystem::file_type::not_found)
        return Error{ErrorKind::permission_denied,
                     "cannot look at " + path + ": " + failed.message()};
    if (!std::filesystem::exists(kind))
        return Error{ErrorKind::not_found, "there is no file " + path};
    std::vector<Source> out;
    if (!std::filesystem::is_directory(kind)) {
        TRY(auto source, file_source(path, name, owner));
        out.push_back(std::move(source));
        return out;
    }
    if (!name.empty())
        return Error{ErrorKind::invalid_argument,
                     "--name is for one file, " + path + " is a folder"};
    TRY(const auto whole, whole_path(path));
    const auto folder = std::filesystem::path(whole).lexically_normal();
    const auto parent = (folder.has_filename() ? folder : folder.parent_path()).parent_path();
    TRY(const auto files, files_below(whole));
    for (const auto& file : files) {
        const auto called =
            std::filesystem::path(file).lexically_normal().lexically_relative(parent);
        TRY(auto source, file_source(file, called.generic_string(), owner));
        out.push_back(std::move(source));
    }
    if (out.empty()) return Error{ErrorKind::not_found, "the folder " + path + " holds no files"};
    return out;
}

Source standard_input(std::string name) {
    Source out;
    out.label = out.name = std::move(name);
    out.read = [](std::size_t part) -> Result<Bytes> {
        Bytes bytes(part);
        std::cin.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(part));
        if (std::cin.bad()) return Error{ErrorKind::io, "reading standard input failed"};
        bytes.resize(static_cast<std::size_t>(std::cin.gcount()));
        return bytes;
    };
    return out;
}

}  // namespace mutirao::cli

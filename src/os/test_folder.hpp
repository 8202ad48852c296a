// A folder for one test, removed with all in it afterwards.
#pragma once

#include <filesystem>
#include <stdlib.h>
#include <string>

#include "base/ensure.hpp"

namespace mutirao::os {

class TestFolder {
  public:
    TestFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "mutirao-XXXXXX").string();
        ENSURE(::mkdtemp(name.data()) != nullptr, "no folder for temporary files");
        path_ = name;
    }
    ~TestFolder() { std::filesystem::remove_all(path_); }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;

    std::string path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

}  // namespace mutirao::os

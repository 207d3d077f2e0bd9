// A lanes directory of the test's own, gone with it. On tmpfs where there is one, as lanes are.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace arbiter::test {

class OwnDirectory {
 public:
  OwnDirectory() {
    for (const char* parent : {"/dev/shm", "/tmp"}) {
      path_ = std::string(parent) + "/arbiter-test-XXXXXX";
      if (mkdtemp(path_.data()) == nullptr) continue;
      lanes_ = path_ + "/lanes";
      mkdir(lanes_.c_str(), 0700);
      fd_ = open(lanes_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      return;
    }
    throw std::runtime_error("no place for a directory");
  }
  ~OwnDirectory() {
    close(fd_);
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  OwnDirectory(const OwnDirectory&) = delete;
  OwnDirectory& operator=(const OwnDirectory&) = delete;

  const std::string& lanes() const { return lanes_; }
  std::string lane(const std::string& name) const { return lanes_ + "/" + name; }
  int fd() const { return fd_; }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(lanes_)) all.push_back(entry.path().filename());
    return all;
  }

 private:
  std::string path_, lanes_;
  int fd_ = -1;
};

}  // namespace arbiter::test

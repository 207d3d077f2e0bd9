// What every fuzz target is made of: the fuzzer's bytes taken one value at a time, a private directory in memory, and an end with a reason.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

namespace arbiter::fuzz {

namespace fs = std::filesystem;

// Something that must hold does not: the fuzzer keeps the input.
[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "fuzz: this does not hold: %s\n", what);
  std::abort();
}
inline void must(bool holds, const char* what) {
  if (!holds) fail(what);
}

// At the end of the input every value is 0.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}
  bool empty() const { return left_.empty(); }

  template <class T>
  T take() {
    T value{};
    const std::size_t bytes = left_.size() < sizeof value ? left_.size() : sizeof value;
    if (bytes != 0) std::memcpy(&value, left_.data(), bytes);
    left_ = left_.subspan(bytes);
    return value;
  }
  std::uint8_t byte() { return take<std::uint8_t>(); }
  // 0 to most.
  std::uint32_t up_to(std::uint32_t most) { return take<std::uint32_t>() % (most + 1); }
  std::span<const std::uint8_t> bytes(std::size_t count) {
    const auto taken = left_.first(count < left_.size() ? count : left_.size());
    left_ = left_.subspan(taken.size());
    return taken;
  }
  std::string_view rest() {
    const auto all = bytes(left_.size());
    return {reinterpret_cast<const char*>(all.data()), all.size()};
  }

 private:
  std::span<const std::uint8_t> left_;
};

// In ARBITER_FUZZ_DIR, or in memory; removed when the process ends in order.
class Directory {
 public:
  explicit Directory(const char* what) {
    const char* const given = std::getenv("ARBITER_FUZZ_DIR");
    std::string name = given != nullptr ? given : ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    name.append("/arbiter-fuzz-").append(what).append("-XXXXXX");
    if (::mkdtemp(name.data()) == nullptr) fail("a directory can be made");
    path_ = name;
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void write_file(const fs::path& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  must(out.good(), "a file can be written");
}

// Of a target: writes its corpus into `directory`. corpus.cpp calls it for `<target> --make-corpus DIR`.
void make_corpus(const fs::path& directory);

}  // namespace arbiter::fuzz

// A file of JSON lines, plain or compressed with zstd, one line at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "shm/result.hpp"

namespace arbiter::replay {

class Lines {
 public:
  static Result<Lines> open(const std::string& path);
  Lines(Lines&&) noexcept;
  Lines& operator=(Lines&&) noexcept;
  ~Lines();

  // To the next line that is not blank; false at the end. The line is valid until the next call.
  Result<bool> next();
  std::string_view line() const { return line_; }
  std::uint64_t number() const { return number_; }  // of the line in the file, from 1
  std::uint64_t index() const { return index_; }    // among the lines that are not blank, from 0

 private:
  struct Decompressor;
  Lines(std::FILE* file, std::string path, std::unique_ptr<Decompressor> zstd);
  Result<bool> fill();  // more bytes behind those in `buffer_`; false at the end of the file

  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::string path_;
  std::unique_ptr<Decompressor> zstd_;  // none: the file is plain
  std::string buffer_;
  std::size_t at_ = 0;  // of the first byte of `buffer_` that is not taken yet
  std::string_view line_;
  std::uint64_t number_ = 0;
  std::uint64_t index_ = 0;
  bool begun_ = false;
};

}  // namespace arbiter::replay

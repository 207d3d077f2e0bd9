// The lines of a file, compressed or not, in pieces: a line may be longer than memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shm/result.hpp"

namespace arbiter::snapshot {

// Takes lines. Both say false when they have found something wrong: nothing more is read.
class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual bool piece(std::string_view text) = 0;  // of the current line
  virtual bool end_line() = 0;
};

// Reads `fd` to its end, or until the sink says false. What is wrong with the file itself comes back as text (a zstd frame that ends early,
// a last line that has no end); an error is one of reading.
Result<std::string> read_lines(int fd, bool compressed, LineSink& sink);

}  // namespace arbiter::snapshot

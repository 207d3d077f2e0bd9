#include "collector/snapshot/line_reader.hpp"

#include <unistd.h>
#include <zstd.h>

#include <memory>

namespace arbiter::snapshot {
namespace {

constexpr std::size_t kBufferBytes = 256 << 10;

Result<std::size_t> read_some(int fd, std::string& buffer) {
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return system_error("reading");
  }
}

// Cuts text into lines.
class Cutter {
 public:
  explicit Cutter(LineSink& sink) : sink_(sink) {}
  bool take(std::string_view text) {
    while (!text.empty()) {
      const std::size_t newline = text.find('\n');
      in_line_ = true;
      if (!sink_.piece(text.substr(0, newline))) return false;
      if (newline == std::string_view::npos) return true;
      if (!sink_.end_line()) return false;
      in_line_ = false;
      text.remove_prefix(newline + 1);
    }
    return true;
  }
  bool in_line() const { return in_line_; }

 private:
  LineSink& sink_;
  bool in_line_ = false;
};

using Text = Result<std::string>;
Text says(std::string text) { return {boost::system::in_place_value, std::move(text)}; }

}  // namespace

Result<std::string> read_lines(int fd, bool compressed, LineSink& sink) {
  std::string in(kBufferBytes, '\0'), out(compressed ? kBufferBytes : 0, '\0');
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> zstd(compressed ? ZSTD_createDCtx() : nullptr, &ZSTD_freeDCtx);
  if (compressed && zstd == nullptr) return Error{"no memory for decompression"};
  Cutter cutter(sink);
  std::size_t frame_left = 1;  // what zstd still wants: 0 at the end of a frame
  for (;;) {
    const auto got = read_some(fd, in);
    if (!got) return got.error();
    if (*got == 0) break;
    if (!compressed) {
      if (!cutter.take({in.data(), *got})) return says({});
      continue;
    }
    ZSTD_inBuffer source{in.data(), *got, 0};
    for (bool more = true; more;) {
      ZSTD_outBuffer target{out.data(), out.size(), 0};
      frame_left = ZSTD_decompressStream(zstd.get(), &target, &source);
      if (ZSTD_isError(frame_left) != 0) return says(std::string("is not what zstd wrote (") + ZSTD_getErrorName(frame_left) + ")");
      if (!cutter.take({out.data(), target.pos})) return says({});
      more = source.pos < source.size || target.pos == target.size;
    }
  }
  if (compressed && frame_left != 0) return says("ends before its zstd frame does");
  if (cutter.in_line()) return says("ends within a line");
  return says({});
}

}  // namespace arbiter::snapshot

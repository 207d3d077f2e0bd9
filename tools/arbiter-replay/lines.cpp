#include "tools/arbiter-replay/lines.hpp"

#include <zstd.h>

#include <array>
#include <utility>

namespace arbiter::replay {
namespace {
constexpr std::array<unsigned char, 4> kZstdMagic = {0x28, 0xb5, 0x2f, 0xfd};
constexpr std::size_t kChunkBytes = 256 * 1024;
}  // namespace

struct Lines::Decompressor {
  struct Free {
    void operator()(ZSTD_DCtx* freed) const { ZSTD_freeDCtx(freed); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context{ZSTD_createDCtx()};
  std::string compressed = std::string(kChunkBytes, '\0');
  ZSTD_inBuffer in{compressed.data(), 0, 0};
  bool frame_open = false;
};

Lines::Lines(std::FILE* file, std::string path, std::unique_ptr<Decompressor> zstd)
    : file_(file), path_(std::move(path)), zstd_(std::move(zstd)) {}
Lines::Lines(Lines&&) noexcept = default;
Lines& Lines::operator=(Lines&&) noexcept = default;
Lines::~Lines() = default;

Result<Lines> Lines::open(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) return system_error("cannot open " + path);
  std::array<unsigned char, 4> magic{};
  const bool compressed = std::fread(magic.data(), 1, magic.size(), file) == magic.size() && magic == kZstdMagic;
  Lines lines(file, path, compressed ? std::make_unique<Decompressor>() : nullptr);
  if (std::ferror(file) != 0) return system_error("cannot read " + path);
  std::rewind(file);
  return lines;
}

Result<bool> Lines::fill() {
  buffer_.erase(0, std::exchange(at_, 0));
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kChunkBytes);
  if (zstd_ == nullptr) {
    const std::size_t read = std::fread(buffer_.data() + before, 1, kChunkBytes, file_.get());
    buffer_.resize(before + read);
    if (std::ferror(file_.get()) != 0) return system_error("cannot read " + path_);
    return read > 0;
  }
  Decompressor& zstd = *zstd_;
  ZSTD_outBuffer out{buffer_.data() + before, kChunkBytes, 0};
  while (out.pos == 0) {
    if (zstd.in.pos == zstd.in.size) {
      zstd.in.size = std::fread(zstd.compressed.data(), 1, zstd.compressed.size(), file_.get());
      zstd.in.pos = 0;
      if (std::ferror(file_.get()) != 0) return system_error("cannot read " + path_);
      if (zstd.in.size == 0) {
        buffer_.resize(before);
        if (zstd.frame_open) return Error{path_ + ": ends in the middle of its zstd frame: it is not complete"};
        return false;
      }
    }
    const std::size_t rest = ZSTD_decompressStream(zstd.context.get(), &out, &zstd.in);
    if (ZSTD_isError(rest) != 0) return Error{path_ + ": is damaged: " + ZSTD_getErrorName(rest)};
    zstd.frame_open = rest != 0;
  }
  buffer_.resize(before + out.pos);
  return true;
}

Result<bool> Lines::next() {
  std::size_t searched = 0;
  for (;;) {
    std::size_t end = buffer_.find('\n', at_ + searched);
    if (end == std::string::npos) {
      searched = buffer_.size() - at_;
      const auto more = fill();
      if (!more) return more.error();
      if (*more) continue;
      if (at_ == buffer_.size()) return false;
      end = buffer_.size();  // a last line without its newline
    }
    line_ = std::string_view(buffer_).substr(at_, end - at_);
    at_ = std::min(end + 1, buffer_.size());
    searched = 0;
    ++number_;
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    if (line_.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (begun_) ++index_;
    begun_ = true;
    return true;
  }
}

}  // namespace arbiter::replay

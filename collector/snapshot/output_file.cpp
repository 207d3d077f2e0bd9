#include "collector/snapshot/output_file.hpp"

#include <fcntl.h>
#include <zstd.h>

namespace arbiter::snapshot {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;  // in one go, the kernel makes large pages of it
constexpr std::uint64_t kWriteBackBytes = 8 << 20;
constexpr int kLevel = 1;

}  // namespace

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return system_error(path);
  std::unique_ptr<OutputFile> file(new OutputFile(path, name, fd));
  if (name.ends_with(".zst")) {
    file->zstd_ = ZSTD_createCCtx();
    if (file->zstd_ == nullptr) return Error{path + ": no memory for compression"};
    ZSTD_CCtx_setParameter(file->zstd_, ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(file->zstd_, ZSTD_c_checksumFlag, 1);
    file->compressed_.resize(ZSTD_CStreamOutSize());
  }
  return file;
}

OutputFile::OutputFile(std::string path, std::string name, int fd) : path_(std::move(path)), name_(std::move(name)), file_(fd) {}

OutputFile::~OutputFile() { ZSTD_freeCCtx(zstd_); }

Result<void> OutputFile::write(std::string_view text) {
  buffer_ += text;
  return buffer_.size() < kBufferBytes ? Result<void>() : flush(false);
}

Result<void> OutputFile::put(std::string_view bytes) {
  if (auto ok = file_.write(journal::bytes_of(bytes), bytes_); !ok) return ok.error().while_(path_);
  sha256_.add(bytes);
  bytes_ += bytes.size();
  // The disk begins while there is more to come: what waits for the sync at the end would hold up the journal as well.
  if (bytes_ - writing_back_ >= kWriteBackBytes) {
    file_.write_back(writing_back_, bytes_ - writing_back_);
    writing_back_ = bytes_;
  }
  return {};
}

Result<void> OutputFile::flush(bool last) {
  if (zstd_ == nullptr) {
    auto ok = put(buffer_);
    buffer_.clear();
    return ok;
  }
  ZSTD_inBuffer in{buffer_.data(), buffer_.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{compressed_.data(), compressed_.size(), 0};
    const std::size_t left = ZSTD_compressStream2(zstd_, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0) return Error{path_ + ": compression: " + ZSTD_getErrorName(left)};
    if (auto ok = put({compressed_.data(), out.pos}); !ok) return ok;
    if (last ? left == 0 : in.pos == in.size) break;
  }
  buffer_.clear();
  return {};
}

Result<FileInfo> OutputFile::finish(std::optional<std::uint64_t> rows) {
  if (auto ok = flush(true); !ok) return ok.error();
  if (auto ok = file_.sync(); !ok) return ok.error().while_(path_);
  FileInfo info;
  info.name = name_;
  info.rows = rows;
  info.bytes = bytes_;
  info.sha256 = sha256_.hex();
  return info;
}

Result<FileInfo> write_output(const std::string& directory, const std::string& name, std::string_view text) {
  auto file = OutputFile::create(directory, name);
  if (!file) return file.error();
  if (auto ok = (*file)->write(text); !ok) return ok.error();
  return (*file)->finish(std::nullopt);
}

}  // namespace arbiter::snapshot

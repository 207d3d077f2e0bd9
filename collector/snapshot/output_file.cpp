#include "collector/snapshot/output_file.hpp"

#include <fcntl.h>
#include <zstd.h>

namespace arbiter::snapshot {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;  // in one go, the kernel makes large pages of it
constexpr std::uint64_t kWriteBackBytes = 8 << 20;
constexpr int kLevel = 1;

}  // namespace

Result<std::unique_ptr<OutputFile>> OutputFile::create(const Place& place, const std::string& name) {
  const std::string path = place.directory + "/" + name + std::string(place.cipher != nullptr ? kEncryptedEnding : "");
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
  if (place.cipher != nullptr) {
    file->encryption_.emplace(*place.cipher);
    if (auto ok = file->store(file->encryption_->stream.header()); !ok) return ok.error();
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
  sha256_.add(bytes);
  bytes_ += bytes.size();
  return store(encryption_ ? encryption_->stream.add(bytes) : bytes);
}

Result<void> OutputFile::store(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (auto ok = file_.write(journal::bytes_of(bytes), stored_); !ok) return ok.error().while_(path_);
  if (encryption_) encryption_->sha256.add(bytes);
  stored_ += bytes.size();
  // The disk begins while there is more to come: what waits for the sync at the end would hold up the journal as well.
  if (stored_ - writing_back_ >= kWriteBackBytes) {
    file_.write_back(writing_back_, stored_ - writing_back_);
    writing_back_ = stored_;
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
  if (encryption_)
    if (auto ok = store(encryption_->stream.finish()); !ok) return ok.error();
  if (auto ok = file_.sync(); !ok) return ok.error().while_(path_);
  FileInfo info;
  info.name = name_;
  info.rows = rows;
  info.bytes = bytes_;
  info.sha256 = sha256_.hex();
  info.stored_name = encryption_ ? name_ + std::string(kEncryptedEnding) : name_;
  info.stored_sha256 = encryption_ ? encryption_->sha256.hex() : info.sha256;
  return info;
}

Result<FileInfo> write_output(const Place& place, const std::string& name, std::string_view text) {
  auto file = OutputFile::create(place, name);
  if (!file) return file.error();
  if (auto ok = (*file)->write(text); !ok) return ok.error();
  return (*file)->finish(std::nullopt);
}

}  // namespace arbiter::snapshot

// A file of a snapshot while it is written: compressed if its name says so, hashed as it goes, encrypted where the place says so, synced at
// the end.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collector/crypt/stream.hpp"
#include "collector/journal/file.hpp"
#include "collector/snapshot/place.hpp"
#include "collector/snapshot/sha256.hpp"
#include "collector/snapshot/split.hpp"
#include "shm/result.hpp"

struct ZSTD_CCtx_s;

namespace arbiter::snapshot {

struct FileInfo {
  std::string name;
  std::optional<std::uint64_t> rows;  // lines of a data file
  std::uint64_t bytes = 0;
  std::string sha256;            // lower-case hex
  std::string stored_name = {};  // as it lies there, with its sum; encrypted, `bytes` and `sha256` are those of the plain text
  std::string stored_sha256 = {};
  boost::json::object left_out = {};  // rows that the format cannot say, by reason; the manifest has it where there is any reason
  boost::json::object quality = {};   // of the rows (quality.hpp), where it is known
  // Of one of several files of a format (writers.hpp):
  std::string format = {};  // empty: its name is the format's
  std::optional<Side> side = {};
  std::optional<std::uint64_t> first_row = {};

  std::string_view format_name() const { return format.empty() ? std::string_view(name) : std::string_view(format); }
};

class OutputFile {
 public:
  // `name` ends in .zst: zstd, level 1, one frame with a checksum, on this thread: the same content is the same bytes.
  static Result<std::unique_ptr<OutputFile>> create(const Place& place, const std::string& name);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Result<void> write(std::string_view text);
  Result<FileInfo> finish(std::optional<std::uint64_t> rows);

  // So far, and of what has not left yet what it is uncompressed; but what the compressor itself holds, a block of 128 KiB at most.
  std::uint64_t bytes() const { return bytes_ + buffer_.size(); }

 private:
  OutputFile(std::string path, std::string name, int fd);
  Result<void> flush(bool last);
  Result<void> put(std::string_view bytes);    // of the plain text
  Result<void> store(std::string_view bytes);  // into the file

  std::string path_, name_;
  journal::File file_;
  ZSTD_CCtx_s* zstd_ = nullptr;  // null: as it is
  std::string buffer_, compressed_;
  std::uint64_t bytes_ = 0;                      // of the plain text
  std::uint64_t stored_ = 0, writing_back_ = 0;  // written; up to where the disk has been told to begin
  Sha256 sha256_;

  struct Encryption {
    explicit Encryption(const crypt::Cipher& cipher) : stream(cipher) {}
    crypt::StreamEncryptor stream;
    Sha256 sha256;
  };
  std::optional<Encryption> encryption_;
};

// Writes a whole file at once.
Result<FileInfo> write_output(const Place& place, const std::string& name, std::string_view text);

}  // namespace arbiter::snapshot

// A file of the journal, and the few operations on its directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/result.hpp"

namespace arbiter::journal {

// An open file. Shared between the writer, the background threads and views; positions are given with each call. Closed with the last
// owner.
class File {
 public:
  static Result<std::shared_ptr<File>> open(const std::string& path, int flags);  // flags of open(2); created 0600
  explicit File(int fd) : fd_(fd) {}
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // All of it or an error; what part of it was written before the error is not known.
  Result<void> write(std::span<const std::byte> bytes, std::uint64_t offset) const;
  // Bytes read: fewer than asked for at the end of the file alone.
  Result<std::size_t> read(std::span<std::byte> bytes, std::uint64_t offset) const;
  Result<void> allocate(std::uint64_t bytes) const;                  // so that writing within them never runs out of space
  Result<void> sync() const;                                         // data, and the size that is needed to read it
  void write_back(std::uint64_t offset, std::uint64_t bytes) const;  // begins what sync() then need not wait for
  Result<std::uint64_t> size() const;

 private:
  int fd_;
};

// And those above it; fine if it is there. Afterwards its name is on stable storage: what is synced in it can be found again.
Result<void> make_directory(const std::string& path);
Result<std::vector<std::string>> list_directory(const std::string& path);
Result<void> rename_file(const std::string& from, const std::string& to);
void remove_file(const std::string& path);  // fine if it is not there
Result<void> sync_directory(const std::string& path);
Result<std::string> read_file(const std::string& path);

inline std::span<const std::byte> bytes_of(std::string_view s) { return {reinterpret_cast<const std::byte*>(s.data()), s.size()}; }
inline std::string_view view_of(std::span<const std::byte> s) { return {reinterpret_cast<const char*>(s.data()), s.size()}; }
template <class T>
std::span<const std::byte> object_bytes(const T& object) {
  return std::as_bytes(std::span<const T, 1>(&object, 1));
}

}  // namespace arbiter::journal

// The directory of snapshots: its numbers, its lock, and what comes and goes in it by renames alone.
//
//   00000000000000000007/           a snapshot, complete
//   latest -> 00000000000000000007
//   .building-00000000000000000008/ one that is being built, or that a killed export left
//   .removing-00000000000000000001/ one on its way out
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/result.hpp"

namespace arbiter::snapshot {

std::string number_text(std::uint64_t number);                     // 20 digits
std::optional<std::uint64_t> parse_number(std::string_view name);  // exactly 20 digits, within 64 bits

class Directory {
 public:
  enum class Wait : std::uint8_t { yes, no };

  // Makes it if missing, and takes its lock, which only exports and clean-ups take. Error with code EWOULDBLOCK: not waiting, and somebody
  // has it.
  static Result<Directory> open(const std::string& path, Wait wait);
  Directory(Directory&& other) noexcept;
  Directory& operator=(Directory&&) = delete;
  ~Directory();

  const std::string& path() const { return path_; }
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

  Result<std::vector<std::uint64_t>> numbers() const;  // of the complete snapshots, rising

  // An empty directory to build snapshot `number` in. Its path.
  Result<std::string> begin(std::uint64_t number) const;
  // The built directory becomes the snapshot, and `latest`. What is in it has been synced.
  Result<void> complete(std::uint64_t number) const;
  void abandon(std::uint64_t number) const;

  // Removes all but the newest `keep` (1 or more; all), and those published longer than `max_age` ago, by the file system's time. The
  // newest stays, those that a reader holds a shared lock on, and all from base_of(number) on of one that stays.
  Result<void> let_go(std::optional<std::uint64_t> keep, std::optional<std::chrono::nanoseconds> max_age,
                      const std::function<std::uint64_t(std::uint64_t number)>& base_of) const;
  // Removes what killed exports and removals have left.
  Result<void> remove_leftovers() const;

 private:
  Directory(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Result<void> sync() const;

  std::string path_;
  int fd_;
};

}  // namespace arbiter::snapshot

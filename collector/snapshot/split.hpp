// On which side of a learner's data a row is: in the training data, or held out to validate what was learnt from it.
//
//   by task   a task, with all its events, is in validation where
//                 first 8 bytes, big-endian, of BLAKE2b-128(task id as exported, key = digits of seed)  mod 100  <  validation_percent
//             which hashlib.blake2b(task, key=b"0", digest_size=16) computes too. The same task is on the same side in every snapshot and
//             every format, and a larger percentage only adds to it. Rows without a task are in train.
//   by time   a row is in validation where its own time (of an event; when a trajectory began; when a decision was taken) is at or after
//             that of the newest event less validation_age. A task that was under way then has events on both sides.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/journal/journal.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

enum class Side : std::uint8_t { train, validation };
inline constexpr std::array<Side, 2> kBothSides = {Side::train, Side::validation};
std::string_view side_name(Side side);
std::optional<Side> parse_side(std::string_view name);

// What is wanted: by time, where validation_age is set; else by task; nothing set: no split.
struct SplitRule {
  std::uint64_t validation_percent = 0;  // 0 to 99; more is 99
  std::uint64_t seed = 0;                // another one puts other tasks into validation
  std::optional<std::chrono::nanoseconds> validation_age;
};

class Split {
 public:
  Split() = default;  // none: all is train
  // `newest_ns`: time of the newest event.
  Split(const SplitRule& rule, std::int64_t newest_ns);

  bool there() const { return percent_ != 0 || from_ns_; }
  // `task`: its id as exported; empty: none. Some 200 ns by task, nothing by time.
  Side of(std::string_view task, std::int64_t time_ns) const;
  Side of(const journal::StoredEvent& e) const;

  // The member `split` of the manifest, and back. Only of one that is there.
  boost::json::object json() const;
  static Result<Split> parse(const boost::json::object& split);

 private:
  std::uint64_t percent_ = 0;
  std::uint64_t seed_ = 0;
  std::optional<std::int64_t> from_ns_;
};

}  // namespace arbiter::snapshot

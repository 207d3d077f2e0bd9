// audit.jsonl in the state directory: a line for each export, of who asked for it, over what range, and what went out; and a line for each
// change, of who made it, and from what to what.
//
//   {"at": "..Z", "action": "export", "by": {"uid": 0, "pid": 4711} | {"trigger": "interval" | "completions" | "SIGUSR1"},
//    "asked": {"since": "snapshot:6" | null, "formats": [..]}, "outcome": "published", "snapshot": 7, "path": "..",
//    "range": {as in the manifest}, "events": 120, "bytes": 5120, "files": [{"name": "..", "rows": 120, "bytes": 4711}, ..]}
//   {"at": "..Z", "action": "pause" | "resume" | "clear" | "config set" | "reload", "by": {as above; a reload's trigger is "SIGHUP"},
//    "outcome": "done", "changes": [{"key": "retention.max_events", "from": null, "to": 7, "applied": true}, ..]}
//   {.., "outcome": "failed", "error": ".."}
//
// The file is of mode 0600. At kBytesMax it becomes audit.jsonl.1, whose lines before then go. Unlike the log it leaves no line out.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <mutex>
#include <string>

#include "shm/result.hpp"

namespace arbiter::service {

class Audit {
 public:
  static constexpr std::uint64_t kBytesMax = 8 << 20;

  explicit Audit(const std::string& state_dir) : path_(state_dir + "/audit.jsonl") {}

  // One line, with one write; `at` is put before what is in it. Any thread.
  Result<void> add(const boost::json::object& line);

 private:
  const std::string path_;
  std::mutex mutex_;
};

}  // namespace arbiter::service

// A collector that another program runs for itself (--embedded DIR): everything lies in that one directory, and it lasts as long as its
// standard input is open. However its parent ends, the pipe is closed then; a pid would say less, and prctl's signal comes with the end of
// the thread that forked.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "collector/config/load.hpp"
#include "shm/result.hpp"

namespace arbiter {

class Embedded {
 public:
  // Makes the directory if it is missing. One that is there has to be this user's and to hold nothing, or only what a program lays there
  // before it starts us (kBefore), or what an earlier --embedded left: it will be removed, and that is to meet nothing else.
  static Result<std::unique_ptr<Embedded>> take(const std::string& directory);
  ~Embedded();

  // All places, and the configuration file: collector.json in the directory, all defaults if there was none.
  config::Options options() const;

  // From here on the process gets SIGTERM when standard input is closed. Signals are to be blocked already.
  Result<void> watch();

  // After the last file was closed: removes the directory if it was standard input that ended us. After a signal it stays, for the next
  // one.
  Result<void> leave();

 private:
  explicit Embedded(std::string directory) : directory_(std::move(directory)) {}
  void watch_no_more();

  std::string directory_;
  int stop_ = -1;                     // eventfd
  std::atomic<bool> closed_ = false;  // set by the watching thread, read after it was joined
  std::thread watching_;
};

}  // namespace arbiter

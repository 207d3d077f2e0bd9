// What the drain's thread sleeps on: the doorbell that producers ring when a lane is half full, new files in the lanes directory, and a
// wake-up from inside the process. A lost ring costs nothing but the rest of the polling interval.
//
// Anybody who may record may ring, and make files, as fast as he can: after kWakesMax wakings within kWakesWindow, producers wake nobody up
// for the rest of it.
#pragma once

#include <chrono>
#include <string>

#include "shm/result.hpp"

namespace arbiter::ingest {

class Doorbell {
 public:
  // Binds `<ring_dir>.doorbell`, unless `passed` is a socket bound there by who started us, and watches `ring_dir`; `wake_fd` is not owned.
  static Result<Doorbell> open(const std::string& ring_dir, int wake_fd, int passed = -1);
  Doorbell(Doorbell&& other) noexcept;
  Doorbell& operator=(Doorbell&&) = delete;
  ~Doorbell();

  struct Woken {
    bool new_files = false;
  };
  Woken wait(std::chrono::nanoseconds at_most);

  static constexpr unsigned kWakesMax = 20;
  static constexpr std::chrono::milliseconds kWakesWindow{10};

 private:
  Woken wait_once(std::chrono::nanoseconds at_most, bool heed_producers);
  Doorbell(std::string path, int bell, int watch, int wake) : path_(std::move(path)), bell_(bell), watch_(watch), wake_(wake) {}
  std::string path_;  // of a socket that is ours to remove; empty: it is not
  int bell_, watch_, wake_;
  std::chrono::steady_clock::time_point window_began_{};
  unsigned wakes_ = 0;  // by producers, in this window
};

}  // namespace arbiter::ingest

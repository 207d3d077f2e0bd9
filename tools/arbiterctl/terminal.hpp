// What is done for people at a terminal, and never into a pipe: colour, and a sign of life.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace arbiter::ctl {

enum class Colour { none, good, doubtful, bad, heading };

// `text` in that colour if stdout is a terminal that wants any (NO_COLOR, TERM=dumb).
std::string coloured(std::string_view text, Colour colour);

// `text` without bytes that would steer a terminal: ids and texts are foreign.
std::string harmless(std::string_view text);

// "exporting a snapshot: 5 s" on stderr, from two seconds on until it is destroyed; nothing where stderr is no terminal.
class Progress {
 public:
  // `more`: asked now and then, on a thread of its own, for what is to stand behind the seconds; must come to an end.
  explicit Progress(std::string what, std::function<std::string()> more = {});
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void run();
  const std::string what_;
  const std::function<std::string()> more_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace arbiter::ctl

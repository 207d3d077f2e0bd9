// The processes of kill_soak: started, killed and reaped in one place, forked children of producers included, which come to the supervisor
// when their parent is dead. No process number is used but of one that has not been reaped yet.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace arbiter::soak {

class Processes {
 public:
  Processes();   // adopts orphans
  ~Processes();  // kills what it started and still runs

  // `log`: where stdout and stderr go, appended.
  pid_t start(const std::vector<std::string>& command, const std::filesystem::path& log);
  bool running(pid_t pid);
  // Exit status, 128 + the signal's number if a signal ended it. Asked once.
  std::optional<int> ended(pid_t pid);
  std::optional<int> wait(pid_t pid, std::chrono::milliseconds at_most);
  void kill(pid_t pid);  // SIGKILL to a process that was started here, and its end

  struct Ran {
    int exit = -1;
    std::string out;
  };
  Ran run(const std::vector<std::string>& command, const std::filesystem::path& log, std::chrono::milliseconds at_most);

  // Reaps; calls for each process that was not started here: an orphan.
  template <class F>
  void reap(F&& orphan) {
    for (const pid_t pid : reap_all()) orphan(pid);
  }

 private:
  std::vector<pid_t> reap_all();
  std::map<pid_t, std::optional<int>> started_;
  std::vector<pid_t> orphans_;
};

}  // namespace arbiter::soak

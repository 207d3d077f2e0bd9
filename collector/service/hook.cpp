#include "collector/service/hook.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <initializer_list>

extern char** environ;

namespace arbiter::service {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLookAgain{50};  // whether it has ended, or is to

Error spawn_error(const std::string& program, int code) {
  return Error{"hook " + program + ": cannot be run: " + std::strerror(code), code};
}

struct Spawned {
  pid_t pid = -1;
  int input = -1;  // our end of its standard input
};

Result<Spawned> spawn(const std::string& program) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return spawn_error(program, errno);
  fcntl(ends[0], F_SETFL, 0);  // whoever reads may wait
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  // The collector blocks its signals and ignores some: the program is to have them as any other.
  sigset_t none, all;
  sigemptyset(&none);
  sigemptyset(&all);
  for (const int number : {SIGPIPE, SIGXFSZ, SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&all, number);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::string name = program;
  char* arguments[] = {name.data(), nullptr};
  Spawned made;
  const int failed = posix_spawn(&made.pid, program.c_str(), &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[0]);
  if (failed != 0) {
    close(ends[1]);
    return spawn_error(program, failed);
  }
  made.input = ends[1];
  return made;
}

bool has_ended(pid_t pid) {
  siginfo_t found{};
  return waitid(P_PID, static_cast<id_t>(pid), &found, WEXITED | WNOHANG | WNOWAIT) != 0 || found.si_pid == pid;
}

}  // namespace

Result<void> run_hook(const std::string& program, std::string_view input, std::chrono::nanoseconds limit, const std::stop_token& stopping) {
  auto spawned = spawn(program);
  if (!spawned) return spawned.error();
  const auto end_input = [&spawned] {
    if (spawned->input >= 0) close(spawned->input);
    spawned->input = -1;
  };
  const Clock::time_point until = Clock::now() + limit;
  bool ended = false;
  while (!(ended = has_ended(spawned->pid)) && Clock::now() < until && !stopping.stop_requested()) {
    pollfd room{spawned->input, POLLOUT, 0};
    poll(&room, spawned->input >= 0 && !input.empty() ? 1 : 0, static_cast<int>(kLookAgain.count()));
    if (spawned->input < 0 || (room.revents & (POLLOUT | POLLERR)) == 0) continue;
    const ssize_t written = write(spawned->input, input.data(), input.size());
    if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
    if (input.empty() || (written < 0 && errno != EAGAIN && errno != EINTR)) end_input();
  }
  end_input();
  kill(-spawned->pid, SIGKILL);  // what it began and left, too; it is not waited for yet, so its number is nobody else's
  int status = 0;
  while (waitpid(spawned->pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) {
    if (stopping.stop_requested()) return Error{"hook " + program + ": was ended, as the collector stops"};
    return Error{"hook " + program + ": ran for longer than " +
                 std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count()) + " ms, and was ended"};
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Error{"hook " + program + ": " +
               (WIFEXITED(status) ? "exited with " + std::to_string(WEXITSTATUS(status))
                                  : "was ended by signal " + std::to_string(WTERMSIG(status)))};
}

}  // namespace arbiter::service

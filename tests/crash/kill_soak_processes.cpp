#include "tests/crash/kill_soak_processes.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

namespace arbiter::soak {
namespace {

using namespace std::chrono_literals;

int exit_status(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

// In the child, between fork and exec: nothing but system calls.
[[noreturn]] void become(char* const* arguments, const char* log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int in_fd = ::open("/dev/null", O_RDONLY);
  const int out_fd = ::open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (in_fd < 0 || out_fd < 0) ::_exit(127);
  ::dup2(in_fd, 0), ::dup2(out_fd, 1), ::dup2(out_fd, 2);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

Processes::Processes() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

Processes::~Processes() {
  for (const auto& [pid, status] : std::exchange(started_, {}))
    if (!status) ::kill(pid, SIGKILL), ::waitpid(pid, nullptr, 0);
}

pid_t Processes::start(const std::vector<std::string>& command, const std::filesystem::path& log) {
  std::vector<char*> arguments;
  for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid(), pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid == 0) become(arguments.data(), log.c_str(), parent);
  started_[pid] = std::nullopt;
  return pid;
}

std::vector<pid_t> Processes::reap_all() {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (const auto it = started_.find(pid); it != started_.end())
      it->second = exit_status(status);
    else
      orphans_.push_back(pid);
  }
  return std::exchange(orphans_, {});
}

bool Processes::running(pid_t pid) {
  const auto it = started_.find(pid);
  if (it == started_.end()) return false;
  int status = 0;
  if (!it->second && ::waitpid(pid, &status, WNOHANG) == pid) it->second = exit_status(status);
  return !it->second;
}

std::optional<int> Processes::ended(pid_t pid) {
  if (running(pid)) return std::nullopt;
  const auto it = started_.find(pid);
  if (it == started_.end()) return std::nullopt;
  const auto status = it->second;
  started_.erase(it);
  return status;
}

std::optional<int> Processes::wait(pid_t pid, std::chrono::milliseconds at_most) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (running(pid)) {
    if (std::chrono::steady_clock::now() > end) return std::nullopt;
    std::this_thread::sleep_for(1ms);
  }
  return ended(pid);
}

void Processes::kill(pid_t pid) {
  const auto it = started_.find(pid);
  if (it == started_.end()) return;
  if (!it->second) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  started_.erase(pid);
}

Processes::Ran Processes::run(const std::vector<std::string>& command, const std::filesystem::path& log,
                              std::chrono::milliseconds at_most) {
  std::filesystem::remove(log);
  const pid_t pid = start(command, log);
  Ran ran;
  if (const auto status = wait(pid, at_most))
    ran.exit = *status;
  else
    kill(pid);
  std::ifstream in(log, std::ios::binary);
  ran.out.assign(std::istreambuf_iterator<char>(in), {});
  return ran;
}

}  // namespace arbiter::soak

#include "tests/bench/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <sstream>
#include <utility>

namespace arbiter::bench {
namespace {

[[noreturn]] void become(const std::vector<std::string>& command, const std::vector<std::string>& environment, int out, int err) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(out, 1);
  dup2(err, 2);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  for (const std::string& variable : environment) putenv(const_cast<char*>(variable.c_str()));
  execvp(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

Result<std::string> output_of(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) return system_error("a pipe", errno);
  const pid_t pid = fork();
  if (pid == 0) become(command, environment, out[1], err[1]);
  close(out[1]), close(err[1]);
  if (pid < 0) return system_error("another process", errno);
  std::string said, complained;
  std::array<pollfd, 2> open{pollfd{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  while (open[0].fd >= 0 || open[1].fd >= 0) {
    poll(open.data(), open.size(), -1);
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (open[i].fd < 0 || open[i].revents == 0) continue;
      char bytes[4'096];
      const ssize_t got = read(open[i].fd, bytes, sizeof bytes);
      if (got > 0)
        (i == 0 ? said : complained).append(bytes, static_cast<std::size_t>(got));
      else
        open[i].fd = -1;
    }
  }
  close(out[0]), close(err[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {boost::system::in_place_value, std::move(said)};
  std::string words;
  for (const std::string& word : command) words += (words.empty() ? "" : " ") + word;
  return Error{"'" + words + "' failed: " + (complained.empty() ? said : complained)};
}

std::string found_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');)
    if (access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
  return "";
}

}  // namespace arbiter::bench

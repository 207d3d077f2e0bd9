// Runs something in a child process and says how it ended.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

namespace arbiter::test {

// The exit status of `body`'s return value, or 128 + the signal. The child leaves without running destructors or at-exit functions: what it
// holds is the parent's.
inline int in_child(const std::function<int()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);  // a deadlock is a failure, not a hang
    _exit(body());
  }
  int status = 0;
  while (waitpid(child, &status, 0) != child) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace arbiter::test

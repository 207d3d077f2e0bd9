// What a piece of the program says on stderr.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

namespace arbiter::test {

// What `speak` writes to stderr, line by line.
template <class Speak>
std::vector<std::string> said(Speak speak) {
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  std::fflush(stderr);
  const int before = dup(STDERR_FILENO);
  REQUIRE(dup2(fileno(file), STDERR_FILENO) >= 0);
  speak();
  std::fflush(stderr);
  dup2(before, STDERR_FILENO);
  close(before);
  std::rewind(file);
  std::vector<std::string> lines(1);
  for (int c; (c = std::fgetc(file)) != EOF;)
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += static_cast<char>(c);
  std::fclose(file);
  CHECK(lines.back().empty());  // every line has its end
  lines.pop_back();
  return lines;
}

}  // namespace arbiter::test

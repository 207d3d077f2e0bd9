// A terminal that is written all over, and given back as it was: whatever ends the program but SIGKILL.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shm/result.hpp"
#include "tools/arbiterctl/top/view.hpp"

namespace arbiter::ctl::top {

// Keys beside the letters themselves.
enum Key : int {
  kNone = -1,
  kTab = '\t',
  kEnter = '\n',
  kEscape = 27,
  kBackspace = 0x1000,
  kUp,
  kDown,
  kPageUp,
  kPageDown,
  kHome,
  kEnd,
  kRedraw,
};

class Screen {
 public:
  // Error: stdin or stdout is no terminal, or one of a kind that is not known.
  static Result<std::unique_ptr<Screen>> open();
  ~Screen();  // gives the terminal back
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  int columns() const;
  int rows() const;
  void resized();  // after SIGWINCH: asks the terminal how large it is now
  void draw(const std::vector<Line>& lines);
  int key();  // of those waiting; kNone: none

 private:
  Screen() = default;
};

}  // namespace arbiter::ctl::top

#include "tools/arbiterctl/top/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

// Last, for its macros.
#define NCURSES_NOMACROS 1
#include <curses.h>

namespace arbiter::ctl::top {
namespace {

constexpr int kEscapeDelayMs = 25;  // after which Esc is the key and not the start of another

bool colours() {
  const char* const no = std::getenv("NO_COLOR");
  return has_colors() && (no == nullptr || *no == '\0');
}

constexpr short pair_of(Colour colour) { return static_cast<short>(colour); }

}  // namespace

Result<std::unique_ptr<Screen>> Screen::open() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
    return Error{"top needs a terminal: arbiterctl status --json and GET /metrics are for programs"};
  const char* const type = std::getenv("TERM");
  if (newterm(nullptr, stdout, stdin) == nullptr)
    return Error{"the terminal type \"" + std::string(type == nullptr ? "" : type) +
                 "\" is not known here: set TERM, to vt100 for example"};
  std::unique_ptr<Screen> screen(new Screen);
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(kEscapeDelayMs);
  curs_set(0);
  if (colours()) {
    start_color();
    use_default_colors();
    init_pair(pair_of(Colour::good), COLOR_GREEN, -1);
    init_pair(pair_of(Colour::doubtful), COLOR_YELLOW, -1);
    init_pair(pair_of(Colour::bad), COLOR_RED, -1);
  }
  return screen;
}

Screen::~Screen() {
  curs_set(1);
  endwin();
}

int Screen::columns() const { return getmaxx(stdscr); }
int Screen::rows() const { return getmaxy(stdscr); }

void Screen::resized() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) resizeterm(size.ws_row, size.ws_col);
  clear();
}

void Screen::draw(const std::vector<Line>& lines) {
  erase();
  int y = 0;
  for (const Line& line : lines) {
    move(y++, 0);
    for (const Span& span : line) {
      attr_t attributes = A_NORMAL;
      if (span.colour == Colour::heading) attributes |= A_BOLD;
      if (span.reversed) attributes |= A_REVERSE;
      if (colours() && span.colour != Colour::heading && span.colour != Colour::none)
        attributes |= static_cast<attr_t>(COLOR_PAIR(pair_of(span.colour)));
      attrset(static_cast<int>(attributes));
      addstr(span.text.c_str());
    }
  }
  attrset(A_NORMAL);
  refresh();
}

int Screen::key() {
  switch (const int key = getch()) {
    case ERR: return kNone;
    case KEY_UP: return kUp;
    case KEY_DOWN: return kDown;
    case KEY_PPAGE: return kPageUp;
    case KEY_NPAGE: return kPageDown;
    case KEY_HOME: return kHome;
    case KEY_END: return kEnd;
    case KEY_BACKSPACE:
    case 127:
    case '\b': return kBackspace;
    case KEY_ENTER:
    case '\r': return kEnter;
    case KEY_RESIZE: return kRedraw;
    default: return key < 256 ? key : kRedraw;
  }
}

}  // namespace arbiter::ctl::top

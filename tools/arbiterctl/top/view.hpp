// What `arbiterctl top` shows, as lines of a given width: knows nothing of a terminal but its size.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/arbiterctl/top/look.hpp"
#include "tools/arbiterctl/top/table.hpp"

namespace arbiter::ctl::top {

struct Span {
  std::string text;
  Colour colour = Colour::none;
  bool reversed = false;
};
using Line = std::vector<Span>;

// All that is shown.
struct Shown {
  std::optional<Look> now, before;
  boost::json::object agents;  // the newest answer
  std::string window = "5m";   // that it is over
  std::string trouble;         // why there is nothing newer; empty: there is
  std::string socket;
  double every_seconds = 2;
  bool held = false;  // the picture stands still

  std::size_t focus = 0;  // of the tables
  std::array<Order, 2> orders;
  std::optional<std::string> typing;  // a filter that is being typed
  bool help = false;
};

constexpr std::size_t kAgentsTable = 0, kProducersTable = 1;
inline constexpr int kColumnsMin = 40, kRowsMin = 10;

// At most `rows` lines of at most `columns` columns each. Keeps `first` of the orders within what there is.
std::vector<Line> view(Shown& shown, int columns, int rows);

// `text` in exactly so many columns of a terminal: cut off, or filled up with spaces, on the left where it is a number.
std::string fitted(std::string_view text, int columns, bool to_the_right = false);

}  // namespace arbiter::ctl::top

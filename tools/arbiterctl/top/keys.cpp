#include "tools/arbiterctl/top/keys.hpp"

#include <algorithm>
#include <array>

#include "collector/config/config.hpp"
#include "collector/config/windows.hpp"
#include "tools/arbiterctl/top/screen.hpp"

namespace arbiter::ctl::top {
namespace {

constexpr std::array<std::size_t, 2> kColumns = {7, 8};
constexpr int kFilterBytesMax = 64;

void type(Shown& shown, int key) {
  std::string& filter = shown.orders[shown.focus].filter;
  switch (key) {
    case kEnter: shown.typing.reset(); return;
    case kEscape:
      shown.typing.reset();
      filter.clear();
      return;
    case kBackspace:
      while (!shown.typing->empty()) {  // a whole letter of UTF-8
        const auto last = static_cast<unsigned char>(shown.typing->back());
        shown.typing->pop_back();
        if ((last & 0xc0) != 0x80) break;
      }
      break;
    default:
      if (key >= ' ' && key < 256 && shown.typing->size() < kFilterBytesMax) shown.typing->push_back(static_cast<char>(key));
  }
  filter = *shown.typing;
}

void sort_by(Order& order, std::size_t columns, std::size_t step) {
  order.sorted_by = (order.sorted_by + step) % columns;
  order.falling = order.sorted_by + 1 != columns;  // the last is a name
  order.first = 0;
}

// Those of the default configuration.
void next_window(Shown& shown) {
  const std::vector<config::Window> windows = config::parse_windows(config::Config().windows).value();
  const auto at = std::find_if(windows.begin(), windows.end(), [&](const config::Window& w) { return w.name == shown.window; });
  shown.window = at == windows.end() || std::next(at) == windows.end() ? windows.front().name : std::next(at)->name;
}

}  // namespace

bool press(Shown& shown, int key, int rows) {
  if (key == 3) return false;  // Ctrl-C, from a terminal that makes no signal of it
  if (shown.typing) {
    type(shown, key);
    return true;
  }
  if (shown.help && key != 'q') {
    shown.help = key == kRedraw || key == kNone;
    return true;
  }
  Order& order = shown.orders[shown.focus];
  const std::size_t page = static_cast<std::size_t>(std::max(1, rows / 2));
  constexpr std::size_t far = 1'000'000'000;
  switch (key) {
    case 'q': return false;
    case '?':
    case 'h': shown.help = true; break;
    case kTab: shown.focus = (shown.focus + 1) % shown.orders.size(); break;
    case 's': sort_by(order, kColumns[shown.focus], 1); break;
    case 'S': sort_by(order, kColumns[shown.focus], kColumns[shown.focus] - 1); break;
    case 'r': order.falling = !order.falling; break;
    case '/': shown.typing = order.filter; break;
    case kEscape: order.filter.clear(); break;
    case 'w': next_window(shown); break;
    case '+': shown.every_seconds = std::max(kEverySecondsMin, shown.every_seconds / 2); break;
    case '-': shown.every_seconds = std::min(kEverySecondsMax, shown.every_seconds * 2); break;
    case ' ': shown.held = !shown.held; break;
    case kUp: order.first -= std::min<std::size_t>(order.first, 1); break;
    case kDown: ++order.first; break;
    case kPageUp: order.first -= std::min(order.first, page); break;
    case kPageDown: order.first += page; break;
    case kHome: order.first = 0; break;
    case kEnd: order.first = far; break;
    default: break;
  }
  return true;
}

}  // namespace arbiter::ctl::top

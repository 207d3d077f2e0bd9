#include "collector/config/windows.hpp"

#include <algorithm>

#include "collector/config/config.hpp"
#include "collector/config/units.hpp"

namespace arbiter::config {
namespace {

using namespace std::chrono_literals;

Result<Window> parse_window(const std::string& text) {
  const auto slash = text.find('/');
  const auto length = parse_duration(text.substr(0, slash));
  const auto slide = slash == text.npos ? std::nullopt : parse_duration(std::string_view(text).substr(slash + 1));
  if (!length || !slide) return Error{"is not a length and a slide such as \"24h/4h\""};
  if (*slide < 1s) return Error{"slides by less than a second"};
  if (*length > 366 * 24h) return Error{"is longer than 366 days"};
  if (*length % *slide != 0ns) return Error{"is not a whole number of slides long"};
  if (*length / *slide > static_cast<std::int64_t>(kPanesMax)) return Error{"is more than " + std::to_string(kPanesMax) + " slides long"};
  return Window{text.substr(0, slash), *length, *slide};
}

}  // namespace

Result<std::vector<Window>> parse_windows(std::span<const std::string> list) {
  if (list.empty()) return std::vector<Window>();
  if (list.size() > kWindowsMax) return Error{"names more than " + std::to_string(kWindowsMax) + " windows"};
  std::vector<Window> windows;
  for (const std::string& text : list) {
    auto window = parse_window(text);
    if (!window) return Error{"\"" + text + "\" " + window.error().message};
    windows.push_back(std::move(*window));
  }
  std::sort(windows.begin(), windows.end(), [](const Window& a, const Window& b) { return a.length < b.length; });
  const auto shortest = std::min_element(windows.begin(), windows.end(), [](auto& a, auto& b) { return a.slide < b.slide; })->slide;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (i != 0 && windows[i].length == windows[i - 1].length) return Error{"has two windows of " + windows[i].name};
    if (windows[i].slide % shortest != 0ns)
      return Error{"\"" + windows[i].name + "\" does not slide by a multiple of " + duration_text(shortest) + ", the shortest slide"};
  }
  return windows;
}

std::string window_words(std::string_view between) {
  std::string words;
  for (const std::string& window : Config().windows) words.append(window, 0, window.find('/')).append(between);
  return words.append(kRetained);
}

}  // namespace arbiter::config

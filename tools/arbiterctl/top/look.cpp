#include "tools/arbiterctl/top/look.hpp"

#include <charconv>
#include <cmath>
#include <vector>

namespace arbiter::ctl::top {
namespace {

std::optional<double> number(std::string_view text) {
  if (text == "+Inf") return HUGE_VAL;
  double value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Samples::Samples(std::string_view exposition) {
  while (!exposition.empty()) {
    const std::size_t end = std::min(exposition.find('\n'), exposition.size());
    const std::string_view line = exposition.substr(0, end);
    exposition.remove_prefix(std::min(end + 1, exposition.size()));
    const std::size_t space = line.rfind(' ');
    if (line.empty() || line.front() == '#' || space == line.npos) continue;
    if (const auto value = number(line.substr(space + 1))) values_[std::string(line.substr(0, space))] = *value;
  }
}

double Samples::of(std::string_view name_and_labels) const {
  const auto found = values_.find(name_and_labels);
  return found == values_.end() ? 0 : found->second;
}

double Samples::sum(std::string_view name) const {
  double sum = 0;
  for (auto at = values_.lower_bound(name); at != values_.end() && at->first.starts_with(name); ++at)
    if (at->first.size() == name.size() || at->first[name.size()] == '{') sum += at->second;
  return sum;
}

double rate(const Look& before, const Look& now, double (*of)(const Samples&)) {
  const double seconds = std::chrono::duration<double>(now.at - before.at).count();
  const double grown = of(now.metrics) - of(before.metrics);
  return seconds > 0 && grown > 0 ? grown / seconds : 0;
}

std::optional<double> quantile(const Samples& before, const Samples& now, std::string_view histogram, double q) {
  const std::string prefix = std::string(histogram) + "_bucket{le=\"";
  std::map<double, double> below;  // bound to how many came at or below it
  for (auto at = now.all().lower_bound(prefix); at != now.all().end() && at->first.starts_with(prefix); ++at) {
    const std::string_view bound = std::string_view(at->first).substr(prefix.size());
    if (const auto value = number(bound.substr(0, bound.find('"')))) below[*value] = at->second - before.of(at->first);
  }
  if (below.empty() || below.rbegin()->second <= 0) return std::nullopt;
  for (const auto& [bound, count] : below)
    if (count >= q * below.rbegin()->second) return bound;
  return std::nullopt;
}

}  // namespace arbiter::ctl::top

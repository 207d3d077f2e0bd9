#include "collector/config/nearest.hpp"

#include <algorithm>
#include <vector>

namespace arbiter::config {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t word_bytes_max = 256;  // a distance costs the product of the lengths
  if (word.size() > word_bytes_max) return {};
  const auto last_part = [](std::string_view path) { return path.substr(path.rfind('.') + 1); };
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    std::size_t distance = edit_distance(word, candidate);
    // The right word in the wrong group: a guess as good as one slip, if the words themselves are near.
    const std::size_t parts = edit_distance(last_part(word), last_part(candidate));
    if (parts <= std::max<std::size_t>(1, last_part(word).size() / 4)) distance = std::min(distance, parts + 1);
    if (distance < best_distance) best = candidate, best_distance = distance;
  }
  return best;
}

}  // namespace arbiter::config

// Which word was meant: the nearest by edit distance.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace arbiter::config {

// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, or nothing ("") if none is near enough to be worth a guess (a third of its letters, at least two). A
// dotted candidate is also compared by its last part alone, so that "max_age" finds "retention.max_age".
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace arbiter::config

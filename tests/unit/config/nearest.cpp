#include "collector/config/nearest.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace arbiter::config;

TEST_CASE("the distance counts insertions, deletions, replacements and swaps of neighbours") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("evnts", "events") == 1);
  CHECK(edit_distance("veents", "events") == 1);
  CHECK(edit_distance("interval", "internal") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest word is found, in another group as well, and a far one is not guessed") {
  constexpr std::array<std::string_view, 4> words = {"retention.max_age", "retention.max_events", "export.keep", "enabled"};
  CHECK(nearest("retention.max_evnts", words) == "retention.max_events");
  CHECK(nearest("retension.max_age", words) == "retention.max_age");
  CHECK(nearest("max_age", words) == "retention.max_age");
  CHECK(nearest("journal.max_age", words) == "retention.max_age");
  CHECK(nearest("enable", words) == "enabled");
  CHECK(nearest("colour", words) == "");
  CHECK(nearest("", words) == "");
  CHECK(nearest(std::string(100'000, 'x'), words) == "");
}

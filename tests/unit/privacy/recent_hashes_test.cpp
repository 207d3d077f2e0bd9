// A hash that is found is the one that was computed, whatever ids share its place.
#include "collector/recent_hashes.hpp"

#include <doctest/doctest.h>

#include <string>

using arbiter::RecentHashes;

namespace {

struct Counting {
  RecentHashes<std::size_t> recent;
  int computed = 0;
  std::size_t of(std::string_view id) {
    return recent.of(id, [&](std::string_view bytes) {
      ++computed;
      return std::hash<std::string_view>{}(bytes);
    });
  }
};

}  // namespace

TEST_CASE("an id that comes again is found, and one that shares its place is not taken for it") {
  Counting c;
  for (const std::string id : {"", "a", "agent-7", "agent-7x", "0b5f7a2e-5a41-4d02-9a06-7a1d3c0e9f11"}) {
    CAPTURE(id);
    c.computed = 0;
    CHECK(c.of(id) == std::hash<std::string_view>{}(id));
    CHECK(c.of(id) == std::hash<std::string_view>{}(id));
    CHECK(c.computed == 1);
  }
  // Alike in length and in their first and last eight bytes: one place for all of them.
  c.computed = 0;
  for (int round = 0; round < 2; ++round)
    for (const std::string middle : {"one", "two"}) {
      const std::string id = "12345678" + middle + "12345678";
      CHECK(c.of(id) == std::hash<std::string_view>{}(id));
    }
  CHECK(c.computed == 4);
}

TEST_CASE("an id that is the beginning of another is another") {
  Counting c;
  for (int size = 0; size <= 60; ++size) {
    const std::string id(static_cast<std::size_t>(size), 'x');
    CHECK(c.of(id) == std::hash<std::string_view>{}(id));
  }
  CHECK(c.computed == 61);
}

TEST_CASE("an id longer than a place has room for is computed each time") {
  Counting c;
  const std::string id(45, 'x');
  for (int i = 0; i < 3; ++i) CHECK(c.of(id) == std::hash<std::string_view>{}(id));
  CHECK(c.computed == 3);
}

TEST_CASE("after clear nothing is found") {
  Counting c;
  c.of("agent-7");
  c.recent.clear();
  c.of("agent-7");
  CHECK(c.computed == 2);
}

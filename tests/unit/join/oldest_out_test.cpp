#include "collector/join/oldest_out.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>

using namespace arbiter::join;

namespace {

struct Entry {
  Key keys[2];
  int number = 0;
};

}  // namespace

TEST_CASE("whatever is inserted and erased, chains and age agree with a plain list") {
  std::mt19937 random(7);
  OldestOut<Entry, 2> table(50);
  std::deque<std::pair<std::uint32_t, Entry>> model;  // oldest first
  for (int step = 0; step < 20'000; ++step) {
    if (model.empty() || (random() % 3 != 0 && !table.full())) {
      // Few keys, so that chains are long; some null.
      const Entry e{{{random() % 5, 0}, {random() % 3, 1}}, step};
      model.emplace_back(table.insert(e), e);
    } else {
      const std::size_t victim = random() % 2 == 0 ? 0 : random() % model.size();
      if (victim == 0) REQUIRE(table.oldest() == model.front().first);
      table.erase(model[victim].first);
      model.erase(model.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    REQUIRE(table.size() == model.size());
    const std::size_t index = random() % 2;
    const Key key = index == 0 ? Key{1 + random() % 4, 0} : Key{random() % 3, 1};
    std::vector<int> expected, found;
    for (auto it = model.rbegin(); it != model.rend(); ++it)
      if (it->second.keys[index] == key) expected.push_back(it->second.number);
    for (std::uint32_t slot = table.find(index, key); slot != kNone; slot = table.next_older(index, slot))
      found.push_back(table[slot].number);
    REQUIRE(found == expected);
  }
  std::vector<int> ages;
  table.each([&](const Entry& e) { ages.push_back(e.number); });
  CHECK(std::is_sorted(ages.begin(), ages.end()));
  CHECK(ages.size() == model.size());
}

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
  int shift = 0;  // of the keys: what differs in the high bits alone stands in one place
  SUBCASE("with keys in places of their own") {}
  SUBCASE("with all keys in one place") { shift = 40; }
  std::mt19937 random(7);
  OldestOut<Entry, 2> table(50);
  std::deque<std::pair<std::uint32_t, Entry>> model;  // oldest first
  for (int step = 0; step < 20'000; ++step) {
    if (model.empty() || (random() % 3 != 0 && !table.full())) {
      // Few keys, so that chains are long; some null.
      const Entry e{{{std::uint64_t{random() % 5} << shift, 0}, {std::uint64_t{random() % 3} << shift, 1}}, step};
      model.emplace_back(table.insert(e), e);
    } else {
      const std::size_t victim = random() % 2 == 0 ? 0 : random() % model.size();
      if (victim == 0) REQUIRE(table.oldest() == model.front().first);
      table.erase(model[victim].first);
      model.erase(model.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    REQUIRE(table.size() == model.size());
    const std::size_t index = random() % 2;
    const Key key = index == 0 ? Key{std::uint64_t{1 + random() % 4} << shift, 0} : Key{std::uint64_t{random() % 3} << shift, 1};
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

TEST_CASE("what is told in slices while entries come, change and go is what is there at the end, by age") {
  std::mt19937 random(3);
  OldestOut<Entry, 2> table(400);
  std::vector<std::uint32_t> slots;
  int number = 0;
  const auto some_steps = [&](int steps) {
    for (; steps > 0; --steps) {
      if (slots.empty() || (random() % 2 == 0 && !table.full())) {
        slots.push_back(table.insert(Entry{{{random() % 50 + 1, 0}, {random() % 9 + 1, 1}}, ++number}));
        continue;
      }
      const std::size_t one = random() % slots.size();
      if (random() % 3 == 0) {
        table[slots[one]].number += 1'000'000;
        table.changed(slots[one]);
      } else {
        table.erase(slots[one]);
        slots.erase(slots.begin() + static_cast<std::ptrdiff_t>(one));
      }
    }
  };
  some_steps(2000);
  for (int round = 0; round < 200; ++round) {
    constexpr int kGone = -1;
    std::vector<int> told;
    table.begin_saving();
    const auto slice = [&](int most) {
      return table.save_some([&](const Entry& e) { told.push_back(e.number); },
                             [&](std::uint32_t n, const Entry& e) { told.at(n) = e.number; },
                             [&](std::uint32_t n) {
                               REQUIRE(told.at(n) != kGone);
                               told[n] = kGone;
                             },
                             [&] { return most-- > 0; });
    };
    for (int slices = static_cast<int>(random() % 40); slices > 0; --slices) {
      some_steps(static_cast<int>(random() % 30));
      slice(static_cast<int>(random() % 20));
    }
    REQUIRE(slice(1000));
    table.end_saving();
    std::erase(told, kGone);
    std::vector<int> there;
    table.each([&](const Entry& e) { there.push_back(e.number); });
    REQUIRE(told == there);
    some_steps(50);
  }
}

TEST_CASE("entries are found while the table grows under them, and when many share a key") {
  OldestOut<Entry, 2> table(5'000);
  std::mt19937_64 random(7);
  std::vector<Key> keys;
  for (int i = 0; i < 5'000; ++i) {
    keys.push_back({random(), random()});
    table.insert({{keys.back(), Key{1, static_cast<std::uint64_t>(i % 10)}}, i});
    REQUIRE(table[table.find(0, keys[static_cast<std::size_t>(i) / 2])].number == i / 2);
  }
  for (int i = 0; i < 5'000; ++i) REQUIRE(table[table.find(0, keys[static_cast<std::size_t>(i)])].number == i);
  for (int shared = 0; shared < 10; ++shared) {
    int expected = 4'990 + shared;
    for (std::uint32_t slot = table.find(1, {1, static_cast<std::uint64_t>(shared)}); slot != kNone;
         slot = table.next_older(1, slot), expected -= 10)
      REQUIRE(table[slot].number == expected);
    CHECK(expected < 0);
  }
}

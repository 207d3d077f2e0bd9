#include "tests/crash/plan.hpp"

#include <cstdio>

namespace arbiter::crash {
namespace {

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = a * 0x9e3779b97f4a7c15ULL + b * 0xbf58476d1ce4e5b9ULL + 0x94d049bb133111ebULL;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
  return x ^ x >> 31;
}

}  // namespace

Call call_of(const Ledger& ledger, std::uint32_t slot, std::uint32_t n) {
  Call call;
  call.slot = slot;
  call.n = n;
  call.time_ns = time_of(ledger.base_ns, slot, n);
  const std::uint64_t own = mixed(slot, n), of_pair = mixed(slot + kSlots, (n - 1) / 2);
  call.success = own % 3 != 0;
  if (slot == kEvenSlot) {
    call.what = What::generic;
    call.filling = 40'000 - static_cast<std::uint32_t>(std::to_string(n).size());
  } else if (slot == kHeavySlot) {
    call.what = What::generic;
    call.filling = static_cast<std::uint32_t>(20'000 + own % 30'000);
  } else if (of_pair % 4 == 0) {
    call.what = n % 2 == 1 ? What::start : What::complete;
    call.filling = static_cast<std::uint32_t>(own % 300);
  } else if (const auto kind = own % 12; kind < 4) {
    call.what = What::decision;
    call.filling = static_cast<std::uint32_t>(own >> 8) % 120;
  } else if (kind < 8) {
    call.what = What::evaluation;
    call.filling = static_cast<std::uint32_t>(own >> 8) % 1200;
  } else if (kind < 11) {
    call.what = What::generic;
    call.filling = static_cast<std::uint32_t>(own >> 8) % 6000;
  } else {
    call.what = What::refused;
  }
  return call;
}

std::string filling_of(const Call& call) {
  std::string bytes(call.filling, 'x');
  std::uint64_t state = mixed(call.slot * 7 + 1, call.n);
  for (char& c : bytes) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    c = static_cast<char>('a' + (state >> 59) % 26);
  }
  return bytes;
}

std::string task_of(const Call& call) {
  const std::uint32_t n = call.what == What::complete ? call.n - 1 : call.n;
  return "s" + std::to_string(call.slot) + "." + std::to_string(n);
}

std::optional<Named> parse_task(const std::string& task) {
  Named named{};
  int end = 0;
  if (std::sscanf(task.c_str(), "s%u.%u%n", &named.slot, &named.n, &end) != 2) return std::nullopt;
  if (static_cast<std::size_t>(end) != task.size() || named.slot >= kSlots || named.n == 0 || named.n > kCallsMax) return std::nullopt;
  return named;
}

}  // namespace arbiter::crash

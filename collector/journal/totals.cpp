#include "collector/journal/totals.hpp"

#include <limits>

namespace arbiter::journal {

std::string_view GenericNames::name(std::string_view word) {
  if (const auto it = names_.find(word); it != names_.end()) return *it;
  if (word == kOther || names_.size() >= kMax) return kOther;
  return *names_.emplace(word).first;
}

std::string_view GenericNames::find(std::string_view word) const {
  const auto it = names_.find(word);
  return it == names_.end() ? kOther : std::string_view(*it);
}

std::uint64_t Totals::events() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t n : events_by_kind) sum += n;
  return sum;
}

void Totals::add(const event::Values& stored, std::string_view generic_name) {
  ++events_by_kind[static_cast<std::size_t>(stored.kind)];
  if (stored.kind == Kind::task_execution) {
    if (stored.flag(field::kSuccess)) ++successes;
    if (const auto duration = journal::duration_ns(stored)) {
      ++joined;
      duration_ns += *duration;
    }
  } else if (stored.kind == Kind::generic) {
    if (const auto it = generic_by_type.find(generic_name); it != generic_by_type.end())
      ++it->second;
    else
      generic_by_type.emplace(generic_name, 1);
  }
}

Totals& Totals::operator+=(const Totals& other) {
  for (std::size_t k = 0; k < events_by_kind.size(); ++k) events_by_kind[k] += other.events_by_kind[k];
  for (const auto& [name, n] : other.generic_by_type) generic_by_type[name] += n;
  successes += other.successes;
  joined += other.joined;
  duration_ns += other.duration_ns;
  return *this;
}

Totals& Totals::operator-=(const Totals& other) {
  const auto take = [](std::uint64_t& from, std::uint64_t n) { from -= n < from ? n : from; };
  for (std::size_t k = 0; k < events_by_kind.size(); ++k) take(events_by_kind[k], other.events_by_kind[k]);
  for (const auto& [name, n] : other.generic_by_type)
    if (const auto it = generic_by_type.find(name); it != generic_by_type.end()) {
      take(it->second, n);
      if (it->second == 0) generic_by_type.erase(it);
    }
  take(successes, other.successes);
  take(joined, other.joined);
  duration_ns -= other.duration_ns < duration_ns ? other.duration_ns : duration_ns;
  return *this;
}

std::int64_t duration_ns(std::int64_t started_ns, std::int64_t ended_ns) {
  std::int64_t duration;
  if (started_ns >= ended_ns) return 0;
  if (__builtin_sub_overflow(ended_ns, started_ns, &duration)) return std::numeric_limits<std::int64_t>::max();
  return duration;
}

std::optional<std::int64_t> duration_ns(const event::Values& execution) {
  if (execution.kind != Kind::task_execution || !execution.has(field::kStarted)) return std::nullopt;
  return duration_ns(execution.time(field::kStarted), time_of(execution));
}

}  // namespace arbiter::journal

#include "collector/aggregate/availability.hpp"

#include <algorithm>

#include "shm/schema.hpp"

namespace arbiter::aggregate {
namespace {

constexpr double kSecond = 1e9;
constexpr std::uint8_t index_of(std::string_view status) {
  return static_cast<std::uint8_t>(std::find(std::begin(schema::kStatuses), std::end(schema::kStatuses), status) -
                                   std::begin(schema::kStatuses));
}
constexpr std::uint8_t kOffline = index_of("offline"), kMaintenance = index_of("maintenance");
constexpr std::uint8_t kNone = std::size(schema::kStatuses);

}  // namespace

std::optional<double> Availability::share() const {
  if (up_ns + down_ns == 0) return std::nullopt;
  return static_cast<double>(up_ns) / static_cast<double>(up_ns + down_ns);
}

std::optional<double> Availability::between_failures_s() const {
  if (failures == 0) return std::nullopt;
  return static_cast<double>(up_ns) / kSecond / static_cast<double>(failures);
}

std::optional<double> Availability::to_recover_s() const {
  if (recoveries == 0) return std::nullopt;
  return static_cast<double>(recovery_ns) / kSecond / static_cast<double>(recoveries);
}

void StatusHistory::add(std::int64_t time_ns, std::string_view status) {
  const std::uint8_t index = index_of(status);
  if (index == kNone) return;
  if (changes_.size() == kMax)
    changes_.erase(std::min_element(changes_.begin(), changes_.end(), [](auto& a, auto& b) { return a.time_ns < b.time_ns; }));
  changes_.push_back({time_ns, index});
}

Availability StatusHistory::within(std::int64_t from_ns, std::int64_t to_ns) const {
  std::vector<Change> changes = changes_;
  std::stable_sort(changes.begin(), changes.end(), [](auto& a, auto& b) { return a.time_ns < b.time_ns; });
  Availability all;
  std::uint8_t status = kNone;
  std::int64_t since = from_ns, offline_since = from_ns;
  const auto spend = [&](std::int64_t until) {
    if (status == kNone) return;
    const std::int64_t spent = std::max<std::int64_t>(0, std::min(until, to_ns) - std::max(since, from_ns));
    if (status == kOffline)
      all.down_ns += spent;
    else if (status == kMaintenance)
      all.maintenance_ns += spent;
    else
      all.up_ns += spent;
  };
  for (const Change& change : changes) {
    if (change.time_ns >= to_ns) break;
    spend(change.time_ns);
    const bool inside = change.time_ns >= from_ns;
    if (change.status == kOffline && status != kOffline) {
      offline_since = change.time_ns;
      all.failures += inside ? 1 : 0;
    } else if (status == kOffline && change.status != kOffline && change.status != kMaintenance && inside) {
      ++all.recoveries;
      all.recovery_ns += change.time_ns - offline_since;
    }
    status = change.status;
    since = change.time_ns;
  }
  spend(to_ns);
  if (status != kNone) all.status = schema::kStatuses[status];
  return all;
}

}  // namespace arbiter::aggregate

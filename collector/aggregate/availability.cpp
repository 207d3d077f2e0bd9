#include "collector/aggregate/availability.hpp"

#include <algorithm>
#include <iterator>

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
  if (changes_.size() == kMax) {  // an eighth at a time: who changes all the time costs no more for it
    std::stable_sort(changes_.begin(), changes_.end(), [](auto& a, auto& b) { return a.time_ns < b.time_ns; });
    changes_.erase(changes_.begin(), changes_.begin() + kMax / 8);
  }
  changes_.push_back({time_ns, index});
}

void StatusHistory::forget_before(std::int64_t time_ns) {
  const auto before = [time_ns](const Change& c) { return c.time_ns < time_ns; };
  if (std::count_if(changes_.begin(), changes_.end(), before) < 2) return;
  std::stable_sort(changes_.begin(), changes_.end(), [](auto& a, auto& b) { return a.time_ns < b.time_ns; });
  changes_.erase(changes_.begin(), std::prev(std::find_if_not(changes_.begin(), changes_.end(), before)));
}

void StatusHistory::pack(Packer& out) const {
  out.whole(changes_.size());
  for (const Change& c : changes_) out.whole(static_cast<std::uint64_t>(c.time_ns)), out.whole(c.status);
}

bool StatusHistory::unpack(Unpacker& in) {
  changes_.clear();
  for (std::uint64_t left = in.whole(); left > 0 && in.good(); --left) {
    const auto time_ns = static_cast<std::int64_t>(in.whole());
    const std::uint64_t status = in.whole();
    if (status >= kNone || changes_.size() == kMax) return false;
    changes_.push_back({time_ns, static_cast<std::uint8_t>(status)});
  }
  return in.good();
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

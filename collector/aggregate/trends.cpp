#include "collector/aggregate/trends.hpp"

#include <optional>

#include "collector/journal/totals.hpp"

namespace arbiter::aggregate {
namespace {

constexpr double kMsNs = 1e6;

constexpr std::array<int, kMeasures.size()> kFields = [] {
  std::array<int, kMeasures.size()> fields{};
  for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = schema::find_field(kMeasures[i].kind, kMeasures[i].path);
  return fields;
}();
static_assert([] {
  for (std::size_t i = 0; i < kMeasures.size(); ++i)
    if ((kFields[i] < 0) != kMeasures[i].path.empty()) return false;
  return true;
}());

std::optional<double> value_of(const event::Values& v, std::size_t measure) {
  if (kMeasures[measure].path.empty()) {
    const auto duration = journal::duration_ns(v);
    return duration ? std::optional(static_cast<double>(*duration) / kMsNs) : std::nullopt;
  }
  const auto f = static_cast<unsigned>(kFields[measure]);
  if (!v.has(f)) return std::nullopt;
  switch (schema::info(v.kind).fields[f].type) {
    case schema::Type::boolean: return v.flag(f) ? 1 : 0;
    case schema::Type::count: return static_cast<double>(v.count(f));
    default: return v.real(f);
  }
}

}  // namespace

void Trends::add(const event::Values& v, std::int64_t time_ns) {
  for (std::size_t i = 0; i < kMeasures.size(); ++i)
    if (kMeasures[i].kind == v.kind)
      if (const auto value = value_of(v, i)) series_[i].add(time_ns, *value);
}

}  // namespace arbiter::aggregate

#include "collector/snapshot/format.hpp"

#include <algorithm>
#include <array>

#include "collector/snapshot/chain.hpp"
#include "collector/snapshot/verify_decisions.hpp"
#include "collector/snapshot/verify_parquet.hpp"
#include "collector/snapshot/verify_rows.hpp"

namespace arbiter::snapshot {
namespace {

constexpr std::array<FormatInfo, 10> kFormats = {{
    {"events.jsonl.zst", Rows::events, false, make_lines, check_event_rows},
    {"events.jsonl", Rows::events, false, make_lines, check_event_rows},
    {"trajectories.jsonl.zst", Rows::trajectories, false, make_lines, check_trajectory_rows},
    {"trajectories.jsonl", Rows::trajectories, false, make_lines, check_trajectory_rows},
    {"decisions.dsjson.zst", Rows::decisions, false, make_decisions_dsjson, check_dsjson_rows},
    {"decisions.dsjson", Rows::decisions, false, make_decisions_dsjson, check_dsjson_rows},
    {"decisions.npy", Rows::decisions, true, make_decisions_npy, check_npy_rows},
    {"decisions.parquet", Rows::decisions, false, make_decisions_parquet, check_decisions_parquet},
    {"events.parquet", Rows::events, false, make_events_parquet, check_events_parquet},
    {kPlacesName, Rows::places, true, make_places, check_places},
}};

}  // namespace

std::span<const FormatInfo> formats() { return kFormats; }

const FormatInfo* find_format(std::string_view name) {
  for (const FormatInfo& format : kFormats)
    if (format.name == name) return &format;
  return nullptr;
}

Result<std::vector<const FormatInfo*>> choose_formats(std::span<const std::string> names) {
  std::string known;
  for (const FormatInfo& format : kFormats)
    if (format.rows != Rows::places) known += (known.empty() ? "" : ", ") + std::string(format.name);
  if (names.empty()) return Error{"no format given: write some of " + known};
  for (const std::string& name : names)
    if (const FormatInfo* format = find_format(name); format == nullptr || format->rows == Rows::places)
      return Error{"format " + name + ": there is none of this name: write some of " + known};
  std::vector<const FormatInfo*> chosen;
  for (const FormatInfo& format : kFormats)
    if (std::find(names.begin(), names.end(), format.name) != names.end()) chosen.push_back(&format);
  return chosen;
}

}  // namespace arbiter::snapshot

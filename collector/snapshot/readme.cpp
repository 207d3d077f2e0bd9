#include "collector/snapshot/readme.hpp"

#include <array>
#include <set>

#include "collector/snapshot/chain.hpp"
#include "collector/snapshot/writers.hpp"

namespace arbiter::snapshot {

namespace {

// The files of one format, for load_dataset.
struct Loaded {
  std::string format;
  std::array<std::string, 2> paths;  // of each side of the split, where it has rows; else the first is of all
  bool split = false;
};

// Where a format is in several files, all that begin like this one.
std::string path_of(const FileInfo& file) {
  if (!file.first_row) return file.name;
  const std::string one = data_file_name(file.format, file.side);
  const std::size_t dot = one.find('.');
  return one.substr(0, dot) + "-*" + one.substr(dot);
}

// The builder of load_dataset that reads a format.
std::string_view builder_of(const Loaded& its) { return its.format.ends_with(".parquet") ? "parquet" : "json"; }

std::string any_path(const Loaded& its) { return its.paths[its.paths[0].empty() ? 1 : 0]; }

// What load_dataset can read.
std::vector<Loaded> loaded_of(const std::vector<FileInfo>& files) {
  std::vector<Loaded> all;
  for (const FileInfo& file : files) {
    const std::string format(file.format_name());
    if (format == kPlacesName || format == kRetainedName) continue;  // for who applies increments
    if (!format.ends_with(".jsonl") && !format.ends_with(".jsonl.zst") && !format.ends_with(".parquet")) continue;
    if (all.empty() || all.back().format != format) all.push_back({format, {}, file.side.has_value()});
    Loaded& its = all.back();
    if (its.split && file.rows.value_or(0) == 0) continue;  // a file without a row has no columns to read
    its.paths[its.split ? static_cast<std::size_t>(*file.side) : 0] = path_of(file);
  }
  for (Loaded& its : all)
    if (its.paths[0].empty() && its.paths[1].empty()) its.paths[0] = data_file_name(its.format, Side::train);  // no row at all
  return all;
}

std::string data_files_of(const Loaded& its) {
  if (!its.split) return "  data_files: " + its.paths[0] + "\n";
  std::string out = "  data_files:\n";
  for (const Side side : kBothSides) {
    const std::string& path = its.paths[static_cast<std::size_t>(side)];
    if (!path.empty()) out.append("  - split: ").append(side_name(side)).append("\n    path: ").append(path).append("\n");
  }
  return out;
}

}  // namespace

std::string readme_text(const std::vector<FileInfo>& data_files, bool encrypted) {
  std::string configurations, examples;
  std::set<std::string> names;
  bool events = false, trajectories = false, dsjson = false, npy = false, tables = false, increment = false, split = false;
  for (const FileInfo& file : data_files) {
    const std::string_view name = file.format_name();
    events = events || name.starts_with("events.jsonl");
    trajectories = trajectories || name.starts_with("trajectories.jsonl");
    dsjson = dsjson || name.starts_with("decisions.dsjson");
    npy = npy || name == "decisions.npy";
    tables = tables || name.ends_with(".parquet");
    increment = increment || name == kRetainedName;
    split = split || file.side;
  }
  // load_dataset reads all configurations of a directory by one builder, that of the first: what needs another is not one of them. The same
  // rows twice are two configurations, of two names.
  const std::vector<Loaded> loaded = loaded_of(data_files);
  std::set<std::string_view> builders;
  for (const Loaded& its : loaded) {
    if (builders.insert(builder_of(its)).second)
      examples.append("rows = load_dataset(\"")
          .append(builder_of(its))
          .append("\", data_files=\"")
          .append(any_path(its))
          .append("\", split=\"train\")\n");
    if (builder_of(its) != builder_of(loaded.front())) continue;
    std::string configuration = its.format.substr(0, its.format.find('.'));
    if (names.contains(configuration)) configuration += "-plain";
    configurations += "- config_name: " + configuration + "\n";
    if (names.empty()) configurations += "  default: true\n";
    configurations += data_files_of(its);
    names.insert(configuration);
  }
  std::string out = "---\n" + (names.empty() ? std::string() : "configs:\n" + configurations);
  out += R"(---

# Recorded work of agents

A snapshot of what agents recorded with the Arbiter performance tracker.

)";
  if (increment)
    out +=
        R"(**This is an increment**: it has only the events that came, or changed, since another snapshot (`chain.follows` in `manifest.json`). To apply it:
remove the rows whose place (`places.jsonl.zst` of the snapshot they came with: for each run of rows, the frame they lie in) is in no line of
`retained.jsonl`; then put in these events by `id`. `arbiter_follow.py` does it.

)";
  if (events)
    out +=
        R"(- `events.jsonl`: one event a line, in order of time: `id` (unique; the same in every snapshot that holds the event), `type`, `timestamp`
  (milliseconds, UTC), `timestampNs` (nanoseconds, a decimal string), `agentId` and `taskId` where the event has them, `data`. Of two events
  with one `id` from different snapshots, that with the higher `revision` (none is 0) is the later state.
)";
  if (trajectories)
    out +=
        R"(- `trajectories.jsonl`: one task a line: `taskId`, `startTime`, `events` (as above, in order of time), `endTime`, `taskType`, `agentId`, `steps`,
  `reward` (null where nothing is known), `rewardSource` (what is in it), `rewardComponents`, `done`, `truncated`. Each event is a
  step with `reward` (0 but for the last), `is_first`, `is_last` and `is_terminal`; one that was cut off, by a time-out or because its end is not
  known, is truncated and has no terminal step. `manifest.json` has the formula of the
  reward: unless configured, the score of the latest evaluation, else 1 or 0 as the latest execution succeeded or failed.
)";
  if (dsjson)
    out +=
        R"(- `decisions.dsjson`: one routing decision a line, with what became of it, as Vowpal Wabbit reads it (`vw --dsjson --cb_explore_adf`): cost is
  -reward, `a` has the chosen action first. Decisions without a known propensity or reward are left out; `manifest.json` counts them.
)";
  if (npy)
    out +=
        R"(- `decisions.npy`: the same decisions, all of them, as a NumPy structured array: `np.load("decisions.npy", mmap_mode="r")["reward"]`. Texts are
  bytes; what is not known is NaN, NaT, an empty text and, of whole numbers and `success`, -1.
)";
  if (tables)
    out +=
        R"(- `events.parquet`, `decisions.parquet`: events, and all decisions with what became of them, as tables: times are nanoseconds in UTC, candidates
  are lists, `data` and `context` are JSON text.
)";
  if (split)
    out +=
        R"(- The rows of each format are in files of two sides, `-train` and `-validation`: `split` in `manifest.json` says by what.
)";
  out += R"(- `stats.json`: the tracker's statistics over all that it retained when the snapshot was made.
- `manifest.json`: what the snapshot covers, what was lost, whether ids are anonymised, and of each file its rows, bytes and SHA-256.

Files ending in `.zst` are compressed with zstd: `zstd -dc FILE`. Check the snapshot with `sha256sum -c SHA256SUMS`, or with all that
`arbiterctl verify DIRECTORY` checks.
)";
  if (encrypted)
    out += R"(
Files ending in `.enc` are encrypted: `arbiterctl decrypt DIRECTORY --key-file KEY --to OUT` makes what is described here of them.
)";
  if (names.empty()) return out;
  return out + "\n```python\nfrom datasets import load_dataset\n" + examples + "```\n";
}

}  // namespace arbiter::snapshot

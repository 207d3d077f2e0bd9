#include "collector/snapshot/readme.hpp"

#include <set>

#include "collector/snapshot/chain.hpp"

namespace arbiter::snapshot {

std::string readme_text(const std::vector<FileInfo>& data_files) {
  std::string configurations;
  std::string_view first;  // file that load_dataset reads
  std::set<std::string> names;
  bool events = false, trajectories = false, dsjson = false, npy = false, tables = false, increment = false;
  for (const FileInfo& file : data_files) {
    const std::string_view name = file.name;
    events = events || name.starts_with("events.jsonl");
    trajectories = trajectories || name.starts_with("trajectories.jsonl");
    dsjson = dsjson || name.starts_with("decisions.dsjson");
    npy = npy || name == "decisions.npy";
    tables = tables || name.ends_with(".parquet");
    increment = increment || name == kRetainedName;
    if (name == kPlacesName || name == kRetainedName) continue;  // for who applies increments
    // What load_dataset reads. The same rows twice are two configurations, of two names.
    if (!name.ends_with(".jsonl") && !name.ends_with(".jsonl.zst") && !name.ends_with(".parquet")) continue;
    std::string configuration(name.substr(0, name.find('.')));
    if (names.contains(configuration)) configuration += name.ends_with(".parquet") ? "-parquet" : "-plain";
    configurations += "- config_name: " + configuration + "\n";
    if (names.empty()) {
      configurations += "  default: true\n";
      first = name;
    }
    configurations += "  data_files: " + file.name + "\n";
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
  out += R"(- `stats.json`: the tracker's statistics over all that it retained when the snapshot was made.
- `manifest.json`: what the snapshot covers, what was lost, whether ids are anonymised, and of each file its rows, bytes and SHA-256.

Files ending in `.zst` are compressed with zstd: `zstd -dc FILE`. Check the snapshot with `sha256sum -c SHA256SUMS`, or with all that
`arbiterctl verify DIRECTORY` checks.
)";
  if (names.empty()) return out;
  out += "\n```python\nfrom datasets import load_dataset\nrows = load_dataset(\"";
  out += first.ends_with(".parquet") ? "parquet" : "json";
  out.append("\", data_files=\"").append(first).append("\", split=\"train\")\n```\n");
  return out;
}

}  // namespace arbiter::snapshot

#include "collector/config/table.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>

#include "collector/config/formats.hpp"
#include "collector/config/nearest.hpp"

namespace arbiter::config {
namespace {

constexpr std::array<std::string_view, 3> kFreeText = {"keep", "hash", "drop"};
constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> kDetectors = {"sequential", "threshold"};
constexpr std::array<std::string_view, 4> kLogFormats = {"auto", "text", "json", "journald"};
constexpr std::array<std::string_view, 2> kSync = {"never", "always"};
constexpr std::uint64_t kMs = 1'000'000, kHour = 3'600'000'000'000, kDay = 24 * kHour;
constexpr std::uint64_t kWeightMax = 1000;
constexpr std::uint64_t kMiB = 1ULL << 20, kGiB = 1ULL << 30, kTiB = 1ULL << 40;

// --- between a field of Config and a Value

Value read(const Key&, bool field) { return field; }
Value read(const Key&, std::uint64_t field) { return field; }
Value read(const Key&, const std::optional<std::uint64_t>& field) {
  if (!field) return nullptr;
  return *field;
}
Value read(const Key&, const std::optional<Duration>& field) {
  if (!field) return nullptr;
  return static_cast<std::uint64_t>(field->count());
}
Value read(const Key&, Duration field) { return static_cast<std::uint64_t>(field.count()); }
Value read(const Key&, const std::string& field) {
  if (field.empty()) return nullptr;
  return field;
}
Value read(const Key&, const std::vector<std::string>& field) { return field; }
template <class Enum, class = std::enable_if_t<std::is_enum_v<Enum>>>
Value read(const Key& key, Enum field) {
  return std::string(key.choices[static_cast<std::size_t>(field)]);
}

void write(const Key&, bool& field, const Value& v) { field = std::get<bool>(v); }
void write(const Key&, std::uint64_t& field, const Value& v) { field = std::get<std::uint64_t>(v); }
void write(const Key&, std::optional<std::uint64_t>& field, const Value& v) {
  const auto* number = std::get_if<std::uint64_t>(&v);
  field = number ? std::optional(*number) : std::nullopt;
}
void write(const Key&, std::optional<Duration>& field, const Value& v) {
  const auto* number = std::get_if<std::uint64_t>(&v);
  field = number ? std::optional(Duration(static_cast<std::int64_t>(*number))) : std::nullopt;
}
void write(const Key&, Duration& field, const Value& v) { field = Duration(static_cast<std::int64_t>(std::get<std::uint64_t>(v))); }
void write(const Key&, std::string& field, const Value& v) {
  const auto* text = std::get_if<std::string>(&v);
  field = text ? *text : std::string();
}
void write(const Key&, std::vector<std::string>& field, const Value& v) { field = std::get<std::vector<std::string>>(v); }
template <class Enum, class = std::enable_if_t<std::is_enum_v<Enum>>>
void write(const Key& key, Enum& field, const Value& v) {
  const auto at = std::find(key.choices.begin(), key.choices.end(), std::get<std::string>(v));
  field = static_cast<Enum>(at - key.choices.begin());
}

// `Field` is a captureless lambda from Config to the field: its type alone says which.
template <class Field>
Key bound(Key key, Field) {
  key.get = [](const Key& k, const Config& c) { return read(k, Field{}(c)); };
  key.set = [](const Key& k, Config& c, const Value& v) { write(k, Field{}(c), v); };
  return key;
}

constexpr bool kLive = true, kRestart = false, kNull = true, kNoNull = false;
#define ARBITER_FIELD(member) \
  [](auto& c) -> auto& { return c.member; }

Key whole(std::string_view path, std::uint64_t least, std::uint64_t most, std::string_view help) {
  return {path, KeyType::count, kNoNull, kLive, least, most, {}, help};
}
Key weight(std::string_view path, std::string_view help) { return whole(path, 0, kWeightMax, help); }

// A number of snapshots or of what makes one.
Key exports(std::string_view path, std::uint64_t most, std::string_view help, std::string_view null_means) {
  return {path, KeyType::count, kNull, kLive, 1, most, {}, help, null_means};
}

Key age(std::string_view path, std::string_view help, std::string_view null_means) {
  return {path, KeyType::duration, kNull, kLive, 1000 * kMs, 36'500 * kDay, {}, help, null_means};
}

// path, type, null allowed, may change while running, least, most, choices, help, what null means.
const std::vector<Key>& table() {
  static const std::vector<Key> rows = {
      bound({"enabled",
             KeyType::boolean,
             kNoNull,
             kLive,
             0,
             0,
             {},
             "Whether agents record at all; false reaches every producer within a second and costs it nothing from then on."},
            ARBITER_FIELD(enabled)),
      bound({"ring_dir",
             KeyType::path,
             kNull,
             kRestart,
             0,
             0,
             {},
             "Where producers put their shared-memory segments: a directory on tmpfs.",
             "/run/arbiter/lanes for the service; $XDG_RUNTIME_DIR/arbiter/lanes, else /dev/shm/arbiter-<uid>/lanes, for an ordinary user"},
            ARBITER_FIELD(ring_dir)),
      bound({"state_dir",
             KeyType::path,
             kNull,
             kRestart,
             0,
             0,
             {},
             "Where the journal, its checkpoints and the anonymisation key lie.",
             "/var/lib/arbiter for the service; $XDG_STATE_HOME/arbiter, else ~/.local/state/arbiter, for an ordinary user"},
            ARBITER_FIELD(state_dir)),
      bound(
          {"export_dir", KeyType::path, kNull, kRestart, 0, 0, {}, "Where snapshots for training jobs are put.", "exports under state_dir"},
          ARBITER_FIELD(export_dir)),
      bound({"socket",
             KeyType::path,
             kNull,
             kRestart,
             0,
             0,
             {},
             "The control socket, which arbiterctl and curl --unix-socket talk to.",
             "/run/arbiter/control.sock for the service; arbiter/control.sock beside the lanes for an ordinary user"},
            ARBITER_FIELD(socket)),
      bound({"listen",
             KeyType::address,
             kNull,
             kRestart,
             0,
             0,
             {},
             "Where reading is answered over TCP as well, for Prometheus; every user of this machine can read there, nobody can change "
             "anything; port 0 takes a free one, and the log names it.",
             "only on the control socket"},
            ARBITER_FIELD(listen)),

      bound({"windows",
             KeyType::windows,
             kNoNull,
             kRestart,
             0,
             0,
             {},
             "The windows of the agents' figures, each its length and by how much it slides: a whole part of the length, and a multiple of "
             "the shortest slide. Changed ones are counted anew from what the journal holds; without any, no figures of agents are kept."},
            ARBITER_FIELD(windows)),

      bound({"retention.max_age",
             KeyType::duration,
             kNull,
             kLive,
             kMs,
             36'500 * kDay,
             {},
             "Events older than this leave the statistics, the exports and, segment by segment, the disk.",
             "no limit of age"},
            ARBITER_FIELD(retention.max_age)),
      bound({"retention.max_events",
             KeyType::count,
             kNull,
             kLive,
             1,
             1'000'000'000'000,
             {},
             "Only the newest so many events are retained.",
             "no limit of number"},
            ARBITER_FIELD(retention.max_events)),
      bound({"retention.max_bytes",
             KeyType::size,
             kNull,
             kLive,
             2 * kMiB,
             1024 * kTiB,
             {},
             "The journal's disk use, kept by whole segments: at least twice journal.segment_bytes.",
             "no limit of size"},
            ARBITER_FIELD(retention.max_bytes)),

      bound({"journal.segment_bytes",
             KeyType::size,
             kNoNull,
             kRestart,
             kMiB,
             kGiB,
             {},
             "Preallocated size of one journal segment, the unit in which disk space comes back."},
            ARBITER_FIELD(journal.segment_bytes)),
      bound({"journal.sync", KeyType::sync, kNoNull, kLive, kMs, kHour, kSync,
             "How often what is journalled is forced to stable storage, against a power cut: never, at this interval, or always (every "
             "frame)."},
            ARBITER_FIELD(journal.sync)),

      bound({"anonymization.enabled",
             KeyType::boolean,
             kNoNull,
             kRestart,
             0,
             0,
             {},
             "Whether ids are replaced by keyed hashes before anything reaches the disk."},
            ARBITER_FIELD(anonymization.enabled)),
      bound({"anonymization.key_file",
             KeyType::path,
             kNull,
             kRestart,
             0,
             0,
             {},
             "The key of those hashes, made with mode 0600 on the first start; who loses it cannot ask for raw ids any more.",
             "the credential anonymization.key, if one is passed, else anonymization.key under state_dir"},
            ARBITER_FIELD(anonymization.key_file)),
      bound({"anonymization.preserve_agent_ids",
             KeyType::boolean,
             kNoNull,
             kRestart,
             0,
             0,
             {},
             "Whether the ids of agents are kept as they are while the others are hashed."},
            ARBITER_FIELD(anonymization.preserve_agent_ids)),
      bound({"anonymization.preserve_task_types",
             KeyType::boolean,
             kNoNull,
             kRestart,
             0,
             0,
             {},
             "Whether the words for kinds of tasks are kept as they are."},
            ARBITER_FIELD(anonymization.preserve_task_types)),
      bound({"anonymization.free_text", KeyType::choice, kNoNull, kRestart, 0, 0, kFreeText,
             "What becomes of free text (rationale, reason, feedback, message) while anonymising."},
            ARBITER_FIELD(anonymization.free_text)),

      bound({"encryption.key_file",
             KeyType::path,
             kNull,
             kRestart,
             0,
             0,
             {},
             "The key under which journal and snapshots are encrypted on disk, made by arbiterctl keygen; who loses it loses what is "
             "encrypted.",
             "the credential encryption.key, if one is passed, else no encryption"},
            ARBITER_FIELD(encryption.key_file)),
      bound({"encryption.former_key_file",
             KeyType::path,
             kNull,
             kRestart,
             0,
             0,
             {},
             "The key before that, as long as there is something in the state directory that was encrypted under it.",
             "none"},
            ARBITER_FIELD(encryption.former_key_file)),

      bound({"export.interval",
             KeyType::duration,
             kNull,
             kLive,
             1000 * kMs,
             366 * kDay,
             {},
             "How often a snapshot is exported by itself.",
             "only when asked to"},
            ARBITER_FIELD(export_.interval)),
      bound(exports("export.after_completions", 1'000'000'000,
                    "A snapshot is also exported once so many tasks have been completed since the one before; looked at every second.",
                    "not for that"),
            ARBITER_FIELD(export_.after_completions)),
      bound({"export.formats", KeyType::choices, kNoNull, kLive, 0, 0, kFormats,
             "The files of a snapshot; jsonl is short for events.jsonl.zst, trajectories for trajectories.jsonl.zst, dsjson for "
             "decisions.dsjson.zst, npy for decisions.npy, parquet for decisions.parquet and events.parquet."},
            ARBITER_FIELD(export_.formats)),
      bound(exports("export.increments", 1'000'000,
                    "So many snapshots after each full one hold only the events that came or changed since the one before.",
                    "every one is full"),
            ARBITER_FIELD(export_.increments)),
      bound(exports("export.keep", 1'000'000, "How many snapshots are kept, and those they are increments to; older ones are removed.",
                    "all"),
            ARBITER_FIELD(export_.keep)),
      bound(age("export.max_age", "Snapshots published longer ago than this are removed at the next export; the newest stays.",
                "no limit of age"),
            ARBITER_FIELD(export_.max_age)),
      bound(exports("export.validation_percent", 99,
                    "Of a hundred tasks so many are held out, each with all its events, in files of their own (events-validation.jsonl.zst "
                    "beside events-train.jsonl.zst), chosen by a hash of the task id.",
                    "not split by task"),
            ARBITER_FIELD(export_.validation_percent)),
      bound(whole("export.split_seed", 0, 1'000'000'000, "The key of that hash: another one holds out others."),
            ARBITER_FIELD(export_.split_seed)),
      bound(age("export.validation_age", "What is newer than this before the newest event is held out instead, by time and not by task.",
                "not split by time"),
            ARBITER_FIELD(export_.validation_age)),
      bound({"export.file_bytes", KeyType::size, kNull, kLive, kMiB, 1024 * kTiB, {}, "The size at which a data file ends.", "one file"},
            ARBITER_FIELD(export_.file_bytes)),

      bound(
          weight(
              "reward.success",
              "What success (1) or failure (0) weighs in the reward; while no weight is above 0 the reward is the evaluation's score, else "
              "success."),
          ARBITER_FIELD(reward.success)),
      bound(weight("reward.quality", "What the quality score weighs in the reward."), ARBITER_FIELD(reward.quality)),
      bound(weight("reward.efficiency", "What the efficiency score weighs in the reward."), ARBITER_FIELD(reward.efficiency)),
      bound(weight("reward.evaluation", "What the evaluation's score, divided by reward.evaluation_scale, weighs in the reward."),
            ARBITER_FIELD(reward.evaluation)),
      bound(weight("reward.compliance", "What the compliance score, else valid (1) or not (0), weighs in the reward."),
            ARBITER_FIELD(reward.compliance)),
      bound(weight("reward.latency", "What speed, latency_scale / (latency_scale + duration), weighs in the reward."),
            ARBITER_FIELD(reward.latency)),
      bound(weight("reward.tokens", "What thrift, tokens_scale / (tokens_scale + tokens consumed), weighs in the reward."),
            ARBITER_FIELD(reward.tokens)),
      bound(whole("reward.evaluation_scale", 1, 1'000'000'000, "The evaluation's score that counts as 1."),
            ARBITER_FIELD(reward.evaluation_scale)),
      bound(
          {"reward.latency_scale", KeyType::duration, kNoNull, kLive, kMs, 366 * kDay, {}, "The duration at which speed counts as a half."},
          ARBITER_FIELD(reward.latency_scale)),
      bound(whole("reward.tokens_scale", 1, 1'000'000'000'000, "The number of tokens at which thrift counts as a half."),
            ARBITER_FIELD(reward.tokens_scale)),

      bound({"limits.max_agents",
             KeyType::count,
             kNoNull,
             kRestart,
             1,
             10'000'000,
             {},
             "How many agents are told apart; the rest is counted under one name."},
            ARBITER_FIELD(limits.max_agents)),
      bound({"limits.max_open_executions",
             KeyType::count,
             kNoNull,
             kRestart,
             1,
             100'000'000,
             {},
             "How many started tasks may wait for their completion (and completions for their start) before the oldest is let go."},
            ARBITER_FIELD(limits.max_open_executions)),
      bound({"limits.max_producers",
             KeyType::count,
             kNoNull,
             kRestart,
             1,
             1'000'000,
             {},
             "How many producer segments are drained at once; further ones wait for their turn."},
            ARBITER_FIELD(limits.max_producers)),

      bound({"anomalies.enabled",
             KeyType::boolean,
             kNoNull,
             kLive,
             0,
             0,
             {},
             "Whether agents that get worse, go offline or overuse their budgets, and losses, are told of. A collector that starts with "
             "neither this nor windows follows nothing; then switching it on takes a restart."},
            ARBITER_FIELD(anomalies.enabled)),
      bound({"anomalies.detector", KeyType::choice, kNoNull, kRestart, 0, 0, kDetectors,
             "What takes a change for one: sequential, with a bound on false alarms; or threshold, of the last 5 minutes against the 24 "
             "hours before."},
            ARBITER_FIELD(anomalies.detector)),
      bound(whole("anomalies.false_alarms_per_month", 1, 1000,
                  "Of the sequential detector: how many false alarms there may be in 30 days, on average, over all agents and measures."),
            ARBITER_FIELD(anomalies.false_alarms_per_month)),
      bound(
          {"anomalies.hook",
           KeyType::path,
           kNull,
           kLive,
           0,
           0,
           {},
           "A program that is run for each anomaly, when it is found and when it is over, with the anomaly as JSON on its standard input.",
           "none"},
          ARBITER_FIELD(anomalies.hook)),
      bound({"anomalies.hook_timeout",
             KeyType::duration,
             kNoNull,
             kLive,
             100 * kMs,
             kHour,
             {},
             "How long it may run; then it is killed. One runs at a time."},
            ARBITER_FIELD(anomalies.hook_timeout)),
      bound({"anomalies.alertmanager",
             KeyType::alertmanager,
             kNull,
             kLive,
             0,
             0,
             {},
             "An Alertmanager that is told (API v2), on loopback or a Unix socket.",
             "none"},
            ARBITER_FIELD(anomalies.alertmanager)),
      bound(whole("anomalies.latency_percent", 101, 100'000,
                  "Of the threshold detector: a p95 of latency above so much of the baseline's is a latency_spike."),
            ARBITER_FIELD(anomalies.latency_percent)),
      bound({"anomalies.latency_critical",
             KeyType::duration,
             kNoNull,
             kLive,
             kMs,
             24 * kHour,
             {},
             "A latency_spike with a p95 above this is critical."},
            ARBITER_FIELD(anomalies.latency_critical)),
      bound(
          whole("anomalies.accuracy_points", 1, 100,
                "Of the threshold detector: evaluations passed so many points less often are an accuracy_drop; 5 more and it is critical."),
          ARBITER_FIELD(anomalies.accuracy_points)),
      bound(whole("anomalies.error_points", 1, 100,
                  "Of the threshold detector: executions that fail so many points more often are an error_rate_increase; twice that is "
                  "critical."),
            ARBITER_FIELD(anomalies.error_points)),
      bound(whole("anomalies.compliance_points", 1, 100,
                  "Of the threshold detector: validations passed so many points less often are a compliance_drop; twice that is critical."),
            ARBITER_FIELD(anomalies.compliance_points)),

      bound({"log.level", KeyType::choice, kNoNull, kLive, 0, 0, kLevels, "The least serious message that is written to stderr."},
            ARBITER_FIELD(log.level)),
      bound(
          {"log.format", KeyType::choice, kNoNull, kLive, 0, 0, kLogFormats,
           "How messages are written: for people, as one JSON object a line, or for journald, with fields where stderr is the journal and "
           "with its priorities else; auto is journald where stderr is the journal, and text elsewhere."},
          ARBITER_FIELD(log.format)),
  };
  return rows;
}
#undef ARBITER_FIELD

}  // namespace

std::span<const Key> keys() { return table(); }

const Key* find_key(std::string_view path) {
  for (const Key& key : keys())
    if (key.path == path) return &key;
  return nullptr;
}

bool is_group(std::string_view path) {
  return !path.empty() && std::any_of(keys().begin(), keys().end(), [path](const Key& key) { return key.group() == path; });
}

std::string_view nearest_key(std::string_view path) {
  std::vector<std::string_view> candidates;
  for (const Key& key : keys()) {
    candidates.push_back(key.path);
    if (path.find('.') == path.npos && !key.group().empty() &&
        std::find(candidates.begin(), candidates.end(), key.group()) == candidates.end())
      candidates.push_back(key.group());
  }
  return nearest(path, candidates);
}

}  // namespace arbiter::config

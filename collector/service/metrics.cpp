#include "collector/service/metrics.hpp"

#include <array>
#include <string_view>

#include "collector/service/exposition.hpp"
#include "collector/service/own_use.hpp"
#include "collector/service/report.hpp"

namespace arbiter::service {
namespace {

constexpr double kNanosecond = 1e-9;

constexpr std::array<std::string_view, abi::kDropReasons> kDrops = {"lane_full", "reentrant", "no_lane"};
constexpr std::array<std::string_view, abi::kRefusalReasons> kRefusals = {"missing",         "too_long",       "not_utf8", "not_finite",
                                                                          "out_of_range",    "not_a_choice",   "bad_json", "json_too_deep",
                                                                          "event_too_large", "too_many_items", "not_hex"};

double unix_seconds(std::int64_t ns) { return static_cast<double>(ns) * kNanosecond; }

void build(Exposition& out) {
  out.family("arbiter_build_info", "gauge", "Always 1; the labels say which collector this is.");
  out.sample(1, {{"version", ARBITER_VERSION}, {"abi", std::to_string(abi::kMajor) + "." + std::to_string(abi::kMinor)}});
}

void events(Exposition& out, const journal::Statistics& s) {
  out.family("arbiter_events_recorded_total", "counter", "Events journalled since the store was created, by type.");
  for (const schema::KindInfo& kind : schema::kKindTable)
    out.sample(s.lifetime.totals.of(kind.kind), {{"type", kind.kind == Kind::generic ? "generic" : kind.type}});
  out.counter("arbiter_task_executions_succeeded_total", "Task executions that succeeded, since the store was created.",
              s.lifetime.totals.successes);
  out.counter("arbiter_task_duration_seconds_total", "Sum of the durations of the executions whose start is known.",
              static_cast<double>(s.lifetime.totals.duration_ns) * kNanosecond);
  out.counter("arbiter_task_executions_joined_total", "Task executions whose start is known.", s.lifetime.totals.joined);
}

void losses(Exposition& out, const Losses& lost) {
  out.counter("arbiter_events_attempted_total", "Record calls made while recording was on, since the store was created.", lost.attempted);
  out.family("arbiter_events_dropped_total", "counter", "Events that found no room or no lane, by reason.");
  for (std::size_t i = 0; i < kDrops.size(); ++i) out.sample(lost.dropped_by[i], {{"reason", kDrops[i]}});
  out.family("arbiter_events_refused_total", "counter", "Events refused at the call because a value is not allowed, by reason.");
  for (std::size_t i = 0; i < kRefusals.size(); ++i) out.sample(lost.refused_by[i], {{"reason", kRefusals[i]}});
  out.counter("arbiter_events_quarantined_total", "Events set aside by the collector because a value is not allowed.", lost.quarantined);
  out.counter("arbiter_events_rewound_total", "Events that were taken by a later state than this one.", lost.rewound);
  out.counter("arbiter_events_in_flight_at_kill_total", "Record calls that the end of their process cut off.", lost.in_flight);
}

void lanes(Exposition& out, const Engine& engine) {
  std::size_t lanes = 0, quarantined = 0, over_half = 0;
  std::uint64_t unread = 0, backed = 0;
  double fullest = 0;
  for (const ingest::Source& source : engine.lanes().sources())
    for (const ingest::Lane& lane : source.lanes) {
      ++lanes;
      quarantined += lane.quarantined ? 1 : 0;
      const std::uint64_t records = lane.reader.backed_records();
      if (records == 0 || lane.quarantined) continue;
      const std::uint64_t waiting = lane.reader.unread_records(lane.cursor.position);
      const double fill = static_cast<double>(waiting) / static_cast<double>(records);
      unread += waiting, backed += records;
      over_half += fill > 0.5 ? 1 : 0;
      fullest = std::max(fullest, fill);
    }
  out.gauge("arbiter_segments", "Segments attached: one or more for each producer process.", engine.lanes().sources().size());
  out.gauge("arbiter_segments_max", "Segments that may be attached at once: limits.max_producers.", engine.config().limits.max_producers);
  out.gauge("arbiter_lanes", "Lanes in use: one for each recording thread.", lanes);
  out.gauge("arbiter_lanes_over_half_full", "Lanes more than half of whose memory waits to be read.", over_half);
  out.gauge("arbiter_lane_fill_ratio_max", "Unread share of the fullest lane's memory.", fullest);
  out.gauge("arbiter_lanes_unread_bytes", "What waits to be read, in all lanes.", unread * abi::kRecordBytes);
  out.gauge("arbiter_lanes_backed_bytes", "Memory of the lanes in use.", backed * abi::kRecordBytes);
  out.gauge("arbiter_lanes_unreadable", "Lanes in use that are read no further.", quarantined);
  out.counter("arbiter_lanes_quarantined_total", "Lanes that were read no further, since start.",
              engine.drain().counts().quarantined_lanes);
  out.counter("arbiter_lanes_impossible_account_total", "Lanes whose figures were not believed, since start.",
              engine.drain().counts().impossible_accounts);
  out.counter("arbiter_files_left_alone_total", "Files of the lanes directory that are no segments, since start.",
              engine.lanes().refused_files());
}

void drain(Exposition& out, const Engine& engine) {
  const Drain::Meters& meters = engine.drain().meters();
  out.gauge("arbiter_recording_enabled", "0 while paused or switched off.", engine.disabled() ? 0 : 1);
  out.histogram("arbiter_drain_batch_events", "Events taken from a lane at a time.", meters.batch_events);
  out.histogram("arbiter_drain_pass_seconds", "Time of a turn over all lanes that took something, to the acknowledgement.", meters.pass_ns,
                kNanosecond);
  out.histogram("arbiter_event_lag_seconds", "From recording to acknowledgement, of every event; those of a batch count as its oldest.",
                meters.lag_ns, kNanosecond);
  out.counter("arbiter_events_oversize_total", "Events that anonymising would have made larger than an event may be, since start.",
              engine.drain().counts().oversize);
  out.counter("arbiter_clock_steps_total", "Steps of the wall clock by over a second, since start.", engine.timeline().steps());
  out.counter("arbiter_stamps_clamped_total", "Events stamped over a minute ahead, and taken as now, since start.",
              engine.timeline().clamped());
}

void join(Exposition& out, const Engine& engine) {
  const join::Counts& counts = engine.join().counts();
  out.gauge("arbiter_open_executions", "Task starts whose completion has not come.", engine.join().open());
  out.gauge("arbiter_open_executions_max", "How many may be open: limits.max_open_executions.", engine.config().limits.max_open_executions);
  out.gauge("arbiter_waiting_completions", "Completions whose start has not come.", engine.join().waiting());
  out.counter("arbiter_executions_censored_total", "Task starts let go without a completion, since start.", counts.censored);
}

void journal(Exposition& out, const Engine& engine, const journal::Statistics& s, const journal::Timings& timings) {
  out.gauge("arbiter_journal_writable", "0 while the journal cannot be written.", engine.drain().blocked_by().empty() ? 1 : 0);
  out.gauge("arbiter_journal_rotatable", "0 while no further segment can be made.", s.cannot_rotate ? 0 : 1);
  out.gauge("arbiter_journal_bytes", "Disk use of the journal.", s.disk_bytes);
  out.family("arbiter_journal_segments", "gauge", "Segments of the journal, by state.");
  out.sample(s.sealed, {{"state", "sealed"}});
  out.sample(s.segments - s.sealed, {{"state", "unsealed"}});
  out.counter("arbiter_journal_frames_total", "Frames written since the store was created.", s.frames);
  out.counter("arbiter_journal_written_bytes_total", "Bytes of frames written, since start.", timings.written_bytes);
  out.histogram("arbiter_journal_write_seconds", "Time to write a frame.", timings.write_ns, kNanosecond);
  out.histogram("arbiter_journal_sync_seconds", "Time of fdatasync, which the drain does not wait for.", timings.sync_ns, kNanosecond);
  out.counter("arbiter_journal_write_failures_total", "Times that the journal began to be unwritable.", s.write_failures);
  out.counter("arbiter_journal_sync_failures_total", "Failed fdatasync calls.", s.sync_failures);
  out.counter("arbiter_journal_damaged_blocks_total", "Blocks left out because their checksum is wrong.", s.damaged_blocks);
  out.counter("arbiter_journal_broken_links_total", "Sealed segments that do not fit the chain of links.", s.broken_links);
}

void retention(Exposition& out, const Engine& engine, const journal::Statistics& s) {
  out.gauge("arbiter_events_retained", "Events inside the retention window.", s.retained.events());
  out.counter("arbiter_events_retained_out_total", "Events that retention has removed, since the store was created.",
              s.lifetime.retained_out);
  out.counter("arbiter_events_cleared_total", "Events cleared by request, since the store was created.", s.lifetime.cleared);
  const auto& limits = engine.config().retention;
  if (limits.max_age)
    out.gauge("arbiter_retention_max_age_seconds", "Limit of age; not there: none.",
              static_cast<double>(limits.max_age->count()) * kNanosecond);
  if (limits.max_events) out.gauge("arbiter_retention_max_events", "Limit of number; not there: none.", *limits.max_events);
  if (limits.max_bytes) out.gauge("arbiter_retention_max_bytes", "Limit of the journal's disk use; not there: none.", *limits.max_bytes);
}

void own(Exposition& out) {
  const auto use = own_use();
  if (!use) return;
  out.family("arbiter_memory_bytes", "gauge", "Resident memory: its own (anonymous), mapped files, shared (the lanes).");
  out.sample(use->anonymous_bytes, {{"kind", "anonymous"}});
  out.sample(use->file_bytes, {{"kind", "file"}});
  out.sample(use->shared_bytes, {{"kind", "shared"}});
  out.gauge("process_resident_memory_bytes", "Resident memory of all kinds.", use->anonymous_bytes + use->file_bytes + use->shared_bytes);
  out.gauge("process_virtual_memory_bytes", "Address space; lanes are mapped at their full size.", use->virtual_bytes);
  out.counter("process_cpu_seconds_total", "Processor time, user and system.", use->cpu_seconds);
  out.gauge("process_start_time_seconds", "Start of the process, Unix time.", use->started_unix_seconds);
  out.gauge("process_open_fds", "Open file descriptors.", use->open_files);
  out.gauge("process_max_fds", "Limit of open file descriptors.", use->open_files_max);
}

}  // namespace

std::string metrics_text(Engine& engine) {
  const journal::Statistics s = engine.journal().statistics();
  Exposition out;
  build(out);
  events(out, s);
  losses(out, service::losses(engine.journal()));
  lanes(out, engine);
  drain(out, engine);
  join(out, engine);
  journal(out, engine, s, engine.journal().timings());
  retention(out, engine, s);
  return out.take();
}

std::string metrics_text(const ExportFigures& exports, const ConfigurationFigures& configuration) {
  Exposition out;
  out.family("arbiter_exports_total", "counter", "Exports since start, by outcome.");
  out.sample(exports.published, {{"outcome", "published"}});
  out.sample(exports.failed, {{"outcome", "failed"}});
  out.gauge("arbiter_export_last_failed", "1 while the last export failed.", exports.last_failed ? 1 : 0);
  out.histogram("arbiter_export_duration_seconds", "Time that an export took.", exports.duration_ns, kNanosecond);
  if (exports.newest_unix_ns != 0) {
    out.gauge("arbiter_export_newest_timestamp_seconds", "When the newest snapshot was published, Unix time; not there: none was.",
              unix_seconds(exports.newest_unix_ns));
    out.gauge("arbiter_export_newest_events", "Events in the newest snapshot that this run published.", exports.newest_events);
    out.gauge("arbiter_export_newest_bytes", "Bytes of the newest snapshot that this run published.", exports.newest_bytes);
  }
  out.gauge("arbiter_config_last_reload_successful",
            "0 while the configuration file was refused when it was last read: an older one is in force.",
            configuration.last_taken ? 1 : 0);
  out.gauge("arbiter_config_last_reload_success_timestamp_seconds", "When a configuration was last taken over, Unix time.",
            unix_seconds(configuration.taken_unix_ns));
  out.gauge("arbiter_config_keys_waiting_for_restart", "Keys whose value takes a restart to be in force.",
            configuration.waiting_for_restart);
  own(out);
  return out.take();
}

std::string metrics_text(const Anomalies::Figures& anomalies) {
  Exposition out;
  const auto by_type = [&out](const std::vector<std::uint64_t>& figures) {
    for (std::size_t i = 0; i < figures.size(); ++i) out.sample(figures[i], {{"type", detect::kTypes[i]}});
  };
  out.family("arbiter_anomalies_total", "counter", "Anomalies found since start, by type.");
  by_type(anomalies.found);
  out.family("arbiter_anomalies_open", "gauge", "Anomalies that are open, by type.");
  by_type(anomalies.open);
  out.gauge("arbiter_anomaly_charts", "Measures of agents and of their types of task that are watched.", anomalies.charts);
  out.gauge("arbiter_anomaly_charts_abstaining", "Of those, what changes by itself too much to be told of.", anomalies.abstaining);
  out.family("arbiter_alerts_total", "counter", "Times that a hook or an Alertmanager was told of anomalies, by outcome.");
  out.sample(anomalies.alerts.told, {{"outcome", "told"}});
  out.sample(anomalies.alerts.failed, {{"outcome", "failed"}});
  out.sample(anomalies.alerts.dropped, {{"outcome", "dropped"}});
  return out.take();
}

std::string metrics_text(const aggregate::Follower::Counts& followed, std::uint64_t committed_frame) {
  Exposition out;
  out.gauge("arbiter_figures_frames_behind", "Frames of the journal that are not in the figures of agents yet.",
            committed_frame > followed.frame ? committed_frame - followed.frame : 0);
  out.counter("arbiter_figures_frames_missing_total", "Frames that were gone or damaged when they were to be counted.",
              followed.missing_frames);
  out.gauge("arbiter_agents", "Agents that figures are kept of.", followed.agents);
  out.gauge("arbiter_agent_task_types", "Agents and types of task that figures are kept of.", followed.series);
  out.counter("arbiter_agents_over_limit_events_total", "Events of agents beyond limits.max_agents.", followed.overflowed);
  return out.take();
}

}  // namespace arbiter::service

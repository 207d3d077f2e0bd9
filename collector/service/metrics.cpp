#include "collector/service/metrics.hpp"

#include <charconv>
#include <string_view>

#include "collector/service/report.hpp"

namespace arbiter::service {
namespace {

class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  }
  template <class Number>
  void sample(Number value, std::string_view label = {}, std::string_view label_value = {}) {
    out_ += name_;
    if (!label.empty()) {
      out_.append("{").append(label).append("=\"");
      for (const char c : label_value) {
        if (c == '\\' || c == '"') out_ += '\\';
        if (c == '\n')
          out_ += "\\n";
        else
          out_ += c;
      }
      out_ += "\"}";
    }
    char number[32];
    const auto end = std::to_chars(number, number + sizeof number, value).ptr;
    out_.append(" ").append(number, end).append("\n");
  }
  template <class Number>
  void single(std::string_view name, std::string_view type, std::string_view help, Number value) {
    family(name, type, help);
    sample(value);
  }
  std::string text() { return std::move(out_); }

 private:
  std::string out_;
  std::string_view name_;
};

}  // namespace

std::string metrics_text(Engine& engine) {
  const journal::Statistics s = engine.journal().statistics();
  const Losses lost = losses(engine.journal());
  Exposition out;
  out.family("arbiter_build_info", "gauge", "Version of the collector.");
  out.sample(1, "version", ARBITER_VERSION);
  out.family("arbiter_events_recorded_total", "counter", "Events journalled since the store was created, by type.");
  for (const schema::KindInfo& kind : schema::kKindTable)
    out.sample(s.lifetime.totals.of(kind.kind), "type", kind.kind == Kind::generic ? "generic" : kind.type);
  out.single("arbiter_events_retained", "gauge", "Events inside the retention window.", s.retained.events());
  out.single("arbiter_attempts_total", "counter", "Record calls made while recording was on.", lost.attempted);
  out.family("arbiter_events_dropped_total", "counter", "Events that found no room or no lane, by reason.");
  constexpr std::array<std::string_view, abi::kDropReasons> drops = {"lane_full", "reentrant", "no_lane"};
  for (std::size_t i = 0; i < drops.size(); ++i) out.sample(lost.dropped_by[i], "reason", drops[i]);
  out.single("arbiter_events_refused_total", "counter", "Events refused at the call: invalid values.", lost.refused());
  out.single("arbiter_events_quarantined_total", "counter", "Events set aside by the collector.", lost.quarantined);
  out.single("arbiter_lanes_quarantined_total", "counter", "Lanes read no further since start.", engine.drain().counts().quarantined_lanes);
  out.single("arbiter_lanes_impossible_account_total", "counter", "Lanes whose figures were not believed since start.",
             engine.drain().counts().impossible_accounts);
  out.single("arbiter_files_left_alone_total", "counter", "Files of the lanes directory that are no segments, since start.",
             engine.lanes().refused_files());
  out.single("arbiter_events_rewound_total", "counter", "Events acknowledged by a state that is not this one.", lost.rewound);
  std::size_t lanes = 0;
  double fullest = 0;
  for (const ingest::Source& source : engine.lanes().sources())
    for (const ingest::Lane& lane : source.lanes) {
      ++lanes;
      const std::uint32_t backed = lane.reader.backed_records();
      if (backed != 0) fullest = std::max(fullest, static_cast<double>(lane.reader.unread_records(lane.cursor.position)) / backed);
    }
  out.single("arbiter_segments", "gauge", "Segments attached: one or more for each producer process.", engine.lanes().sources().size());
  out.single("arbiter_lanes", "gauge", "Lanes in use.", lanes);
  out.single("arbiter_lane_fill_ratio_max", "gauge", "Unread share of the fullest lane.", fullest);
  out.single("arbiter_drain_batches_total", "counter", "Batches taken from lanes since start.", engine.drain().counts().batches);
  out.single("arbiter_journal_bytes", "gauge", "Disk use of the journal.", s.disk_bytes);
  out.single("arbiter_journal_frames_total", "counter", "Frames written since the store was created.", s.frames);
  out.single("arbiter_journal_write_failures_total", "counter", "Times that the journal could not be written.", s.write_failures);
  out.single("arbiter_journal_sync_failures_total", "counter", "Failed fdatasync calls.", s.sync_failures);
  out.single("arbiter_journal_damaged_blocks_total", "counter", "Blocks skipped because their checksum is wrong.", s.damaged_blocks);
  out.single("arbiter_journal_writable", "gauge", "0 while the journal cannot be written.", engine.drain().blocked_by().empty() ? 1 : 0);
  out.single("arbiter_open_executions", "gauge", "Task starts whose completion has not come.", engine.join().open());
  out.single("arbiter_recording_enabled", "gauge", "0 while paused or switched off.", engine.disabled() ? 0 : 1);
  out.single("arbiter_clock_steps_total", "counter", "Steps of the wall clock over a second seen since start.", engine.timeline().steps());
  return out.text();
}

}  // namespace arbiter::service

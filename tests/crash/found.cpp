#include "tests/crash/found.hpp"

#include <algorithm>
#include <charconv>

#include "collector/journal/block_reader.hpp"
#include "collector/journal/raw_segment.hpp"
#include "collector/journal/sealed_file.hpp"
#include "tests/crash/killed_collector.hpp"
#include "tools/arbiter-replay/lines.hpp"

namespace arbiter::crash {
namespace {

namespace json = test::json;

std::string text_at(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(json::string_view(name.data(), name.size()));
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const json::object& object_at(const json::object& object, std::string_view name) {
  static const json::object none;
  const json::value* const value = object.if_contains(json::string_view(name.data(), name.size()));
  return value != nullptr && value->is_object() ? value->get_object() : none;
}

// Is this what that call recorded, to the last byte that it gave?
bool is_whole(const json::object& line, const Call& call, bool joined) {
  const json::object& data = object_at(line, "data");
  const std::string type = text_at(line, "type"), filling = filling_of(call);
  if (text_at(line, "timestampNs") != std::to_string(call.time_ns)) return false;
  switch (call.what) {
    case What::decision: return type == "routing-decision" && text_at(data, "rationale") == filling;
    case What::evaluation: {
      const json::object& evaluation = object_at(data, "evaluation");
      const json::value* const passed = evaluation.if_contains("passed");
      return type == "evaluation-outcome" && text_at(evaluation, "feedback") == filling && passed != nullptr && *passed == call.success;
    }
    case What::generic: return type == "filling" && text_at(data, "filling") == filling;
    case What::start: return type == "task-start" && text_at(object_at(data, "context"), "filling") == filling;
    case What::complete: {
      const json::value* const success = object_at(data, "outcome").if_contains("success");
      const json::value* const duration = data.if_contains("durationMs");
      if (type != "task-execution" || success == nullptr || *success != call.success || duration == nullptr) return false;
      if (!joined) return text_at(data, "joinState") == "orphan" && duration->is_null();
      return text_at(data, "joinState") == "complete" && duration->is_number() && duration->to_number<double>() == kDurationMs;
    }
    case What::refused: return false;
  }
  return false;
}

FoundEvent event_of(const json::object& line, const Named& named, const Ledger& ledger) {
  FoundEvent event;
  event.id = text_at(line, "id");
  event.slot = named.slot;
  event.n = named.n + (text_at(line, "type") == "task-execution" ? 1 : 0);
  const std::size_t dash = event.id.rfind('-');
  if (dash != std::string::npos) {
    event.lane = event.id.substr(0, dash);
    std::from_chars(event.id.data() + dash + 1, event.id.data() + event.id.size(), event.sequence);
  }
  const Call call = call_of(ledger, event.slot, event.n);
  event.time_ns = call.time_ns;
  event.joined = call.what == What::complete && (by_handle(call) || ledger.slots[call.slot].answer[call.n - 1] == Answer::recorded);
  event.torn = !is_whole(line, call, event.joined);
  return event;
}

struct JournalReading {
  Found& found;
  std::map<LaneId, std::uint64_t> last;

  bool take(const journal::Frame& frame) {
    journal::each_event(frame.body, [&](const LaneId& lane, const event::Values& stored) {
      ++found.frames_events;
      std::uint64_t& before = last[lane];
      if (stored.sequence <= before) found.out_of_order.push_back(event_id(lane, stored.sequence));
      before = std::max(before, stored.sequence);
      return true;
    });
    journal::EntryReader entries(frame.body);
    while (entries.next()) {
      if (entries.type() != journal::EntryType::closes) continue;
      for (auto left = entries.payload(); left.size() >= sizeof(journal::CloseRecord); left = left.subspan(sizeof(journal::CloseRecord))) {
        journal::CloseRecord record;
        std::memcpy(&record, left.data(), sizeof record);
        const std::string id = event_id(journal::lane_of(record.last.lane), 0);
        found.closed[id.substr(0, id.rfind('-'))].push_back({journal::cursor_of(record.last), record.in_flight});
      }
    }
    return true;
  }
};

}  // namespace

void read_snapshot(const test::fs::path& snapshot, const Ledger& ledger, Found& found) {
  auto lines = replay::Lines::open(snapshot / "events.jsonl.zst");
  while (lines && lines->next().value()) {
    json::error_code error;
    const json::value line = json::parse(lines->line(), error);
    const auto named = !error && line.is_object() ? parse_task(text_at(line.get_object(), "taskId")) : std::nullopt;
    if (named)
      found.events.push_back(event_of(line.get_object(), *named, ledger));
    else
      found.strangers.push_back(std::string(lines->line().substr(0, 200)));
  }
  if (!lines) throw Stuck(lines.error().message);
}

void read_journal(const test::fs::path& directory, Found& found) {
  JournalReading reading{found, {}};
  std::vector<test::fs::path> files;
  for (const auto& entry : test::fs::directory_iterator(directory))
    if (entry.path().extension() == ".journal" || entry.path().extension() == ".sealed") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const test::fs::path& path : files) {
    if (path.extension() == ".sealed") {
      const auto sealed = journal::open_sealed(path, {});
      if (!sealed) throw Stuck(sealed.error().message);
      journal::BlockBuffer buffer;
      std::uint32_t number = 0;
      for (const auto& block : sealed->scanned.blocks)
        if (!journal::each_frame(*sealed->file, block.place, number++, buffer, [&](const journal::Frame& f) { return reading.take(f); }))
          throw Stuck(path.string() + ": a block of it cannot be read");
    } else {
      const auto raw = journal::open_raw_segment(path);
      if (!raw) throw Stuck(raw.error().message);
      const journal::RawSegment& s = raw->segment;
      journal::FrameStream frames(s, s.end, s.size, s.previous);
      while (const auto frame = frames.next()) reading.take(*frame);
    }
  }
}

}  // namespace arbiter::crash

#include "tests/crash/power_truth.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "collector/journal/frame.hpp"
#include "collector/journal/totals.hpp"
#include "collector/journal/wire.hpp"

namespace arbiter::power {

using namespace journal;

const TrueFrame& Truth::after(std::uint64_t frame) const {
  static const TrueFrame before_all;
  return frame == 0 ? before_all : frames_.at(frame - 1);
}

void Truth::take_frame(const Entry& e, const Disk& disk) {
  const auto bytes = bytes_of(e.data);
  const auto frame = parse_frame(bytes, keys_.at(e.record.inode));
  if (!frame || frame->bytes() != bytes.size() || frame->header.number != frames_.size() + 1) {
    broken_.push_back("what is written to " + std::string(e.path) + " is not the next frame");
    return;
  }
  TrueFrame next = after(frames_.size());
  next.events.clear();
  each_event(frame->body, [&](const LaneId& lane, const event::Values& v) {
    next.events.push_back({retention_time_of(v), lane, v.sequence});
    return true;
  });
  next.events_so_far += next.events.size();
  if ((frame->header.flags & kClears) != 0) next.cleared_by = frame->header.number;
  EntryReader entries(frame->body);
  while (entries.next()) {
    Reader in(entries.payload());
    for (std::uint32_t left = entries.count(); left > 0; --left) {
      if (entries.type() == EntryType::cursors) {
        const auto record = in.get<CursorRecord>();
        next.lanes[lane_of(record.lane)] = cursor_of(record);
      } else if (entries.type() == EntryType::closes) {
        const auto record = in.get<CloseRecord>();
        next.closed += ClosedLanes(cursor_of(record.last), record.in_flight);
        next.lanes.erase(lane_of(record.last.lane));
      }
    }
  }
  frames_.push_back(std::move(next));
  const auto file = disk.at(e.path);
  waiting_.push_back({frames_.size(), file, std::string(e.path), file->settled + file->pending.size() - 1});  // `disk` has it already
}

// "acknowledged <lane> <events>", "published <number>", "limit <events>"
void Truth::take_mark(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::string what, lane;
  std::uint64_t n = 0;
  in >> what;
  if (what == "acknowledged") {
    in >> lane >> n;
    std::uint64_t events = 0;
    for (const auto& [id, promised] : promised_events_)
      if (event_id(id, 0) == lane) events = promised;
    if (events < n) broken_.push_back("lane " + lane + ": " + std::to_string(n) + " acknowledged, " + std::to_string(events) + " synced");
  } else if (what == "published") {
    in >> n;
    published_ = std::max(published_, n);
  } else if (what == "limit") {
    in >> n;
    limit_ = std::min(n, limit_.value_or(n));
  }
}

void Truth::apply(const Entry& e, const Disk& disk) {
  const bool journal = e.path.starts_with(kJournal);
  if (e.record.call == Call::write && journal && e.path.ends_with(".journal.tmp") && e.record.offset == 0) {
    RawHeader header{};
    std::memcpy(&header, e.data.data(), std::min(sizeof header, e.data.size()));
    keys_[e.record.inode] = header.key;
  } else if (e.record.call == Call::write && journal && e.path.ends_with(".journal")) {
    if (e.record.offset != offsetof(RawHeader, settled)) take_frame(e, disk);
  } else if (e.record.call == Call::sync_end) {
    std::erase_if(waiting_, [&](const Waiting& w) {
      const std::string sealed_path = w.path.substr(0, w.path.size() - std::string_view("journal").size()) + "sealed";
      const auto sealed = disk.at(sealed_path);
      const bool in_sealed = sealed != nullptr && sealed->pending.empty() && disk.has_durable_name(sealed_path, *sealed);
      const bool in_raw = w.file->settled > w.call && disk.has_durable_name(w.path, *w.file);
      if (w.number != promised_ + 1 || !(in_raw || in_sealed)) return false;
      promised_ = w.number;
      for (const EventKey& key : frames_[w.number - 1].events) ++promised_events_[key.lane];
      return true;
    });
  } else if (e.record.call == Call::mark) {
    take_mark(e.path);
  }
}

}  // namespace arbiter::power

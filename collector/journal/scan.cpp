#include "collector/journal/scan.hpp"

#include "shm/testpoint.hpp"

namespace arbiter::journal {

Summary summarise(std::span<const std::byte> body, const EventKey& edge, GenericNames& names) {
  Summary sum;
  each_event(body, [&](const LaneId& lane, const event::Values& stored) {
    const std::string_view name = generic_name(names, stored);
    if (!(retention_key(lane, stored) < edge)) sum.add(lane, stored, name);
    return true;
  });
  return sum;
}

std::int64_t duration_given(const AmendmentView& amendment) {
  event::Values patch;
  if (event::decode(amendment.patch, patch) != event::Malformed::none || patch.kind != Kind::task_execution || !patch.has(field::kStarted))
    return -1;
  return duration_ns(patch.time(field::kStarted), amendment.record.time_ns);
}

void ScannedSegment::add(const Frame& frame, std::uint64_t offset, const Summary& arrived) {
  const auto bytes = static_cast<std::uint32_t>(frame.bytes());
  if (blocks.empty() || !fits_block(blocks.back().place.raw_bytes, bytes, frame.header.flags) ||
      blocks.back().place.offset + blocks.back().place.raw_bytes != offset) {
    blocks.emplace_back();
    blocks.back().place.offset = offset;
    blocks.back().first_frame = frame.header.number;
  }
  ScannedBlock& block = blocks.back();
  block.place.raw_bytes += bytes;
  block.place.stored_bytes = block.place.raw_bytes;
  block.last_frame = frame.header.number;
  block.arrived += arrived;
  if (first_frame > last_frame) first_frame = frame.header.number;
  last_frame = frame.header.number;
  EntryReader entries(frame.body);
  while (entries.next())
    if (const auto amendment = parse_amendment(entries))
      amendments.push_back(
          {{offset + sizeof(FrameHeader) + entries.offset(), entries.bytes()}, amendment->record, duration_given(*amendment)});
  end = offset + bytes;
  previous = frame.header.checksum;
  last_offset = offset;
}

Result<ScannedSegment> scan_raw(const RawSegment& segment, std::uint64_t last_frame_before, const Reach& reach, GenericNames& names,
                                const std::function<void(const Frame& frame, const Summary& arrived)>& on_frame) {
  ScannedSegment found;
  found.end = segment.end;
  found.previous = segment.previous;
  FrameStream frames(segment, segment.end, reach.limit != 0 ? reach.limit : segment.size, segment.previous);
  std::uint64_t last = last_frame_before;
  bool jumped = false;
  while (true) {
    const auto frame = frames.next();
    if (frames.failed()) return *frames.failed();
    if (!frame) {
      if (frames.next_offset() >= reach.known) break;
      ++found.gaps;
      if (!frames.resynchronise(reach.known)) break;
      jumped = true;
      continue;
    }
    if (ARBITER_WRONG("recycled_without_id")) last = frame->header.number - 1;
    // A number out of turn: behind a gap frames are missing, elsewhere the journal ends.
    if (frame->header.type != FrameType::events || (jumped ? frame->header.number <= last : frame->header.number != last + 1)) break;
    jumped = false;
    last = frame->header.number;
    const Summary arrived = summarise(frame->body, key_of(frame->header.edge), names);
    found.add(*frame, frames.offset(), arrived);
    if (on_frame) on_frame(*frame, arrived);
  }
  return found;
}

}  // namespace arbiter::journal

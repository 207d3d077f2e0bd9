#include "collector/journal/view.hpp"
#include "collector/journal/encryption.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <deque>

#include "collector/journal/task_filter.hpp"

namespace arbiter::journal {
namespace {

// The decision of an execution is one thing: a patch that brings one takes the place of the one before, fields that it does not have
// included.
constexpr std::uint32_t kDecisionFields = [] {
  std::uint32_t fields = 0;
  for (std::size_t f = 0; f < std::size(schema::kTaskExecution); ++f)
    if (schema::kTaskExecution[f].path.starts_with("routingDecision.")) fields |= 1u << f;
  return fields;
}();

void apply(const event::Values& patch, event::Values& to) {
  if (patch.kind == Kind::task_execution && (patch.present & kDecisionFields) != 0) to.present &= ~kDecisionFields;
  const std::uint32_t booleans = schema::masks(patch.kind).boolean;
  for (std::uint32_t left = patch.present; left != 0; left &= left - 1) {
    const auto f = static_cast<unsigned>(std::countr_zero(left));
    if ((booleans >> f & 1) != 0) {
      to.set_flag(f, patch.flag(f));
    } else {
      to.present |= 1u << f;
      to.number[f] = patch.number[f];
      to.text[f] = patch.text[f];
    }
  }
}

// Whether the amendment was made after that.
bool later(const AmendmentRef& amendment, const ViewCursor& than) {
  return amendment.holder != than.segment ? amendment.holder > than.segment : amendment.ordinal >= than.amendments;
}

}  // namespace

void JournalView::add(const Segment& segment) {
  segments_[segment.index] = {segment.file, segment.amendments};
  for (const Block& b : segment.blocks)
    if (b.live_events != 0)
      blocks_.push_back({segment.index, b.number, b.kinds, b.first_frame, b.last_frame, b.live_events == b.events, b.place, b.next,
                         b.min_time_ns, b.max_time_ns, b.amendments});
}

View::Scan JournalView::scan(const Filter& filter, const std::function<bool(const StoredEvent&)>& visit) const {
  Scan result;
  BlockBuffer buffer;
  const std::uint64_t task = filter.task ? filter_hash(*filter.task) : 0;
  std::vector<std::int64_t> floors;  // of each block, what lies behind it
  if (filter.settled) {
    floors.assign(blocks_.size(), INT64_MAX);
    for (std::size_t i = blocks_.size(); i-- > 1;) floors[i - 1] = std::min(floors[i], blocks_[i].min_time_ns);
  }
  for (const SeenBlock& block : blocks_) {
    if (block.max_time_ns < filter.since_ns || block.min_time_ns >= filter.until_ns || (block.kinds & filter.kinds) == 0) continue;
    if (filter.task && !may_have(block, task)) continue;
    if (filter.after && block.last_frame <= filter.after->frame &&
        std::none_of(block.amendments.begin(), block.amendments.end(), [&](const AmendmentRef& a) { return later(a, *filter.after); }))
      continue;
    if (!scan_block(block, filter, visit, result, buffer)) break;
    if (filter.settled) filter.settled(floors[static_cast<std::size_t>(&block - blocks_.data())]);
  }
  return result;
}

bool JournalView::scan_block(const SeenBlock& block, const Filter& filter, const std::function<bool(const StoredEvent&)>& visit,
                             Scan& result, BlockBuffer& buffer) const {
  Targets targets;
  for (const AmendmentRef& a : block.amendments) targets.emplace(std::pair(a.sequence, a.lane), &a);
  std::deque<std::vector<std::byte>> patch_bytes;  // of the event being shown
  event::Values amended, patch;
  bool go_on = true;
  ++result.blocks_read;
  const auto whole = each_frame(*segments_.at(block.segment).file, block.place, block.number, buffer, [&](const Frame& frame) {
    const bool came_before = filter.after && frame.header.number <= filter.after->frame;
    go_on = each_event(frame.body, [&](const LaneId& lane, const event::Values& stored) {
      const std::int64_t time = time_of(stored), retention = retention_time_of(stored);
      if (EventKey{retention, lane, stored.sequence} < block.next) return true;
      if (time < filter.since_ns || time >= filter.until_ns || (filter.kinds >> static_cast<unsigned>(stored.kind) & 1) == 0) return true;
      if (filter.task) {
        const event::Text* const task = task_of(stored);
        if (task == nullptr || !(*task == *filter.task)) return true;
      }
      std::uint32_t revision = 0;
      if (came_before && targets.empty()) return true;
      if (!targets.empty()) {
        patch_bytes.clear();
        const auto [first, last] = targets.equal_range(std::pair(stored.sequence, lane));
        if (came_before && std::none_of(first, last, [&](const auto& target) { return later(*target.second, *filter.after); })) return true;
        for (auto it = first; it != last; ++it) {
          if (revision == 0) amended = stored;
          ++revision;
          if (read_patch(*it->second, patch_bytes.emplace_back(), patch) && patch.kind == stored.kind) apply(patch, amended);
        }
      }
      ++result.events;
      return visit({lane, revision == 0 ? stored : amended, time, retention, revision, frame.header.number});
    });
    return go_on;
  });
  if (!whole) {
    ++result.blocks_damaged;
    if (whole.error().code == 0) damage_->note(block.segment, block.number);  // else it may be read the next time
  }
  return go_on;
}

std::vector<RetainedFrames> JournalView::retained_frames() const {
  std::vector<RetainedFrames> ranges;
  for (const SeenBlock& block : blocks_) {
    if (block.whole && !ranges.empty() && !ranges.back().from && ranges.back().last + 1 == block.first_frame)
      ranges.back().last = block.last_frame;
    else
      ranges.push_back({block.first_frame, block.last_frame, block.whole ? std::optional<EventKey>() : block.next});
  }
  return ranges;
}

bool JournalView::may_have(const SeenBlock& block, std::uint64_t task_hash) const {
  if (block.place.filter_words == 0) return true;
  std::vector<std::uint64_t> words(block.place.filter_words);
  const SegmentFile& file = *segments_.at(block.segment).file;
  const auto bytes = std::as_writable_bytes(std::span(words));
  const auto got = file.file->read(bytes, block.place.filter_offset);
  if (!got || *got != bytes.size()) return true;
  if (file.cipher == nullptr) return filter_has(words, task_hash);
  return !decrypt_part(bytes, file.key, SealedPart::filter, block.number, *file.cipher) ||
         filter_has(std::span(words).subspan(kOverheadWords), task_hash);
}

bool JournalView::read_patch(const AmendmentRef& ref, std::vector<std::byte>& bytes, event::Values& patch) const {
  const auto holder = segments_.find(ref.holder);
  if (holder == segments_.end()) return false;
  const AmendmentPlace& place = holder->second.amendments[ref.ordinal];
  bytes.resize(place.bytes);
  const auto got = holder->second.file->file->read(bytes, place.offset);
  if (!got || *got != bytes.size()) return false;
  const SegmentFile& file = *holder->second.file;
  if (file.cipher != nullptr && !decrypt_body(bytes, file.key, 0, *file.cipher)) return false;
  EntryReader entry(bytes);
  if (!entry.next()) return false;
  const auto amendment = parse_amendment(entry);
  return amendment && amendment->record.sequence == ref.sequence && event::decode(amendment->patch, patch) == event::Malformed::none;
}

std::string ViewCursor::text() const {
  std::string out = "c1:" + std::to_string(store_unix_ns);
  for (const std::uint64_t part : {segment, frame, amendments}) out.append(":").append(std::to_string(part));
  return out;
}

std::optional<ViewCursor> ViewCursor::parse(std::string_view text) {
  ViewCursor reach;
  constexpr std::string_view kPrefix = "c1";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  const char* at = text.data() + kPrefix.size();
  const char* const end = text.data() + text.size();
  const auto take = [&](auto& part) {
    if (at == end || *at != ':') return false;
    const auto [after, error] = std::from_chars(at + 1, end, part);
    at = after;
    return error == std::errc();
  };
  if (!take(reach.store_unix_ns) || !take(reach.segment) || !take(reach.frame) || !take(reach.amendments) || at != end) return std::nullopt;
  return reach;
}

}  // namespace arbiter::journal

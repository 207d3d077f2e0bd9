// Opening a journal: what is there, the state to go on from, and the index of what is retained.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "collector/crypt/stream.hpp"
#include "collector/journal/checkpoint.hpp"
#include "collector/journal/scan.hpp"
#include "collector/journal/scans.hpp"
#include "collector/journal/state.hpp"
#include "collector/journal/unsynced.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::journal {
namespace {

std::optional<std::uint64_t> index_of(std::string_view name, std::string_view ending) {
  if (name.size() != 20 + ending.size() || !name.ends_with(ending)) return std::nullopt;
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 20, index);
  if (error != std::errc() || end != name.data() + 20 || index == 0) return std::nullopt;
  return index;
}

std::string hex(const Fingerprint& fingerprint) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : fingerprint) out += {digits[byte >> 4], digits[byte & 15]};
  return out;
}

Error other_key(const std::string& path, const Fingerprint& made_under, const Fingerprint& now) {
  const auto name = [](const Fingerprint& f) {
    return f == Fingerprint{} ? std::string("no anonymisation") : "the key with fingerprint " + hex(f);
  };
  return {path + ": was made under " + name(made_under) + ", not under " + name(now) +
          ": give back the key it was made with, or start on an empty state directory"};
}

GenericNames names_of(const Totals& lifetime) {
  GenericNames names;
  for (const auto& [name, n] : lifetime.generic_by_type)
    if (name != GenericNames::kOther) names.name(name);
  return names;
}

// Whether the journal has the frame at which the checkpoint was made.
bool fits(const Checkpoint& c, const std::map<std::uint64_t, OpenedRaw>& raw, const std::map<std::uint64_t, Sealed>& sealed,
          std::uint64_t& frames_end) {
  if (const auto it = sealed.find(c.segment); it != sealed.end())
    return it->second.file->key == c.key && c.table.last_frame <= it->second.scanned.last_frame;
  const auto it = raw.find(c.segment);
  if (it == raw.end() || it->second.segment.header.key != c.key) return false;
  const RawSegment& s = it->second.segment;
  if (c.frame_offset == 0) return c.table.last_frame == it->second.table.last_frame;
  FrameStream frames(s, c.frame_offset, s.size, 0);
  const auto frame = frames.at();
  if (!frame || frame->header.checksum != c.frame_checksum || frame->header.number != c.table.last_frame) return false;
  frames_end = c.frame_offset + frame->bytes();
  return true;
}

}  // namespace

struct Journal::State::Found {
  std::map<std::uint64_t, OpenedRaw> raw;
  std::map<std::uint64_t, Sealed> sealed;
  std::map<std::uint64_t, ScannedSegment> scanned;  // raw ones
  std::vector<std::string> raw_leftovers;           // of segments that are sealed
  std::map<std::uint64_t, std::string> torn;        // raw ones whose beginning cannot be read: why
  std::set<std::uint64_t> other;                    // and of those, the ones that are another segment, before or behind their name
  std::optional<Checkpoint> checkpoint;
  std::uint64_t known_end = 0;  // of the newest segment's frames, by the checkpoint
  bool behind_table = false;    // the newest table that could be read is not that of the newest segment

  // Where the frames of a raw segment end, by the table of the one after it: damage before that is damage, not the journal's end. The one
  // after it may have been sealed; one with damaged frames cannot be.
  Reach reach(std::uint64_t index) const {
    const auto from = [index](const Table& after) {
      return after.previous_segment == index ? Reach{after.previous_end, after.previous_end} : Reach{};
    };
    if (const auto after = raw.find(index + 1); after != raw.end()) return from(after->second.table);
    if (const auto after = sealed.find(index + 1); after != sealed.end())
      if (const auto table = read_sealed_table(after->second)) return from(*table);
    return {};
  }
  // The raw ones whose frames are all in the table of the newest segment.
  std::vector<RawScans::Wanted> before_newest() const {
    std::vector<RawScans::Wanted> wanted;
    for (const auto& [index, opened] : raw)
      if (index < newest()) wanted.push_back({index, opened.segment, opened.table.last_frame, reach(index)});
    return wanted;
  }
  std::uint64_t newest() const { return std::max(raw.empty() ? 0 : raw.rbegin()->first, sealed.empty() ? 0 : sealed.rbegin()->first); }
};

Result<void> Journal::State::recover() {
  if (auto made = make_directory(options_.directory); !made) return made;
  if (auto opened = syncer_.open_directory(); !opened) return opened;
  Found found;
  if (auto looked = look(found); !looked) return looked;
  if (found.newest() == 0) {
    created_unix_ns_ = collection_started_ns_ = unix_now_ns();
    return rotate();
  }
  ARBITER_TESTPOINT("recover.found");
  std::optional<RawScans> others;
  if (const auto last = found.raw.find(found.newest()); last != found.raw.end())  // meanwhile
    others.emplace(found.before_newest(), names_of(last->second.table.lifetime));
  std::uint64_t from = 0;
  if (auto loaded = load_state(found, from); !loaded) return loaded;
  if (auto replayed = replay_from(found, from); !replayed) return replayed;
  if (!others) others.emplace(found.before_newest(), names_);
  for (auto& [index, scanned] : others->finish()) {
    if (!scanned) return scanned.error().while_(options_.directory + "/" + raw_name(index));
    found.scanned.emplace(index, std::move(*scanned));  // unless the frames in it were replayed
  }
  ARBITER_TESTPOINT("recover.state");
  if (auto loaded = load_index(found); !loaded) return loaded;
  ARBITER_TESTPOINT("recover.index");
  check_links(found);
  background_.follow(newest_sealed_);
  for (const std::string& path : found.raw_leftovers) {
    retire_raw(path, 0, true);
    ARBITER_TESTPOINT("recover.leftover_gone");
  }
  Segment& newest = active();
  // Nothing is written behind a damaged frame: without a checkpoint, who reads it next could not tell it from the journal's end.
  const bool damaged = newest.state == SegmentState::active && found.scanned[newest.index].gaps != 0;
  const bool as_now = newest.file->cipher == options_.keys.writing();  // encrypted with the key that is written with, or neither
  const bool goes_on = as_now && newest.state == SegmentState::active && std::max(newest.last_frame, newest.table_frame) == last_frame_ &&
                       !damaged && !found.behind_table;
  for (auto& [index, segment] : segments_) {
    if (segment.state == SegmentState::full) seal(segment);
    if (segment.state != SegmentState::sealed)  // who knows what of it had been synced
      syncer_.written(segment.file->file, segment.file->key, index, std::max(segment.last_frame, segment.table_frame), true);
  }
  if (!goes_on) {
    if (auto rotated = rotate(); !rotated) return rotated;
    if (damaged) settle_active();
    return {};
  }
  ARBITER_TESTPOINT("recover.goes_on");
  return {};
}

Result<void> Journal::State::look(Found& found) {
  const auto names = list_directory(options_.directory);
  if (!names) return names.error();
  std::map<std::uint64_t, std::string> raw;
  for (const std::string& name : *names) {
    const std::string path = options_.directory + "/" + name;
    Result<void> looked;
    if (name.ends_with(".tmp")) {
      remove_file(path);
      ARBITER_TESTPOINT("recover.temporary_gone");
    } else if (name.starts_with("spare-")) {
      const auto file = File::open(path, O_RDONLY);
      const auto size = file ? (*file)->size() : Result<std::uint64_t>(file.error());
      if (size && *size == options_.segment_bytes && spares_.size() < kSparesMax)
        spares_.emplace_back(path, *size);
      else
        remove_file(path);
    } else if (const auto sealed = index_of(name, ".sealed")) {
      looked = open_sealed_segment(found, *sealed, path);
    } else if (const auto index = index_of(name, ".journal")) {
      raw.emplace(*index, path);
    }
    if (!looked) return looked;
  }
  for (auto at = raw.rbegin(); at != raw.rend(); ++at) {  // the newest first: its state is wanted
    const auto& [index, path] = *at;
    if (found.sealed.contains(index)) {  // sealed it is on stable storage, whole
      found.raw_leftovers.push_back(path);
    } else if (auto opened = open_raw(found, index, path, raw.begin()->first < index || !found.sealed.empty()); !opened) {
      return opened;
    }
  }
  if (auto loaded = load_checkpoint(found); !loaded) return loaded;
  return set_aside(found);
}

Result<void> Journal::State::load_checkpoint(Found& found) {
  const std::string path = checkpoint_path(options_.directory);
  auto content = read_file(path);
  if (!content) return content.error().code == ENOENT ? Result<void>() : content.error();
  if (crypt::is_encrypted(*content)) {
    content = crypt::decrypt_text(options_.keys, *content);
    if (!content) return content.error().code == ENOKEY ? content.error().while_(path) : Result<void>();
  }
  found.checkpoint = decode_checkpoint(*content);
  return {};
}

// What a power cut has left unfinished is not damage, and nothing that was promised is in it. Nor is a file that was used again, of which
// the name has reached the disk and the header not, or the other way round.
Result<void> Journal::State::set_aside(Found& found) {
  std::uint64_t synced_upto = found.sealed.empty() ? 0 : found.sealed.rbegin()->first;
  if (found.checkpoint) synced_upto = std::max(synced_upto, found.checkpoint->segment);
  std::set<std::uint64_t> torn;
  for (const auto& [index, why] : found.torn) torn.insert(index);
  const auto unsynced = first_unsynced(found.raw, torn, synced_upto);
  if (!unsynced) return unsynced.error();
  const std::uint64_t from = unsynced->value_or(std::numeric_limits<std::uint64_t>::max());
  for (const auto& [index, why] : found.torn) {
    last_failure_ = why;
    const bool damaged = index < from && !found.other.contains(index);
    if (damaged) damage_->note(index, Damage::kFrames);
    const std::string path = options_.directory + "/" + raw_name(index);
    if (auto renamed = rename_file(path, path + (damaged ? ".damaged" : ".unsynced")); !renamed) return renamed;
  }
  while (!found.raw.empty() && found.raw.rbegin()->first >= from) {
    const std::string path = options_.directory + "/" + raw_name(found.raw.rbegin()->first);
    last_failure_ = path + ": frames before it had not reached the disk when the power went";
    if (auto renamed = rename_file(path, path + ".unsynced"); !renamed) return renamed;
    found.raw.erase(std::prev(found.raw.end()));
  }
  return {};
}

// Only the newest one's state is wanted. If that alone is not whole, an older segment and the frames since say the same.
Result<void> Journal::State::open_raw(Found& found, std::uint64_t index, const std::string& path, bool older) {
  const bool newest = found.raw.empty();
  auto opened = newest ? open_raw_segment(path, options_.keys) : look_at_raw_segment(path, options_.keys);
  if (!opened && opened.error().code == 0 && newest && older) opened = look_at_raw_segment(path, options_.keys);
  if (opened) {
    const RawHeader& h = opened->segment.header;
    if (h.index != index) {
      found.other.insert(index);
      found.torn[index] = path + ": is segment " + std::to_string(h.index) + " by its header";
      return {};
    }
    if (h.fingerprint != options_.key_fingerprint) return other_key(path, h.fingerprint, options_.key_fingerprint);
    found.raw.emplace(index, std::move(*opened));
    return {};
  }
  if (opened.error().code != 0) return opened.error();
  const auto by_header = raw_segment_index(path);
  if (!by_header && by_header.error().code != 0) return by_header.error();
  if (by_header && *by_header != index) found.other.insert(index);
  found.torn[index] = opened.error().message;
  return {};
}

Result<void> Journal::State::open_sealed_segment(Found& found, std::uint64_t index, const std::string& path) {
  auto opened = open_sealed(path, options_.link_key, options_.keys);
  if (opened) {
    if (opened->fingerprint != options_.key_fingerprint) return other_key(path, opened->fingerprint, options_.key_fingerprint);
    if (opened->file->index != index)
      return Error{path + ": is segment " + std::to_string(opened->file->index) + " by its header: give it its name back"};
    found.sealed.emplace(index, std::move(*opened));
    return {};
  }
  if (opened.error().code != 0) return opened.error();
  last_failure_ = opened.error().message;
  damage_->note(index, Damage::kFrames);
  return rename_file(path, path + ".damaged");
}

// --- the state

Result<void> Journal::State::adopt(Table& t, const std::string& from) {
  last_frame_ = t.last_frame;
  edges_.restore(t.edge, std::move(t.eras));
  lifetime_ = std::move(t.lifetime);
  names_ = names_of(lifetime_);
  cleared_ = t.cleared;
  created_unix_ns_ = t.created_unix_ns;
  collection_started_ns_ = t.collection_started_ns;
  last_updated_ns_ = t.last_updated_ns;
  closed_ = t.closed;
  for (const Anchor& a : t.anchors) anchors_[a.segment] = a.link;
  for (const auto& [lane, cursor] : t.lanes) lanes_[lane] = {cursor, cursor, true, false, false};
  if (!participant_.load(t.participant))
    return Error{from + ": the state of the open executions in it cannot be read: it is of another version"};
  return {};
}

void Journal::State::replay(const Frame& frame, const Summary* arrived) {
  if (frame.header.number <= last_frame_) return;  // the checkpoint has it
  if ((frame.header.flags & kClears) != 0) participant_.replay_clear();
  const bool all_arrived = arrived != nullptr && arrived->events == frame.header.events;
  std::int64_t stamp = std::numeric_limits<std::int64_t>::min();
  Totals totals;
  each_event(frame.body, [&](const LaneId& lane, const event::Values& stored) {
    stamp = std::max(stamp, static_cast<std::int64_t>(stored.stamp));
    if (!all_arrived) totals.add(stored, generic_name(names_, stored));
    participant_.replay(lane, stored, {lane, stored.sequence, time_of(stored), retention_time_of(stored), {frame.header.number}});
    return true;
  });
  take_in(frame, all_arrived ? arrived->totals : totals, stamp);
  ARBITER_TESTPOINT("recover.frame");
}

// From the newest checkpoint or table that can be read. `from`: the segment whose frames, and those behind it, come then.
Result<void> Journal::State::load_state(Found& found, std::uint64_t& from) {
  from = found.newest();
  auto& checkpoint = found.checkpoint;
  if (checkpoint && checkpoint->segment == from && fits(*checkpoint, found.raw, found.sealed, found.known_end)) {
    if (auto adopted = adopt(checkpoint->table, checkpoint_path(options_.directory)); !adopted) return adopted;
    ARBITER_TESTPOINT("recover.checkpoint");
  } else {
    for (;; --from) {
      if (const auto raw = found.raw.find(from); raw != found.raw.end()) {
        const std::string path = options_.directory + "/" + raw_name(from);
        auto opened = raw->second.whole ? Result<OpenedRaw>(std::move(raw->second)) : open_raw_segment(path, options_.keys);
        if (opened) {
          raw->second = std::move(*opened);
          if (auto adopted = adopt(raw->second.table, path); !adopted) return adopted;
          break;
        }
        if (opened.error().code != 0) return opened.error();
        if (from != found.newest()) damage_->note(from, kTableChunk);  // else a power cut may have left it so
        found.behind_table = true;
        last_failure_ = opened.error().message + ": the state is taken from the segment before, and the frames since";
      }
      if (const auto sealed = found.sealed.find(from); sealed != found.sealed.end()) {
        if (auto table = read_sealed_table(sealed->second)) {
          if (auto adopted = adopt(*table, sealed->second.path); !adopted) return adopted;
          break;
        }
        damage_->note(from, kTableChunk);
      }
      if (from == 0)
        return Error{options_.directory +
                     ": no segment in it has a table that can be read: restore it from a copy, or start on an empty directory"};
    }
  }
  for (auto& [index, raw] : found.raw) raw.table.participant = {};  // large, and not wanted any more
  return {};
}

Result<void> Journal::State::replay_from(Found& found, std::uint64_t from) {
  for (auto& [index, sealed] : found.sealed)
    if (sealed.footer_lost) rescan(sealed, names_);
  for (; from <= found.newest(); ++from) {
    if (const auto raw = found.raw.find(from); raw != found.raw.end()) {
      Reach reach = found.reach(from);
      if (reach.known == 0) reach = {found.known_end, 0};
      auto scanned = scan_raw(raw->second.segment, raw->second.table.last_frame, reach, names_,
                              [&](const Frame& frame, const Summary& arrived) { replay(frame, &arrived); });
      if (!scanned) return scanned.error().while_(options_.directory + "/" + raw_name(from));
      found.scanned[from] = std::move(*scanned);
    } else if (const auto sealed = found.sealed.find(from); sealed != found.sealed.end()) {
      BlockBuffer buffer;
      const auto& blocks = sealed->second.scanned.blocks;
      for (std::uint32_t n = 0; n < blocks.size(); ++n) {
        if (blocks[n].last_frame <= last_frame_) continue;
        const auto whole = each_frame(*sealed->second.file, blocks[n].place, n, buffer, [&](const Frame& frame) {
          replay(frame, nullptr);
          return true;
        });
        if (!whole && whole.error().code != 0) return whole.error().while_(sealed->second.path);
        if (!whole) damage_->note(from, n);
      }
      last_frame_ = std::max(last_frame_, sealed->second.scanned.last_frame);
    }
  }
  return {};
}

// --- the index

Result<void> Journal::State::load_index(Found& found) {
  const std::uint64_t newest = found.newest();
  std::map<std::uint64_t, const ScannedSegment*> scans;
  for (const auto& [index, opened] : found.raw) {
    const ScannedSegment& scanned = found.scanned[index];
    Segment& s = segments_[index];
    s.state = index == newest ? SegmentState::active : SegmentState::full;
    s.file =
        std::make_shared<SegmentFile>(SegmentFile{opened.segment.file, opened.segment.header.key, index, false, opened.segment.cipher});
    s.path = options_.directory + "/" + raw_name(index);
    s.created_unix_ns = opened.segment.header.created_unix_ns;
    s.disk_bytes = opened.segment.size;
    s.table_end = opened.segment.end;
    s.table_checksum = opened.segment.previous;
    s.table_frame = opened.table.last_frame;
    s.end = scanned.end;
    s.previous = scanned.previous;
    s.last_offset = scanned.last_offset;
    scans[index] = &scanned;
  }
  for (const auto& [index, sealed] : found.sealed) {
    Segment& s = segments_[index];
    s.state = SegmentState::sealed;
    s.file = sealed.file;
    s.path = sealed.path;
    s.created_unix_ns = sealed.created_unix_ns;
    s.disk_bytes = sealed.bytes;
    s.link = sealed.link;
    s.previous_link = sealed.previous_link;
    s.previous_index = sealed.previous_index;
    scans[index] = &sealed.scanned;
  }
  for (auto& [index, s] : segments_) {
    const ScannedSegment& scanned = *scans[index];
    s.index = index;
    s.first_frame = scanned.first_frame;
    s.last_frame = scanned.last_frame;
    for (const ScannedBlock& b : scanned.blocks) {
      Block& block = s.blocks.emplace_back(&s, static_cast<std::uint32_t>(s.blocks.size()));
      block.place = b.place;
      block.first_frame = b.first_frame;
      block.last_frame = b.last_frame;
      block.events = b.arrived.events;
      block.kinds = b.arrived.kinds;
      block.min_key = b.arrived.min_key;
      block.max_key = b.arrived.max_key;
      block.min_time_ns = b.arrived.min_time_ns;
      block.max_time_ns = b.arrived.max_time_ns;
      // An anchor says that all of it had left when the crash came before its file went.
      if (anchors_.contains(index)) continue;
      if (const auto restored = retained_.restore(block, b.arrived.totals, edges_.out_below(b.last_frame)); !restored)
        return restored.error().while_(s.path);
    }
    if (scanned.gaps != 0) {
      damage_->note(index, Damage::kFrames);
      last_failure_ = s.path + ": frames in it are damaged; what is around them is read";
    }
  }
  for (auto& [index, segment] : segments_)
    for (const ScannedAmendment& a : scans[index]->amendments) index_amendment(segment, a.place, a.record, a.duration_ns);
  return {};
}

// Each sealed segment names the link of the one sealed before it: that is there with this link, or was let go with it.
void Journal::State::check_links(const Found& found) {
  for (const auto& [index, link] : anchors_)
    if (index > newest_sealed_.segment) newest_sealed_ = {index, link};
  for (const auto& [index, sealed] : found.sealed) {
    if (index >= newest_sealed_.segment) newest_sealed_ = {index, sealed.link};
    bool fits = sealed.link_checks;
    if (fits && sealed.previous_index != 0) {
      const auto before = found.sealed.find(sealed.previous_index);
      const auto anchor = anchors_.find(sealed.previous_index);
      if (before != found.sealed.end())
        fits = before->second.footer_lost || before->second.link == sealed.previous_link;  // a lost link was counted where it was lost
      else
        fits = anchor != anchors_.end() && anchor->second == sealed.previous_link;
    }
    if (fits) continue;
    ++broken_links_;
    last_failure_ = sealed.path + (sealed.footer_lost   ? ": its footer is damaged"
                                   : sealed.link_checks ? ": what it is linked to is missing or was changed"
                                                        : ": was changed, or made under another key: its link does not check out");
  }
}

}  // namespace arbiter::journal

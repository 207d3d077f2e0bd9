// What happens to the journal as a whole: segments are sealed, checkpoints written, everything is forgotten, it is closed.
#include <cerrno>
#include <utility>

#include "collector/journal/checkpoint.hpp"
#include "collector/journal/state.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::journal {

// --- sealing

void Journal::State::seal(Segment& s) {
  SealJob job;
  job.directory = options_.directory;
  job.raw.file = s.file->file;
  job.raw.cipher = s.file->cipher;
  job.raw.header.key = s.file->key;
  job.raw.header.index = s.index;
  job.raw.header.created_unix_ns = s.created_unix_ns;
  job.raw.header.fingerprint = options_.key_fingerprint;
  job.raw.size = s.disk_bytes;
  job.raw.end = s.table_end;
  job.raw.previous = s.table_checksum;
  job.last_frame_before = s.table_frame;
  job.frames_end = s.end;
  job.names = names_;
  if (s.disposable() || s.first_frame > s.last_frame) return;
  s.sealing = true;
  background_.seal(std::move(job));
}

void Journal::State::absorb() {
  for (const Syncer::Failure& failure : syncer_.take_failures()) {
    ++sync_failures_;
    last_failure_ = "segment " + std::to_string(failure.segment) + ": " + failure.message;
    say(last_failure_ + ": it is not asked again: the segment is sealed from what can be read, and the next begun");
    if (failure.segment == active().index) rotation_due_ = true;
  }
  for (Background::Done& done : background_.take_done()) absorb_sealed(done);
  if (const auto trouble = background_.take_trouble(); trouble.episodes != 0) {
    write_failures_ += trouble.episodes;
    last_failure_ = trouble.message;
    say(last_failure_ + ": tried again every second");
  }
}

void Journal::State::absorb_sealed(Background::Done& done) {
  const auto it = segments_.find(done.index);
  if (it == segments_.end()) {
    if (done.sealed) remove_file(done.sealed->path);
    return;
  }
  Segment& s = it->second;
  s.sealing = false;
  if (done.cancelled) {
    disposal_due_ = true;
    return;
  }
  bool same =
      done.sealed && done.sealed->scanned.blocks.size() == s.blocks.size() && done.sealed->scanned.amendments.size() == s.amendments.size();
  for (std::size_t n = 0; same && n < s.blocks.size(); ++n) same = done.sealed->scanned.blocks[n].last_frame == s.blocks[n].last_frame;
  if (!same) {  // it stays raw; what can be read of it is read
    last_failure_ = done.problem.empty() ? "sealing " + s.path + ": its frames are not those that were written" : done.problem;
    damage_->note(done.index, Damage::kFrames);
    if (done.sealed) remove_file(done.sealed->path);
    settle_active();
    return;
  }
  Sealed& sealed = *done.sealed;
  auto raw = std::exchange(s.file, sealed.file);
  const std::string raw_path = std::exchange(s.path, sealed.path);
  const std::uint64_t raw_bytes = std::exchange(s.disk_bytes, sealed.bytes);
  s.state = SegmentState::sealed;
  s.link = sealed.link;
  s.previous_link = sealed.previous_link;
  s.previous_index = sealed.previous_index;
  newest_sealed_ = {s.index, s.link};
  for (std::size_t n = 0; n < s.blocks.size(); ++n) s.blocks[n].place = sealed.scanned.blocks[n].place;
  s.amendments.clear();
  for (const ScannedAmendment& a : sealed.scanned.amendments) s.amendments.push(a.place);
  ARBITER_TESTPOINT("seal.taken_in");
  still_read_.push_back({s.index, raw_path, raw_bytes, std::move(raw)});
  retire_read();
  ARBITER_TESTPOINT("seal.raw_retired");
  syncer_.settled(s.index, s.last_frame);
}

// What is missing before the active segment is damage, and known: the next start is not to take it for what a power cut left.
void Journal::State::settle_active() {
  const SegmentFile& file = *active().file;
  if (const auto written = file.file->write(object_bytes(settled_word(file.key)), offsetof(RawHeader, settled)); !written)
    last_failure_ = written.error().message;
}

// --- checkpoint, clear, close

Result<void> Journal::State::checkpoint() {
  if (auto committed = commit(); !committed) return committed;
  Checkpoint c;
  const Segment& newest = active();
  c.segment = newest.index;
  c.key = newest.file->key;
  if (newest.state != SegmentState::sealed) {  // full, too: one with damaged frames stays raw
    c.frame_offset = newest.last_offset;
    c.frame_checksum = newest.previous;
  }
  c.table = table();
  participant_.save([&](std::string_view piece) { c.table.participant += piece; });
  background_.checkpoint(encode_checkpoint(c), last_frame_);
  return {};
}

// The frame with the mark decides: before it everything is there, after it nothing; files follow.
Result<void> Journal::State::clear() {
  if (auto before = commit(); !before) return before;
  drop_next();  // a state with what is cleared
  frame_.clear(retained_.events(), unix_now_ns());
  clearing_ = true;
  if (auto written = write_frame(); !written) return written.error().while_("clear is pending until the journal can be written");
  ARBITER_TESTPOINT("clear.marked");
  background_.abandon();
  absorb();
  for (auto& [index, segment] : segments_) {
    segment.sealing = false;
    if (segment.state == SegmentState::sealed) anchors_[index] = segment.link;  // a crash may leave some of the files
  }
  if (newest_sealed_.segment != 0) anchors_[newest_sealed_.segment] = newest_sealed_.link;
  for (const auto& [path, bytes] : spares_) remove_file(path);  // what was cleared is not to lie in a spare file either
  spares_.clear();
  for (const StillRead& raw : still_read_) remove_file(raw.path);
  still_read_.clear();
  ARBITER_TESTPOINT("clear.spares_gone");
  rotate_or_grow();
  ARBITER_TESTPOINT("clear.rotated");
  // Files may be gone for good before the mark and the table are on stable storage, unless that is waited for: the one place where the
  // writer does.
  const Segment& kept = active();
  syncer_.written(kept.file->file, kept.file->key, kept.index, last_frame_, true);
  syncer_.flush();
  if (!syncer_.reach(last_frame_)) return Error{"everything is cleared, but not for a power cut: the disk cannot be synced", EIO};
  for (auto it = segments_.begin(); std::next(it) != segments_.end();) {
    remove_file(it->second.path);
    ARBITER_TESTPOINT("clear.segment_gone");
    syncer_.settled(it->first, it->second.last_frame);
    it = segments_.erase(it);
  }
  remove_file(checkpoint_path(options_.directory));
  ARBITER_TESTPOINT("clear.done");
  edges_.forget_before(last_frame_ + 1);
  edges_.raise(age_edge());
  bind_edge();
  return {};
}

Result<void> Journal::State::close() {
  if (auto committed = commit(); !committed) return committed;
  Segment& last = active();
  if (last.state == SegmentState::active && last.first_frame <= last.last_frame) {
    last.state = SegmentState::full;
    seal(last);
  }
  background_.finish();
  absorb();
  ARBITER_TESTPOINT("journal.close_sealed");
  if (last.sealing) return Error{"segment " + std::to_string(last.index) + " is left unsealed: " + last_failure_};
  if (auto saved = checkpoint(); !saved) return saved;
  background_.finish();
  syncer_.flush();
  if (const auto trouble = background_.take_trouble(); trouble.episodes != 0) return Error{trouble.message};
  ARBITER_TESTPOINT("journal.closed");
  return {};
}

}  // namespace arbiter::journal

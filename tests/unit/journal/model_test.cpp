// Random histories, and after each step the journal is what the model says: sums, every event, cursors, accounts, the participant's state.
#include <cinttypes>
#include <fstream>

#include "collector/journal/raw_segment.hpp"
#include "tests/unit/journal/model.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

class History {
 public:
  History(std::uint64_t seed, std::uint64_t segment_bytes) : random_(seed) {
    options_.keys = test_keys();
    options_.directory = dir_.journal();
    options_.segment_bytes = segment_bytes;
    options_.sync = SyncPolicy::never;
    options_.retention = model_.retention;
    journal_ = open(options_, model_.uncommitted_recorder);
  }

  void step() {
    switch (below(24)) {
      default: append(1 + below(40)); break;
      case 10:
      case 11: amend(); break;
      case 12:
      case 13:
      case 14: commit(); break;
      case 15:
      case 16: retain(); break;
      case 17: limits(); break;
      case 18: close_lane(); break;
      case 19:
        if (below(6) == 0) clear();
        break;
      case 20: crash(); break;
      case 21: torn(); break;
      case 22:
        if (below(3) == 0) stop();
        break;
      case 23:
        commit();
        now_ -= static_cast<std::int64_t>(below(3000));
        break;
    }
    now_ += static_cast<std::int64_t>(below(50));
  }

  void compare() {
    retain();
    const auto view = journal_->view();
    const Statistics s = view->statistics();
    CHECK(s.retained == model_.retained());
    CHECK(s.lifetime.totals == model_.lifetime());
    CHECK(s.lifetime.cleared == model_.cleared);
    CHECK(s.closed == model_.closed);
    CHECK(s.damaged_blocks == 0);
    std::map<std::pair<LaneId, std::uint64_t>, const ModelEvent*> expected;
    std::uint64_t out = 0;
    for (const ModelEvent& e : model_.events) {
      out += e.out;
      if (!e.out) expected.emplace(std::pair(e.lane, e.sequence), &e);
    }
    CHECK(s.lifetime.retained_out == out - model_.cleared);
    std::uint64_t wrong = 0;
    const auto scan = view->scan({}, [&](const StoredEvent& e) {
      const auto it = expected.find({e.lane, e.values.sequence});
      if (it == expected.end()) return ++wrong, true;
      const ModelEvent& m = *it->second;
      const bool same = m.time_ns == e.time_ns && m.retention_ns == e.retention_ns && m.kind == e.values.kind && m.revision == e.revision &&
                        (m.kind != Kind::task_execution ||
                         (m.success == e.values.flag(field::kSuccess) && m.started_ns.has_value() == e.values.has(field::kStarted) &&
                          (!m.started_ns || *m.started_ns == e.values.time(field::kStarted))));
      wrong += !same;
      expected.erase(it);
      return true;
    });
    CHECK(wrong == 0);
    CHECK(expected.empty());
    CHECK(scan.events == s.retained.events());
    CHECK(scan.blocks_damaged == 0);
    for (const auto& [id, cursor] : model_.uncommitted_lanes) {
      const Cursor* const found = journal_->cursor(id);
      REQUIRE(found != nullptr);
      CHECK(*found == cursor);
    }
    CHECK(journal_->lanes().size() == model_.uncommitted_lanes.size());
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void append(std::uint64_t n) {
    const LaneId id = lane(static_cast<std::uint8_t>(1 + below(4) + generation_), static_cast<std::uint32_t>(below(3)));
    Cursor& cursor = model_.uncommitted_lanes[id];
    for (; n > 0; --n) {
      cursor.sequence += 1 + below(2);
      ++cursor.delivered;
      cursor.position.value += 3;
      const std::int64_t own =
          below(3) == 0 ? abi::kNoTime : now_ - static_cast<std::int64_t>(below(6000)) + static_cast<std::int64_t>(below(300));
      event::Values v;
      const std::string word = "word-" + std::to_string(below(300)), data = "{\"x\":\"" + std::string(below(400), 'x') + "\"}";
      switch (below(3)) {
        case 0:
          v = execution(cursor.sequence, now_, below(3) != 0,
                        below(2) == 0 ? std::optional(now_ - static_cast<std::int64_t>(below(9000))) : std::nullopt, "t", own);
          break;
        case 1: v = decision(cursor.sequence, now_, "t", own); break;
        case 2: v = generic(cursor.sequence, now_, word, data, own); break;
      }
      ModelEvent m;
      m.ref = put(*journal_, id, v, &model_.uncommitted_recorder);
      m.lane = id;
      m.sequence = v.sequence;
      m.time_ns = m.ref.time_ns;
      m.retention_ns = m.ref.retention_ns;
      CHECK(m.retention_ns == std::min(m.time_ns, now_));
      m.kind = v.kind;
      m.success = v.kind == Kind::task_execution && v.flag(field::kSuccess);
      if (v.kind == Kind::task_execution && v.has(field::kStarted)) m.started_ns = v.time(field::kStarted);
      if (v.kind == Kind::generic) m.generic_name = word;
      model_.uncommitted.push_back(std::move(m));
    }
    journal_->advance(id, cursor);
  }

  void amend() {
    for (int tries = 0; tries < 8 && model_.size() > 0; ++tries) {
      const std::size_t span = std::min<std::size_t>(model_.size(), below(3) == 0 ? model_.size() : 200);
      const std::size_t i = model_.size() - 1 - below(span);
      const ModelEvent& m = model_.at(i);
      if (m.kind != Kind::task_execution) continue;
      event::Values patch = head(Kind::task_execution, 0, 0);
      patch.stamp = 0;
      const bool pending_start =
          std::any_of(model_.uncommitted_starts.begin(), model_.uncommitted_starts.end(), [&](const auto& p) { return p.first == i; });
      if (!m.started_ns && !pending_start && below(2) == 0) {
        const std::int64_t started = m.time_ns - static_cast<std::int64_t>(below(5000)) + 500;
        patch.set_time(field::kStarted, started);
        journal_->amend(m.ref, patch);
        model_.uncommitted_starts.emplace_back(i, started);
      } else {
        patch.set_text(schema::field(Kind::task_execution, "routingDecision.routingStrategy"), std::string_view("random"));
        journal_->amend(m.ref, patch);
        model_.uncommitted_marks.push_back(i);
      }
      return;
    }
  }

  void commit() {
    must(journal_->commit());
    model_.commit();
  }

  void retain() {
    commit();
    journal_->retain(now_);
    model_.retain(now_);
    must(journal_->commit());  // the edge
  }

  void limits() {
    retain();
    model_.retention = {};
    if (below(2) == 0) model_.retention.max_age = std::chrono::nanoseconds(below(8000));
    if (below(2) == 0) model_.retention.max_events = below(3) == 0 ? below(20) : below(3000);
    options_.retention = model_.retention;
    journal_->set_retention(model_.retention);
    retain();
  }

  void close_lane() {
    commit();
    if (model_.uncommitted_lanes.empty()) return;
    auto it = model_.uncommitted_lanes.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(below(model_.uncommitted_lanes.size())));
    Cursor last = it->second;
    last.attempted = last.sequence;
    last.dropped_by[0] = 3;
    last.refused_by[2] = 1;
    journal_->close_lane(it->first, last, 1);
    model_.closed += ClosedLanes(last, 1);
    model_.uncommitted_lanes.erase(it);
    generation_ = static_cast<std::uint8_t>((generation_ + 4) % 200);  // lanes are never used again
    commit();
  }

  void clear() {
    commit();
    retain();
    must(journal_->clear());
    model_.clear();
  }

  void reopen() {
    journal_.reset();
    model_.crash();
    Recorder& state = model_.uncommitted_recorder;
    state = {};
    journal_ = open(options_, state);
    CHECK(state == model_.recorder);
  }

  void crash() {
    if (below(3) == 0) {
      commit();
      must(journal_->checkpoint());
      if (below(2) == 0) journal_.reset();  // else it is there when the journal is gone, or it is not
    }
    reopen();
  }

  void stop() {
    commit();
    must(journal_->close());
    reopen();
  }

  // The last frame is cut off, or half of it is something else.
  void torn() {
    retain();
    append(1 + below(30));
    const Model before = model_;
    const auto raw = files(options_.directory, ".journal");
    if (raw.empty()) return;
    const std::uint64_t segments = journal_->statistics().segments;
    const auto start = end_of(raw.back());
    must(journal_->commit());
    if (journal_->statistics().segments != segments) {
      model_.commit();
      return;
    }
    const auto end = end_of(raw.back());
    journal_.reset();
    const std::uint64_t cut = start + below(end - start);
    if (below(2) == 0) {
      std::filesystem::resize_file(raw.back(), cut);
    } else {
      std::fstream file(raw.back(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(cut));
      file.put(static_cast<char>(random_()));
      file.put(static_cast<char>(random_()));
      for (std::uint64_t i = cut + 2; i < end; ++i) file.put('\0');
    }
    const LaneId last = model_.uncommitted.back().lane;
    static_cast<void>(last);
    model_ = before;
    reopen();
  }

  static std::uint64_t end_of(const std::string& path) {
    const auto opened = open_raw_segment(path, test_keys());
    must(opened);
    const RawSegment& s = opened->segment;
    FrameStream frames(s, s.end, s.size, s.previous);
    while (frames.next()) {
    }
    return frames.next_offset();
  }

  TempDir dir_;
  std::mt19937_64 random_;
  Options options_;
  Model model_;
  std::unique_ptr<Journal> journal_;
  std::int64_t now_ = 1'000'000;
  std::uint8_t generation_ = 0;
};

void run(std::uint64_t seed, std::uint64_t segment_bytes, int steps) {
  CAPTURE(seed);
  History history(seed, segment_bytes);
  for (int i = 0; i < steps; ++i) {
    CAPTURE(i);
    history.step();
    if (i % 16 == 15) history.compare();
  }
  history.compare();
}

// ARBITER_SEEDS=<n>: so many histories more, for a soak.
std::uint64_t seeds(std::uint64_t usual) {
  const char* const more = std::getenv("ARBITER_SEEDS");
  return usual + (more == nullptr ? 0 : std::strtoull(more, nullptr, 10));
}

}  // namespace

TEST_CASE("after any history the journal holds what the model holds, to the event") {
  for (std::uint64_t seed = 1; seed <= seeds(12); ++seed) run(seed, 64 << 10, 400);
}

TEST_CASE("after any history in segments of many blocks the journal holds what the model holds, to the event") {
  for (std::uint64_t seed = 10'001; seed <= 10'000 + seeds(3); ++seed) run(seed, 16 << 20, 600);
}

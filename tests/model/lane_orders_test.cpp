// The lane's memory orders, in every interleaving and with every stale value that the C++ memory model allows (relacy searches at random,
// from a fixed seed). The code is the shipped one: see modelled_atomic.hpp.
//
//   right    each scenario holds with the orders as they are
//   needed   each order stronger than relaxed, weakened to relaxed, breaks a scenario; so none is there for show, and none is unwatched
//   all      each place of the lane's source that names such an order was passed
//
// A program of its own, without doctest: relacy replaces operator new.
#include "tests/model/modelled_atomic.hpp"

#include "shm/lane_reader.cpp"
#include "shm/lane_writer.cpp"
// The hand-over of a lane from thread to thread is SegmentWriter's; how one is made of memory is not the test's to ask.
#define private public
#include "shm/segment.hpp"
#undef private
#include "shm/segment.cpp"
#include "shm/segment_writer.cpp"

#undef atomic
#undef memcpy
#undef madvise

#include <cstdio>
#include <fstream>
#include <ostream>
#include <streambuf>
#include <string>

using namespace arbiter;
using abi::Position;

namespace {

constexpr std::uint32_t kMin = abi::kLaneRecordsMin;

constexpr std::uint32_t kRefused = 1000;
enum Way : unsigned { wrapped = 1, grew = 2, jumped = 4, dropped = 8, overwrote = 16, refused = 32, handed = 64 };
unsigned gone;  // where the runs of a scenario have led

struct Stretch {
  std::uint32_t begin = 0, end = 0;  // offsets of records
};

// Where a lane stands when both begin, and what they do then.
struct Scenario {
  const char* name;
  Position write{};                     // published
  Position acknowledged{};              // by the collector
  Position cursor{};                    // the collector's own: it may have read what it has not acknowledged
  std::array<Stretch, 2> touched;       // the records that may be
  bool grows = false;                   // or has no memory for it
  std::array<std::uint32_t, 4> events;  // records of each; 0: one for which there is no room ever, kRefused: refused
  std::uint32_t tries = 1;              // of the writer, until an event has room
  std::uint32_t looks = 5;              // of the reader
  bool hands_over = false;              // two threads and one segment instead: whoever is second takes the lane up, or the next lane
  unsigned leads_to = 0;                // where it must lead in some of the runs: bits of Way
};

const Scenario kScenarios[] = {
    {.name = "straight on", .touched = {{{0, 8}}}, .events = {1, 2, 1, 1}, .looks = 4},
    {.name = "around the edge",
     .write = Position::at(0, kMin - 3),
     .acknowledged = Position::at(0, kMin - 3),
     .cursor = Position::at(0, kMin - 3),
     .touched = {{{kMin - 3, kMin}, {0, 5}}},
     .events = {1, 2, 1, 1},
     .leads_to = wrapped},
    // The writer is around and just behind the collector, and gets no memory: it writes where the collector has just read.
    {.name = "full",
     .write = Position::at(1, kMin - 6),
     .acknowledged = Position::at(0, kMin - 4),
     .cursor = Position::at(0, kMin - 4),
     .touched = {{{kMin - 6, kMin}, {0, 9}}},
     .events = {1, 1, 1, 1},
     .tries = 3,
     .looks = 3,
     .leads_to = dropped | overwrote},
    {.name = "growth",
     .write = Position::at(0, kMin - 2),
     .cursor = Position::at(0, kMin - 2),
     .touched = {{{kMin - 2, kMin + 5}, {0, 6}}},
     .grows = true,
     .events = {1, 2, 1, 1},
     .leads_to = grew | wrapped},
    {.name = "jump",
     .write = Position::at(1, kMin - 6),
     .acknowledged = Position::at(0, kMin - 4),
     .cursor = Position::at(1, kMin - 6),
     .touched = {{{kMin - 6, kMin + 6}, {0, 6}}},
     .grows = true,
     .events = {1, 2, 2, 1},
     .leads_to = grew | jumped},
    {.name = "account", .touched = {{{0, 4}}}, .events = {0, kRefused, 1, 0}, .leads_to = dropped | refused},
    {.name = "hand-over", .touched = {{{0, 8}}}, .events = {}, .hands_over = true, .leads_to = handed},
};
const Scenario* scenario;

std::byte* area() {
  alignas(64) static std::byte bytes[2 * kMin * abi::kRecordBytes];
  return bytes;
}

void put(std::byte* at, std::uint64_t sequence, std::uint32_t records) {
  const abi::EventHead head{0, sequence, abi::kNoTime, 0, 0, records * 64, 13, 0};
  std::byte event[4 * 64]{};
  std::memcpy(event, &head, sizeof head);
  std::modelled_memcpy(at, event, std::size_t{records} * 64);
}

struct Lane : rl::test_suite<Lane, 2> {
  abi::LaneControl control{};
  model::Watched shared;
  std::uint64_t sequence_begin = 0;

  void before() {
    model::watched = &shared;
    model::populate = scenario->grows ? [] { return 0; } : [] { return -1; };
    shared.area = area();
    shared.area_bytes = sizeof(std::byte[2 * kMin * 64]);
    // What the collector has still to read when it begins: events of one record, and, a lap behind, the skip record at the edge.
    const bool lap_behind = scenario->cursor.lap() < scenario->write.lap();
    sequence_begin = lap_behind ? 3 : 0;
    shared.watch(&control.producer.write, scenario->write.value);
    shared.watch(&control.producer.attempted, sequence_begin);
    shared.watch(&control.account.dropped[0], 0);
    shared.watch(&control.account.refused[0], 0);
    shared.watch(&control.account.backed_records, kMin);
    shared.watch(&control.collector.acknowledged, scenario->acknowledged.value);
    for (const Stretch& stretch : scenario->touched)
      for (std::uint32_t at = stretch.begin; at < stretch.end; ++at) shared.record_offset[shared.records++] = at;
    // All that is backed has been written once, in laps long ago; what is not has not.
    for (std::size_t i = 0; i < shared.records; ++i)
      if (shared.record_offset[i] < kMin) put(area() + std::size_t{shared.record_offset[i]} * 64, 0, 1);
    if (!lap_behind) return;
    for (std::uint32_t i = 0; i < 3; ++i) put(area() + std::size_t{kMin - 4 + i} * 64, i + 1, 1);
    abi::SkipRecord skip{};
    skip.target = Position::at(1, 0).value;
    skip.kind = abi::kSkipKind;
    std::modelled_memcpy(area() + std::size_t{kMin - 1} * 64, &skip, sizeof skip);
  }

  void thread(unsigned index) { index == 0 ? produce() : collect(); }

  void produce() {
    LaneWriter lane = *LaneWriter::resume(control, area());
    for (const std::uint32_t records : scenario->events) {
      const std::uint64_t sequence = lane.attempt();
      if (records == kRefused) {
        lane.count_refused(abi::Refusal::missing);
        gone |= refused;
        continue;
      }
      const Position before = lane.position();
      const std::uint32_t backed = lane.backed_records();
      std::byte* at = nullptr;
      for (std::uint32_t i = 0; i < scenario->tries && at == nullptr && records != 0; ++i) at = lane.reserve(records);
      if (at == nullptr) {
        lane.count_dropped(abi::Drop::lane_full);
        gone |= dropped;
        continue;
      }
      put(at, sequence, records);
      if (lane.position().lap() != before.lap()) gone |= wrapped;
      if (lane.position().lap() == before.lap() && lane.position() != before) gone |= jumped;
      if (lane.backed_records() != backed) gone |= grew;
      if (lane.position() >= Position::at(scenario->cursor.lap() + 1, scenario->cursor.offset())) gone |= overwrote;
      lane.publish(records);
    }
  }

  void collect() {
    LaneReader lane(control, area(), abi::kLaneRecords);
    std::byte buffer[3 * 64];
    Position cursor = scenario->cursor;
    std::uint64_t last_sequence = 0, delivered = 0;
    for (std::uint32_t i = 0; i < scenario->looks; ++i) {
      const LaneReader::Copied got = lane.copy(cursor, buffer);
      RL_ASSERT(got.fault == LaneReader::Fault::none);
      for (const auto event : EventWalk(std::span<const std::byte>(buffer, got.bytes))) {
        abi::EventHead head;
        std::memcpy(&head, event.data(), sizeof head);
        // Behind the skip record of a lap ago lies what this model has not numbered.
        if (scenario->cursor.lap() < scenario->write.lap() && got.next.lap() == 1) break;
        RL_ASSERT(head.sequence > last_sequence);
        last_sequence = head.sequence;
        ++delivered;
      }
      cursor = got.next;
      const LaneReader::Account account = lane.account();
      RL_ASSERT(account.attempted >= last_sequence);
      RL_ASSERT(account.attempted >= delivered + account.dropped_total() + account.refused_total());
      RL_ASSERT(got.events == 0 || cursor.offset() <= lane.backed_records());
      RL_ASSERT(lane.published() >= cursor);
      if (got.events != 0) lane.acknowledge(cursor, delivered);
    }
  }
};

struct HandOver : rl::test_suite<HandOver, 2> {
  model::Watched shared;
  SegmentWriter* segment = nullptr;
  std::uint64_t recorded[2]{};
  bool had_first_lane[2]{};

  static std::byte* memory() {
    alignas(4096) static std::byte bytes[abi::kSegmentBytes];
    return bytes;
  }

  void before() {
    model::watched = &shared;
    model::populate = [] { return 0; };
    std::memset(memory(), 0, abi::kDataOffset);
    alignas(SegmentWriter) static std::byte storage[sizeof(SegmentWriter)];  // never destroyed: there is nothing to unmap
    segment = new (storage) SegmentWriter(Mapping(memory(), abi::kSegmentBytes), {}, {}, abi::ClockSource::monotonic, 0, 0);
    abi::LaneControl& control = segment->control(0);
    for (const void* word : {static_cast<const void*>(&segment->taken_), static_cast<const void*>(&control.producer.write),
                             static_cast<const void*>(&control.producer.attempted),
                             static_cast<const void*>(&control.account.backed_records), static_cast<const void*>(&control.account.claimed)})
      shared.watch(word, 0);
    shared.area = segment->area(0);
    shared.area_bytes = abi::kLaneBytes;
    for (std::uint32_t at = scenario->touched[0].begin; at < scenario->touched[0].end; ++at) shared.record_offset[shared.records++] = at;
    for (std::size_t i = 0; i < shared.records; ++i) put(segment->area(0) + i * 64, 0, 1);
  }

  void thread(unsigned index) {
    SegmentWriter::Claimed got = segment->claim();
    RL_ASSERT(got.outcome == SegmentWriter::Claim::claimed);
    had_first_lane[index] = got.lane == 0;
    for (int i = 0; i < 2 && got.lane == 0; ++i) {
      const std::uint64_t sequence = got.writer.attempt();
      put(got.writer.reserve(1), sequence, 1);
      got.writer.publish(1);
      ++recorded[index];
    }
    segment->release(got.lane);
  }

  void after() {
    LaneReader lane(segment->control(0), segment->area(0), abi::kLaneRecords);
    std::byte buffer[8 * 64];
    const LaneReader::Copied got = lane.copy({}, buffer);
    RL_ASSERT(got.fault == LaneReader::Fault::none && got.events == recorded[0] + recorded[1]);
    RL_ASSERT(lane.account().attempted == got.events && lane.backed_records() == kMin);
    std::uint64_t sequence = 0;
    for (const auto event : EventWalk(std::span<const std::byte>(buffer, got.bytes))) {
      abi::EventHead head;
      std::memcpy(&head, event.data(), sizeof head);
      RL_ASSERT(head.sequence == ++sequence);
    }
    if (had_first_lane[0] && had_first_lane[1]) gone |= handed;
  }
};

// What relacy says, without the heap, which it watches; the end of it is lost if it says much.
class Said : public std::streambuf {
 public:
  Said() { setp(text_.data(), text_.data() + text_.size()); }
  std::string text() const { return {pbase(), pptr()}; }

 private:
  int overflow(int c) override { return c == traits_type::eof() ? 0 : c; }
  std::array<char, 1 << 16> text_;
};

std::string last_history;

// Nothing if it holds; else what relacy says of it.
std::string broken(const Scenario& what, unsigned long iterations) {
  scenario = &what;
  gone = 0;
  Said said;
  std::ostream out(&said);
  rl::test_params search;
  search.iteration_count = iterations;
  search.output_stream = search.progress_stream = &out;
  search.search_type = rl::sched_random;
  if (what.hands_over ? rl::simulate<HandOver>(search) : rl::simulate<Lane>(search)) return {};
  last_history = said.text();
  return rl::test_result_str(search.test_result);
}

std::string shown(const model::Site& site) {
  std::string file = site.file;
  return file.substr(file.rfind("shm/")) + ':' + std::to_string(site.line) +
         (site.order == std::memory_order_acquire   ? " acquire"
          : site.order == std::memory_order_release ? " release"
                                                    : " other");
}

// The lines of the lane's source that name an order stronger than relaxed.
model::Sites in_source(const std::string& root, bool& readable) {
  static std::array<std::string, 5> files = {root + "/shm/lane_reader.cpp", root + "/shm/lane_reader.hpp", root + "/shm/lane_writer.cpp",
                                             root + "/shm/lane_writer.hpp", root + "/shm/segment_writer.cpp"};
  model::Sites sites;
  for (const std::string& file : files) {
    std::ifstream in(file);
    readable = readable && in.good();
    std::string text;
    for (std::uint32_t line = 1; std::getline(in, text); ++line)
      for (const auto& [word, order] :
           {std::pair("memory_order_acquire", std::memory_order_acquire), std::pair("memory_order_release", std::memory_order_release),
            std::pair("memory_order_acq_rel", std::memory_order_acq_rel), std::pair("memory_order_seq_cst", std::memory_order_seq_cst)})
        if (text.find(word) != std::string::npos) sites.add({file.c_str(), line, order});
  }
  return sites;
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned long iterations = argc > 1 ? std::stoul(argv[1]) : 10'000;
  int failures = 0;
  const auto fail = [&failures](const std::string& what) {
    std::printf("FAILED: %s\n", what.c_str());
    ++failures;
  };

  for (const Scenario& what : kScenarios) {
    const std::string result = broken(what, iterations);
    std::printf("%s: %s\n", what.name, result.empty() ? "holds" : result.c_str());
    if (!result.empty()) fail(std::string(what.name) + ": " + result + '\n' + last_history);
    if ((gone & what.leads_to) != what.leads_to) fail(std::string(what.name) + ": never went where it was meant to go");
  }

  const model::Sites asked = model::passed;
  for (std::size_t i = 0; i < asked.count; ++i) {
    model::weak = &asked.all[i];
    std::string caught;
    for (const Scenario& what : kScenarios) {
      const std::string result = broken(what, iterations);
      if (result.empty()) continue;
      caught = result + ", " + what.name;
      break;
    }
    model::weak = nullptr;
    std::printf("%s relaxed: %s\n", shown(asked.all[i]).c_str(), caught.empty() ? "nothing breaks" : caught.c_str());
    if (caught.empty()) fail(shown(asked.all[i]) + " is stronger than anything here needs, or a scenario is missing");
  }

  bool readable = true;
  const model::Sites written = in_source(ARBITER_SOURCE_DIR, readable);
  if (!readable) fail("the lane's source is not below " ARBITER_SOURCE_DIR);
  for (std::size_t i = 0; i < written.count; ++i) {
    bool found = false;
    for (std::size_t j = 0; j < asked.count; ++j) found = found || shown(asked.all[j]) == shown(written.all[i]);
    if (!found) fail(shown(written.all[i]) + " is not passed by any scenario");
  }
  std::printf("%zu orders, %d failures\n", asked.count, failures);
  return failures == 0 ? 0 : 1;
}

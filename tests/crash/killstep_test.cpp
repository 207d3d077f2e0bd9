// A producer killed by SIGKILL after every single instruction of a record call: the collector's side finds all of the event or nothing of
// it, an account that adds up, and a lane that goes on.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arbiter/producer.hpp"
#include "shm/clock.hpp"
#include "shm/segment.hpp"
#include "single_step.hpp"
#include "tests/unit/producer/as_values.hpp"
#include "tests/unit/shm/lane_in_memory.hpp"
#include "tests/unit/shm/own_directory.hpp"

// In place of the library's own: the way through clock_gettime is not the same twice, where the kernel does not trust the counter.
arbiter::abi::ClockSource arbiter::best_clock() noexcept { return abi::ClockSource::tsc; }

using namespace arbiter;
using test::OwnDirectory;
using test::SteppedChild;
using test::Way;

namespace {

// One record: what lanes are filled with. Three records: ids that are long enough.
const AgentStatusChange kSmall{.agent_id = "agent-7", .status = "busy"};
const RoutingDecision kLarge{.decision_id = "decision-0123456789abcdef0123456789abcdef",
                             .task_id = "task-0123456789abcdef0123456789abcdef",
                             .selected_agent = "agent-0123456789abcdef",
                             .confidence = 0.85,
                             .rationale = "it had the shortest queue"};
// As many as an event may have.
const std::string kLongReason(65'470, 'r');
const AgentStatusChange kLargest{.agent_id = "agent-7", .status = "busy", .reason = kLongReason};
const AgentStatusChange kBad{.agent_id = "agent-7", .status = "asleep"};

// The bytes an event must have; its stamp is left out of comparisons, its sequence is put in.
template <class E>
std::vector<std::byte> bytes_of(const E& event) {
  std::deque<std::string> lists;
  event::Values values = test::as_values(event, lists);
  std::vector<std::byte> bytes(event::encoded_bytes(values));
  event::encode(values, bytes.data());
  return bytes;
}

bool is_event(std::span<const std::byte> found, std::span<const std::byte> expected, std::uint64_t sequence) {
  constexpr std::size_t behind_sequence = offsetof(abi::EventHead, time_ns);
  return found.size() == expected.size() && test::sequence_of(found) == sequence &&
         std::memcmp(found.data() + behind_sequence, expected.data() + behind_sequence, found.size() - behind_sequence) == 0;
}

enum class Ends { recorded, dropped, refused };

// What a lane is brought to, and the call that is then cut at every instruction.
struct Case {
  const char* name;
  Ends ends;
  std::vector<std::byte> event;                         // that the call records
  std::uint32_t largest_before = 0;                     // events of the largest size, first of all
  std::uint32_t small_before = 0;                       // then events of one record
  std::uint32_t acknowledged = 0;                       // records, by the collector, when these have been recorded
  std::uint32_t small_between = 0;                      // events of one record, after that
  std::uint64_t end = 0;                                // position after the call
  std::uint32_t backed_records = abi::kLaneRecordsMin;  // after the call
  std::function<void(SteppedChild::Inside&, const std::string& lanes, const Case&)> child{};

  std::uint64_t events_before() const { return std::uint64_t{largest_before} + small_before + small_between; }
};

// The public way.
template <class E>
auto by_producer(const E& event) {
  return [&event](SteppedChild::Inside& inside, const std::string& lanes, const Case& what) {
    Producer producer({.ring_dir = lanes});
    for (std::uint32_t i = 0; i < what.largest_before; ++i) producer.record(kLargest);
    for (std::uint32_t i = 0; i < what.small_before; ++i) producer.record(kSmall);
    if (!producer.attach_thread()) _exit(3);
    inside.wait_for_parent();
    for (std::uint32_t i = 0; i < what.small_between; ++i) producer.record(kSmall);
    inside.stepped([&] { producer.record(event); });
  };
}

// A writer of our own on a real lane, for what no real one does.
using Writing = void (*)(LaneWriter& lane, std::span<const std::byte> event);
auto by_hand(Writing write) {
  return [write](SteppedChild::Inside& inside, const std::string& lanes, const Case& what) {
    SegmentWriter segment = SegmentWriter::create(lanes, false).value();
    LaneWriter lane = segment.claim().writer;
    inside.wait_for_parent();
    inside.stepped([&] { write(lane, what.event); });
  };
}

void fill(std::byte* at, std::span<const std::byte> event, std::uint64_t sequence) {
  std::memcpy(at, event.data(), event.size());
  std::memcpy(at + offsetof(abi::EventHead, sequence), &sequence, sizeof sequence);
}

struct Found {
  std::string wrong;  // empty: all is as it must be
  bool event = false;
  std::uint64_t in_flight = 0;
};

// The collector's side of one kill.
class Survivor {
 public:
  Survivor(const OwnDirectory& dir, const Case& what) : dir_(dir), what_(what), buffer_(256 * 1024) {}

  void attach() {
    const auto names = dir_.names();
    REQUIRE(names.size() == 1);
    name_ = names[0];
    segment_.emplace(SegmentReader::attach(dir_.fd(), name_.c_str()).value());
    REQUIRE(segment_->owner_alive());
    const LaneReader::Copied got = segment_->lane(0).copy(cursor_, std::span(buffer_).first(std::size_t{what_.acknowledged} * 64));
    REQUIRE(got.next.offset() == what_.acknowledged);
    cursor_ = got.next;
    delivered_ = got.events;
    segment_->lane(0).acknowledge(cursor_, delivered_);
  }

  Found look(bool ended) {
    Found found;
    const auto wrong = [&](const char* why) {
      found.wrong = why;
      return found;
    };
    const LaneReader lane = segment_->lane(0);
    if (segment_->owner_alive()) return wrong("its lock is still held");
    static const std::vector<std::byte> small = bytes_of(kSmall), largest = bytes_of(kLargest);
    const std::uint64_t before = what_.events_before();
    while (true) {
      const LaneReader::Copied got = lane.copy(cursor_, buffer_);
      if (got.fault != LaneReader::Fault::none) return wrong("bad framing");
      if (got.events == 0) break;
      for (const auto event : EventWalk(std::span(buffer_).first(got.bytes))) {
        if (found.event) return wrong("more than was recorded");
        found.event = delivered_ == before;
        if (!is_event(event, found.event ? what_.event : delivered_ < what_.largest_before ? largest : small, delivered_ + 1))
          return wrong("not the event that was recorded");
        ++delivered_;
      }
      cursor_ = got.next;
    }
    if (cursor_ != lane.published()) return wrong("an end that is not the published one");
    if (delivered_ < before) return wrong("an earlier event is lost");

    const LaneReader::Account account = lane.account();
    const std::uint64_t known = delivered_ + account.dropped_total() + account.refused_total();
    if (account.attempted < known || account.attempted > known + 1) return wrong("the account does not add up");
    found.in_flight = account.attempted - known;
    if (account.dropped_total() > (what_.ends == Ends::dropped ? 1 : 0)) return wrong("a drop that was none");
    if (account.refused_total() > (what_.ends == Ends::refused ? 1 : 0)) return wrong("a refusal that was none");
    if (ended) {
      if (found.event != (what_.ends == Ends::recorded)) return wrong("it returned, and the event is not there");
      if (found.in_flight != 0) return wrong("it returned, and is still in flight");
      if (lane.published().value != what_.end) return wrong("not where the case was meant to end");
      if (lane.backed_records() != what_.backed_records) return wrong("not the growth that the case was meant to have");
    }
    lane_goes_on(found);
    return found;
  }

  // The lane as it was left: drained and acknowledged, written on, read again.
  void lane_goes_on(Found& found) {
    LaneReader reader = segment_->lane(0);
    reader.acknowledge(cursor_, delivered_);
    const int fd = openat(dir_.fd(), name_.c_str(), O_RDWR | O_CLOEXEC);
    void* const at = mmap(nullptr, abi::kSegmentBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    REQUIRE(at != MAP_FAILED);
    const Mapping map(static_cast<std::byte*>(at), abi::kSegmentBytes);
    auto writer = LaneWriter::resume(map.at<abi::LaneControl>(abi::kControlOffset), map.begin() + abi::kDataOffset);
    const test::Sizes sizes{5, 300, 1u << 30};
    const std::uint64_t attempted = reader.account().attempted;
    bool good = writer.has_value();
    for (int i = 0; i < 5 && good; ++i) good = test::record(*writer, sizes);
    const LaneReader::Copied got = reader.copy(cursor_, buffer_);
    std::uint64_t sequence = attempted;
    if (good && got.events == 5)
      for (const auto event : EventWalk(std::span(buffer_).first(got.bytes)))
        ++sequence, good = good && test::is_event(event, sequence, sizes.length(sequence));
    if (!good || sequence != attempted + 5 || reader.account().attempted != sequence) found.wrong = "the lane does not go on";
  }

  void remove() {
    REQUIRE(segment_->unlink().has_value());
    segment_.reset();
    cursor_ = {};
    delivered_ = 0;
  }

 private:
  const OwnDirectory& dir_;
  const Case& what_;
  std::vector<std::byte> buffer_;
  std::string name_;
  std::optional<SegmentReader> segment_;
  abi::Position cursor_;
  std::uint64_t delivered_ = 0;
};

struct Swept {
  std::uint64_t kills = 0;
  std::uint64_t with_event = 0, in_flight = 0;  // kills that left it
  std::uint64_t wrong = 0;
  std::string first_wrong;
};

constexpr int kTries = 5;  // to go the usual way

// Kills after 0, 1, 2, ... instructions, until the call comes to its end. Nothing: the way was another all at once. It may follow from the
// time (a lane grows when its lap was a short one), and a machine that was busy may be so no longer.
std::optional<Swept> try_sweep(const Case& what) {
  OwnDirectory dir;
  Survivor survivor(dir, what);
  Swept swept;
  Way way;
  bool had_event = false;
  const auto in_child = [&](auto&& then) {
    SteppedChild child([&](SteppedChild::Inside& inside) { what.child(inside, dir.lanes(), what); });
    child.wait();
    survivor.attach();
    child.resume();
    child.wait();
    then(child);
  };
  Way before;
  for (int i = 0; i == 0 || (i < kTries && way != before); ++i) {  // a way that was gone twice is the usual one
    before = way;
    in_child([&](SteppedChild& child) { way = child.walk(); });
    survivor.remove();
  }
  if (way != before) return std::nullopt;
  REQUIRE(way.size() < 5000);
  for (; swept.kills < way.size(); ++swept.kills) {
    bool killed = false;
    for (int i = 0; i < kTries && !killed; ++i) {
      if (i > 0) survivor.remove();
      in_child([&](SteppedChild& child) { killed = child.kill_after(swept.kills, way); });
    }
    if (!killed) return std::nullopt;
    Found found = survivor.look(swept.kills + 1 == way.size());
    if (found.wrong.empty() && had_event && !found.event) found.wrong = "the event was there an instruction before";
    if (!found.wrong.empty() && swept.wrong++ == 0)
      swept.first_wrong = "after instruction " + std::to_string(swept.kills) + ": " + found.wrong;
    had_event = found.event;
    swept.with_event += found.event;
    swept.in_flight += found.in_flight;
    survivor.remove();
  }
  std::printf("%s: killed after each of %zu instructions: %llu in flight, %llu with the event, %llu wrong\n", what.name, way.size() - 1,
              static_cast<unsigned long long>(swept.in_flight), static_cast<unsigned long long>(swept.with_event),
              static_cast<unsigned long long>(swept.wrong));
  return swept;
}

Swept sweep(const Case& what) {
  std::optional<Swept> swept;
  for (int i = 0; i < kTries && !swept; ++i) swept = try_sweep(what);
  REQUIRE(swept);
  return *swept;
}

bool possible() {
  static const bool permitted = SteppedChild::permitted();
  if (!permitted) std::puts("not run: crash_killstep: processes may not be traced here (ptrace)");
  return permitted;
}

constexpr std::uint32_t kMin = abi::kLaneRecordsMin;
constexpr std::uint64_t lap(std::uint32_t number) { return std::uint64_t{number} << 32; }

void check_right(const Case& what) {
  if (!possible()) return;
  const Swept swept = sweep(what);
  CHECK_MESSAGE(swept.wrong == 0, swept.first_wrong);
  CHECK(swept.in_flight > 10);  // between the attempt and its end lies all the work
  CHECK((swept.with_event > 0) == (what.ends == Ends::recorded));
}

// A writer that does it wrong is found out, and for that.
void check_caught(const char* name, Writing write, const char* as) {
  if (!possible()) return;
  const Swept swept = sweep({.name = name, .ends = Ends::recorded, .event = bytes_of(kLarge), .end = 3, .child = by_hand(write)});
  CHECK(swept.wrong > 0);
  CHECK_MESSAGE(swept.first_wrong.ends_with(as), swept.first_wrong);
}

}  // namespace

TEST_CASE("killed at any instruction of an event of one record, a producer leaves all of it or nothing") {
  check_right({.name = "one record",
               .ends = Ends::recorded,
               .event = bytes_of(kSmall),
               .small_before = 3,
               .acknowledged = 2,
               .end = 4,
               .child = by_producer(kSmall)});
}

TEST_CASE("killed at any instruction of an event of three records, a producer leaves all of it or nothing") {
  REQUIRE(records_for(bytes_of(kLarge).size()) == 3);
  check_right({.name = "three records",
               .ends = Ends::recorded,
               .event = bytes_of(kLarge),
               .small_before = 3,
               .acknowledged = 3,
               .end = 6,
               .child = by_producer(kLarge)});
}

TEST_CASE("killed at any instruction of an event that goes around the lane's end, a producer leaves all of it or nothing") {
  check_right({.name = "wrapping",
               .ends = Ends::recorded,
               .event = bytes_of(kLarge),
               .small_before = kMin - 2,
               .acknowledged = kMin - 96,
               .end = lap(1) + 3,
               .child = by_producer(kLarge)});
}

TEST_CASE("killed at any instruction of an event that jumps over the unread part into new memory, a producer leaves all of it or nothing") {
  // The collector is at 3000; the writer is around once and just behind it.
  check_right({.name = "skipping",
               .ends = Ends::recorded,
               .event = bytes_of(kLarge),
               .small_before = kMin - 1,
               .acknowledged = 3000,
               .small_between = 2999,
               .end = lap(1) + kMin + 3,
               .backed_records = 2 * kMin,
               .child = by_producer(kLarge)});
}

TEST_CASE("killed at any instruction of an event that makes the lane grow, a producer leaves all of it or nothing") {
  check_right({.name = "growing",
               .ends = Ends::recorded,
               .event = bytes_of(kLarge),
               .small_before = kMin - 2,
               .end = kMin + 1,
               .backed_records = 2 * kMin,
               .child = by_producer(kLarge)});
}

TEST_CASE("killed at any instruction of an event that finds the lane full, a producer leaves an account that adds up") {
  check_right({.name = "full",
               .ends = Ends::dropped,
               .largest_before = 127,
               .small_before = 1023,
               .end = abi::kLaneRecords - 1,
               .backed_records = abi::kLaneRecords,
               .child = by_producer(kSmall)});
}

TEST_CASE("killed at any instruction of an event that is refused, a producer leaves an account that adds up") {
  check_right({.name = "refused", .ends = Ends::refused, .small_before = 3, .end = 3, .child = by_producer(kBad)});
}

TEST_CASE("a writer that publishes before it fills is caught") {
  check_caught(
      "publish before fill",
      [](LaneWriter& lane, std::span<const std::byte> event) {
        const std::uint64_t sequence = lane.attempt();
        std::byte* const at = lane.reserve(3);
        lane.publish(3);
        fill(at, event, sequence);
      },
      "bad framing");
}

TEST_CASE("a writer that publishes an event record by record is caught") {
  check_caught(
      "record by record",
      [](LaneWriter& lane, std::span<const std::byte> event) {
        const std::uint64_t sequence = lane.attempt();
        fill(lane.reserve(3), event, sequence);
        for (int i = 0; i < 3; ++i) lane.publish(1);
      },
      "bad framing");
}

TEST_CASE("a writer that counts the attempt after the event is caught") {
  check_caught(
      "attempt after event",
      [](LaneWriter& lane, std::span<const std::byte> event) {
        fill(lane.reserve(3), event, lane.attempted() + 1);
        lane.publish(3);
        lane.attempt();
      },
      "the account does not add up");
}

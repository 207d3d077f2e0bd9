// A whole segment of a producer gone wrong, between drains. The input is a program: the operations of an honest writer, writes of anything
// anywhere in the mapped file, truncations, passes of the drain. Beside it, an honest producer whose account must be exact at the end.
//
// What must hold: no crash; every pass ends; no more events are taken from a lane than the records that its cursor has passed could hold;
// the honest lane is delivered to the event; when the owner has gone, its segment is closed and out of the way.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "collector/ingest/lanes.hpp"
#include "collector/log/log.hpp"
#include "collector/service/drain.hpp"
#include "shm/segment.hpp"
#include "shm/sigbus_guard.hpp"
#include "tests/fuzz/input.hpp"

namespace arbiter::fuzz {
namespace {

using abi::Position;
using service::Drain;

constexpr std::uint32_t kLanes = 3;  // that the program claims; the others are there to be written into
constexpr int kPassesMax = 64;       // that an input of this size can make necessary
constexpr std::size_t kInputMax = 4096;

privacy::IdKey id_key() {
  privacy::IdKey key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}

// The stages, as the collector has them, on this thread. They live on from input to input, as they do from producer to producer.
struct Stages {
  Directory directory{"segment"};
  std::string ring = directory.path() / "lanes";
  ingest::Lanes lanes;
  ingest::Timeline timeline;
  privacy::Anonymizer anonymizer{privacy::Rules{}, id_key()};
  join::Join join{1000};
  std::unique_ptr<journal::Journal> journal;
  ingest::Quarantine quarantine{directory.path() / "quarantine.jsonl", true};
  std::optional<Drain> drain;

  Stages() : lanes(opened()) {
    log::start(log::Level::error, log::Format::text);
    install_sigbus_guard();
    journal::Options options;
    options.directory = directory.path() / "journal";
    options.sync = journal::SyncPolicy::never;
    options.segment_bytes = 8 << 20;
    options.retention.max_events = 10'000;
    options.retention.max_bytes = 32 << 20;
    auto made = journal::Journal::open(options, join);
    if (!made) fail(made.error().message.c_str());
    journal = std::move(*made);
    drain.emplace(lanes, timeline, anonymizer, join, *journal, quarantine, options.sync);
  }
  ingest::Lanes opened() {
    auto made = ingest::Lanes::open(ring, false, 100);
    if (!made) fail(made.error().message.c_str());
    return std::move(*made);
  }

  void settle() {
    for (int passes = 0; drain->pass() != Drain::Passed::idle; ++passes) must(passes < kPassesMax, "the drain comes to rest");
  }
  void check_cursors() const {
    for (const ingest::Source& source : lanes.sources())
      for (const ingest::Lane& lane : source.lanes) {
        const std::uint64_t passed =
            std::uint64_t{lane.cursor.position.lap()} * source.segment.header().lane_records + lane.cursor.position.offset();
        must(lane.cursor.delivered + lane.cursor.quarantined <= passed, "no more is taken than the records can hold");
        must(lane.cursor.position.offset() <= source.segment.header().lane_records, "the cursor stays in its lane");
      }
  }
};

// Any event of the schema as a producer would make it: its kind, which fields it has, and some of what is in them come from the input.
void record(LaneWriter& lane, Input& input) {
  using schema::Type;
  event::Values v;
  v.kind = static_cast<Kind>(1 + input.byte() % schema::kKindTable.size());
  const std::uint8_t how = input.byte(), what = input.byte();
  const schema::KindInfo& kind = schema::info(v.kind);
  const std::string id = "task-" + std::string(1, static_cast<char>('a' + what % 8)), hex(32, 'a');
  for (unsigned f = 0; f < kind.fields.size(); ++f) {
    const schema::Field& field = kind.fields[f];
    if (field.type == Type::list || (!field.required && (how >> f % 8 & 1) == 0)) continue;
    switch (field.type) {
      case Type::boolean: v.set_flag(f, (what & 1) != 0); break;
      case Type::count: v.set(f, what); break;
      case Type::real: v.set_real(f, 0.5); break;
      case Type::time: v.set_time(f, 1'700'000'000'000'000'000 + what); break;
      case Type::hex: v.set_text(f, std::string_view(hex).substr(0, field.hex_digits)); break;
      case Type::json: v.set_text(f, std::string_view(R"({"taskId":"t","n":[1,{"a":"b"}]})")); break;
      default: v.set_text(f, field.choices.empty() ? std::string_view(id) : std::string_view(field.choices[what % field.choices.size()]));
    }
  }
  v.stamp = 1000 + what;
  if (event::validate(v)) return;
  v.sequence = lane.attempt();
  const std::uint32_t records = records_for(event::encoded_bytes(v));
  std::byte* const room = lane.reserve(records);
  if (room == nullptr) return lane.count_dropped(abi::Drop::lane_full);
  event::encode(v, room);
  lane.publish(records);
}

// The segment under test. Writes of anything go through the file, so that a truncated one hurts the collector and not the test.
class Victim {
 public:
  explicit Victim(const std::string& ring) : segment_(SegmentWriter::create(ring, false, abi::ClockSource::monotonic).value()) {
    fd_ = ::open(segment_->path().c_str(), O_RDWR | O_CLOEXEC);
    for (LaneWriter& lane : lanes_) lane = std::move(segment_->claim().writer);
  }
  ~Victim() { ::close(fd_); }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  LaneWriter* lane(std::uint8_t n) { return cut_ || !segment_ ? nullptr : &lanes_[n % kLanes]; }
  template <class T>
  void poke(std::size_t offset, const T& value) const {
    put(offset, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
  // Never beyond the end: who grows the file does so by truncate().
  void put(std::size_t offset, std::span<const std::uint8_t> bytes) const {
    if (offset + bytes.size() <= size_)
      must(::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)) >= 0, "the file can be written");
  }
  void truncate(std::size_t bytes) {
    must(::ftruncate(fd_, static_cast<off_t>(bytes)) == 0, "the file can be truncated");
    cut_ = cut_ || bytes < abi::kSegmentBytes;
    size_ = bytes;
  }
  void end() { segment_.reset(); }
  const SegmentId& id() const { return id_; }

  static std::size_t control(std::uint8_t lane) { return abi::kControlOffset + lane % abi::kLanesPerSegment * sizeof(abi::LaneControl); }
  static std::size_t record_at(std::uint8_t lane, std::uint32_t offset) {
    return abi::kDataOffset + lane % abi::kLanesPerSegment * abi::kLaneBytes + offset % abi::kLaneRecords * abi::kRecordBytes;
  }

 private:
  std::optional<SegmentWriter> segment_;
  const SegmentId id_ = segment_->id();
  std::array<LaneWriter, kLanes> lanes_;
  int fd_ = -1;
  bool cut_ = false;
  std::size_t size_ = abi::kSegmentBytes;
};

Position position(Input& input) {
  constexpr std::array<std::uint32_t, 8> kOffsets = {0, 1, 4095, 4096, 8192, abi::kLaneRecords - 1, abi::kLaneRecords, UINT32_MAX};
  const std::uint8_t choice = input.byte();
  const std::uint32_t lap = choice % 4 == 3 ? input.take<std::uint32_t>() : choice % 4;
  return Position::at(lap, (choice & 0x40) != 0 ? kOffsets[choice >> 3 & 7] : input.take<std::uint16_t>());
}

void operate(Stages& stages, Victim& victim, LaneWriter& honest, Input& input) {
  const std::uint8_t operation = input.byte() % 16, lane = input.byte();
  switch (operation) {
    case 0:
    case 1:
      if (LaneWriter* const writer = victim.lane(lane)) record(*writer, input);
      break;
    case 2: {  // many, so that laps and growth come about
      const std::uint8_t count = input.byte();
      for (unsigned i = 0; i < count * 8u; ++i)
        if (LaneWriter* const writer = victim.lane(lane)) record(*writer, input);
      break;
    }
    case 3: record(honest, input); break;
    case 4: victim.poke(Victim::control(lane), position(input)); break;
    case 5: {
      abi::SkipRecord skip{};
      skip.kind = abi::kSkipKind;
      const std::uint32_t at = input.take<std::uint16_t>();
      skip.target = position(input).value;
      victim.poke(Victim::record_at(lane, at), skip);
      break;
    }
    case 6: {  // anything into the records
      const std::size_t at = Victim::record_at(lane, input.take<std::uint16_t>()) + input.byte() % abi::kRecordBytes;
      victim.put(at, input.bytes(input.byte()));
      break;
    }
    case 7: {  // a head's length, kind or fields
      const std::size_t at = Victim::record_at(lane, input.take<std::uint16_t>());
      const std::uint8_t what = input.byte();
      if (what % 3 == 0) victim.poke(at + offsetof(abi::EventHead, length), input.take<std::uint32_t>());
      if (what % 3 == 1) victim.poke(at + offsetof(abi::EventHead, kind), std::uint16_t{input.byte()});
      if (what % 3 == 2) victim.poke(at + offsetof(abi::EventHead, present), input.take<std::uint32_t>());
      break;
    }
    case 8: victim.put(Victim::control(lane) + input.take<std::uint16_t>() % sizeof(abi::LaneControl), input.bytes(8)); break;
    case 9: victim.put(input.take<std::uint16_t>() % abi::kDataOffset, input.bytes(input.byte() % 64)); break;  // the header as well
    case 10: {
      constexpr std::array<std::size_t, 8> kSizes = {0,
                                                     100,
                                                     abi::kControlOffset,
                                                     abi::kControlOffset + 600,
                                                     abi::kDataOffset,
                                                     abi::kDataOffset + 4096,
                                                     abi::kSegmentBytes,
                                                     2 * abi::kSegmentBytes};
      if (input.byte() % 4 == 0) victim.truncate(kSizes[lane % kSizes.size()]);
      break;
    }
    case 11: must(stages.drain->catch_up().has_value(), "the journal can be written"); break;
    case 12: stages.drain->note_accounts(); break;
    case 13: stages.drain->scan(false); break;
    case 14: {  // a field of the header; it matters as long as nobody has read it
      constexpr std::array<std::uint64_t, 8> kValues = {
          0, 1, 4096, abi::kDataOffset, abi::kSegmentBytes - 4096, abi::kSegmentBytes, 2 * abi::kSegmentBytes, UINT64_MAX};
      const std::size_t at = lane % (sizeof(abi::SegmentHeader) / 4) * 4;
      const std::uint8_t choice = input.byte();
      const std::uint64_t value = (choice & 8) != 0 ? input.take<std::uint32_t>() : kValues[choice & 7];
      if ((choice & 16) != 0)
        victim.poke(at, value);
      else
        victim.poke(at, static_cast<std::uint32_t>(value));
      break;
    }
    default: stages.drain->pass(); break;
  }
}

void run(Input input) {
  static Stages stages;
  auto honest_segment = SegmentWriter::create(stages.ring, false, abi::ClockSource::monotonic).value();
  LaneWriter honest = std::move(honest_segment.claim().writer);
  const LaneId honest_lane{honest_segment.id(), 0};
  Victim victim(stages.ring);
  if ((input.byte() & 1) != 0) stages.drain->scan(false);  // else its header can be spoilt before it is read

  while (!input.empty()) operate(stages, victim, honest, input);

  stages.drain->scan(false);
  stages.settle();
  must(stages.drain->catch_up().has_value(), "the journal can be written");
  stages.drain->note_accounts();
  stages.check_cursors();
  const journal::Cursor* const cursor = stages.journal->cursor(honest_lane);
  must(cursor != nullptr && cursor->attempted == honest.attempted(), "every honest attempt is known");
  must(cursor->delivered + cursor->dropped == cursor->attempted && cursor->quarantined == 0, "every honest event is delivered");

  victim.end();
  { const SegmentWriter ended = std::move(honest_segment); }
  stages.drain->look_for_ended();
  for (int i = 0; i < 3; ++i) stages.drain->pass();
  must(stages.lanes.sources().empty(), "who has ended is closed");
  must(stages.journal->lanes().empty(), "and its lanes are no more in the journal's table");
  stages.journal->retain(stages.timeline.retention_now_ns());
  ::unlink((fs::path(stages.ring) / segment_name(victim.id())).c_str());  // left alone, perhaps
}

}  // namespace

void make_corpus(const fs::path& directory) {
  const auto put = [&](const char* name, std::initializer_list<int> program) {
    std::string bytes;
    for (const int byte : program) bytes += static_cast<char>(byte);
    write_file(directory / name, bytes);
  };
  // scanned? | operation lane operands ...
  put("honest", {1, 0, 0, 0, 255, 1, 2, 3, 3, 0, 2, 255, 4, 15, 0, 0, 1, 5, 255, 9, 8, 15, 0, 11, 0});
  put("all-kinds", {1,   0, 0, 0, 255, 1,   1, 1, 0, 0, 1,   255, 1, 1, 1, 0,   1, 2, 255, 1,  1,   1, 0,  1, 3,
                    255, 1, 0, 1, 4,   255, 1, 0, 2, 5, 255, 1,   0, 2, 6, 255, 1, 0, 2,   12, 255, 1, 15, 0});
  put("laps", {1, 2, 0, 255, 1, 255, 3, 15, 0, 2, 0, 255, 1, 255, 3, 15, 0, 2, 0, 255, 1, 255, 3, 15, 0, 2, 0, 255, 1, 255, 3, 11, 0});
  put("positions", {1, 0, 0, 1, 255, 1, 15, 0, 4, 0, 0x41, 15, 0, 4, 1, 0x7b, 15, 0, 4, 2, 3, 255, 255, 255, 255, 0, 0, 15, 0});
  put("skips", {1, 0, 0, 1, 255, 1, 5, 0, 1, 0, 0x41, 4, 0, 0x49, 15, 0, 5, 1, 0, 0, 0x58, 4, 1, 0x50, 15, 0});
  put("lengths", {1, 0, 0, 1, 255, 1, 0, 0, 1, 255, 2, 7, 0, 1, 0, 0, 255, 255, 0, 0, 15, 0, 7, 1, 0, 0, 1, 7, 4, 1, 0, 9, 0, 15, 0});
  put("fields", {1, 0, 0, 1, 255, 1, 7, 0, 0, 0, 2, 255, 255, 255, 255, 6, 0, 0, 0, 40, 8, 1, 2, 3, 4, 5, 6, 7, 8, 15, 0});
  put("account", {1, 0, 0, 1, 255, 1, 15, 0, 8, 0, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255, 12, 0, 15, 0});
  put("truncated", {1, 0, 0, 1, 255, 1, 15, 0, 10, 0, 0, 15, 0, 12, 0, 15, 0});
  put("grown", {1, 0, 0, 1, 255, 1, 10, 7, 0, 0, 0, 1, 255, 1, 15, 0});
  put("header", {0, 9, 0, 48, 0, 4, 255, 255, 0, 0, 13, 0, 15, 0});
  // data_offset, lane_count, control_offset, control_stride, file_bytes
  put("header-fields", {0, 14, 16, 16 + 4, 13, 0, 0, 0, 1, 255, 1, 15, 0});
  put("header-lanes", {0, 14, 12, 1, 13, 0, 0, 0, 1, 255, 1, 15, 0});
  put("header-controls", {0, 14, 14, 3, 14, 15, 2, 13, 0, 0, 0, 1, 255, 1, 15, 0});
  put("header-size", {0, 14, 18, 16 + 6, 10, 7, 0, 13, 0, 15, 0});
  put("header-id", {0, 9, 0, 32, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 13, 0});
  put("acknowledged", {1, 0, 0, 1, 255, 1, 15, 0, 8, 0, 128, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 255, 1, 15, 0});
}

}  // namespace arbiter::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size <= arbiter::fuzz::kInputMax) arbiter::fuzz::run({data, size});
  return 0;
}

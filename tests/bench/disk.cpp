// What the journal takes of the disk against the records that agents wrote: before a segment is sealed, and after.
#include <boost/json.hpp>
#include <filesystem>
#include <vector>

#include "tests/bench/filled.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/peers/arbiter.hpp"
#include "tests/bench/program.hpp"

namespace arbiter::bench {
namespace {

constexpr double kEvents = 150'000;  // less than a segment holds

// Of the events of that load, whole records.
double lane_bytes_per_event(const Setting& setting, Load load) {
  constexpr int kEventsLooked = 300;
  const std::string directory = new_directory(setting.memory);
  std::filesystem::create_directories(directory);
  Producer producer({.ring_dir = directory});
  Recorder recorder(producer, load, 1, 0, 100);
  for (int i = 0; i < kEventsLooked; ++i) recorder.record();
  std::vector<std::byte> buffer(1 << 20);
  std::size_t bytes = 0, events = 0;
  Lanes(directory).each([&](LaneReader& lane, abi::Position&) {
    const LaneReader::Copied got = lane.copy({}, buffer);
    bytes += got.bytes;
    events += got.events;
  });
  std::filesystem::remove_all(directory);
  return static_cast<double>(bytes) / static_cast<double>(events);
}

std::vector<std::filesystem::path> files(const std::string& directory, const std::string& extension) {
  std::vector<std::filesystem::path> found;
  for (const auto& file : std::filesystem::directory_iterator(directory))
    if (file.path().extension() == extension) found.push_back(file.path());
  return found;
}

// Of raw segments, up to the end of their last frame.
Result<double> used_bytes(const Setting& setting, const std::string& journal) {
  double used = 0;
  for (const auto& file : files(journal, ".journal")) {
    const auto said = output_of({setting.bin + "/arbiter-inspect", "--json", file});
    if (!said) return said.error();
    used += boost::json::parse(*said).at("usedBytes").to_number<double>();
  }
  return used;
}

Result<void> measure(const Setting& setting, Report& report, Load load, const std::string& what) {
  auto collector = RunningCollector::start(setting, kRetainAll);
  if (!collector) return collector.error();
  const std::uint64_t events = std::min(setting.count_of(kEvents), static_cast<std::uint64_t>(kEvents));
  if (auto filled = fill(*collector, events, load); !filled) return filled;
  collector->kill();
  const double records = lane_bytes_per_event(setting, load) * static_cast<double>(events);
  const auto raw = used_bytes(setting, collector->journal());
  if (!raw) return raw.error();
  if (auto ready = collector->restart(); !ready) return ready;
  collector->stop();
  double sealed = 0;
  for (const auto& file : files(collector->journal(), ".sealed")) sealed += static_cast<double>(std::filesystem::file_size(file));
  const std::string note =
      std::to_string(events) + " events of " + std::to_string(static_cast<int>(records / static_cast<double>(events))) + " bytes";
  Row& before = report.add("disk", "journal over records, before sealing", what, "times", *raw / records);
  before.goal = 1.02;
  before.note = note;
  Row& after = report.add("disk", "journal over records, sealed", what, "times", sealed / records);
  after.goal = 0.4;
  after.note = note;
  report.add("disk", "sealed over before", what, "times", sealed / *raw);
  return {};
}

}  // namespace

Result<void> disk(const Setting& setting, Report& report) {
  if (auto done = measure(setting, report, Load::typical, "completions, random ids, hashed"); !done) return done;
  return measure(setting, report, Load::tasks, "decision, start, completion, same");
}

}  // namespace arbiter::bench

// A real collector with an honest producer beside whatever a test puts into the lanes directory.
//
//   Beside beside;                                 // collector and honest producer, at work
//   Hostile bad(beside.place);                     // a segment of this process, and a mapping through which anything can be written
//   ...
//   beside.check({.quarantined_lanes = 1});        // the honest account is exact, the collector is no busier or larger than it may be
#pragma once

#include <doctest/doctest.h>

#include <arbiter/producer.hpp>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "shm/segment.hpp"
#include "tests/process/harness.hpp"

namespace arbiter::test {

// Records one kind of event that nobody else in these tests records, without a pause, until it is stopped.
class Honest {
 public:
  explicit Honest(const Place& place);
  ~Honest() { stop(); }
  void stop();  // again is nothing
  std::uint64_t recorded() const { return recorded_; }
  std::uint64_t failed() const { return failed_; }  // dropped, for whatever reason

 private:
  std::string lanes_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> recorded_{0}, failed_{0};
  std::thread thread_;
};

// What the system says of a process.
struct Usage {
  double cpu_seconds = 0;
  std::size_t resident_bytes = 0;
  std::size_t descriptors = 0;
};
Usage usage_of(pid_t pid);

struct Expected {
  std::string_view health = "ok";  // some seconds after the last drop
  std::uint64_t files_left_alone = 0;
  std::uint64_t quarantined_lanes = 0;
  std::uint64_t quarantined_events = 0;
  std::uint64_t hostile_events = 0;  // that were good, and are retained
};

struct Beside {
  explicit Beside(const std::string& more_config = {}, const std::string& limits = {});  // see Collector

  // The honest producer is served and its account exact; what is bad has been counted as it must be. The collector runs, and in a second
  // spends no more than half of a processor on it while nobody but the honest one records. Can be called again.
  void check(const Expected& expected);
  json::object status() { return collector.ask({"status"}).as_object(); }
  std::size_t lines_with(std::string_view text) const;  // of the collector's log

  Place place;
  Collector collector;
  Honest honest;
};

// A segment made by this process, which lives as long as this does; and a second mapping of its file.
class Hostile {
 public:
  explicit Hostile(const Place& place);

  abi::SegmentHeader& header() { return bytes_.at<abi::SegmentHeader>(0); }
  abi::LaneControl& control(std::uint32_t lane) {
    return bytes_.at<abi::LaneControl>(abi::kControlOffset + lane * sizeof(abi::LaneControl));
  }
  std::byte* record(std::uint32_t lane, std::uint32_t offset) {
    return bytes_.begin() + abi::kDataOffset + lane * abi::kLaneBytes + offset * abi::kRecordBytes;
  }
  // Claims a lane; its number is the next, from 0.
  LaneWriter claim();
  fs::path path() const { return segment_.path(); }
  const SegmentId& id() const { return segment_.id(); }

 private:
  SegmentWriter segment_;
  Mapping bytes_;
};

// "lanes-<number in 32 hex digits>"
std::string name_of(unsigned number);
SegmentId id_of(unsigned number);

// A file that says it is a segment, of its full size and with no memory behind it. `lie` changes its header.
void make_segment_file(const fs::path& path, const abi::SegmentHeader& like, const SegmentId& id,
                       const std::function<void(abi::SegmentHeader&)>& lie = {});

// The lock of a live producer on any file: held by a mapping alone, as producers do, so that it costs no descriptor.
class HeldLock {
 public:
  explicit HeldLock(const fs::path& path);

 private:
  Mapping page_;
};

// A small good event, but for what is done to it afterwards.
void put(LaneWriter& lane, std::uint64_t sequence);
inline void put(LaneWriter& lane) { put(lane, lane.attempt()); }

}  // namespace arbiter::test

// Ourselves: a real Producer, and a consumer that reads lanes as the collector does, or only acknowledges.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "arbiter/producer.hpp"
#include "shm/segment.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/workload.hpp"

namespace arbiter::bench {

// All lanes of a directory.
class Lanes {
 public:
  explicit Lanes(const std::string& directory) : directory_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~Lanes() { close(directory_); }
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  // Calls each(lane, cursor) for every lane there is.
  template <class Each>
  void each(Each&& each) {
    if (lanes_.empty()) attach();
    for (auto& lane : lanes_) each(lane.reader, lane.cursor);
  }

 private:
  struct Lane {
    LaneReader reader;
    abi::Position cursor;
  };
  void attach() {
    lseek(directory_, 0, SEEK_SET);
    DIR* const list = fdopendir(dup(directory_));
    while (const dirent* entry = list == nullptr ? nullptr : readdir(list)) {
      if (!parse_segment_name(entry->d_name)) continue;
      auto segment = SegmentReader::attach(directory_, entry->d_name);
      if (!segment) continue;
      segments_.push_back(std::make_unique<SegmentReader>(std::move(*segment)));
      for (std::uint32_t i = 0; i < segments_.back()->lane_count(); ++i) {
        LaneReader reader = segments_.back()->lane(i);
        if (reader.claimed()) lanes_.push_back({reader, reader.acknowledged()});
      }
    }
    if (list != nullptr) closedir(list);
  }

  int directory_;
  std::vector<std::unique_ptr<SegmentReader>> segments_;
  std::vector<Lane> lanes_;
};

// A name that this process has not recorded into before: a process keeps the segments of a directory for as long as it lives.
inline std::string new_directory(const std::string& below) {
  static int made = 0;
  return below + "/lanes-" + std::to_string(++made);
}

// kReads: the consumer copies every event, as the collector does; otherwise it acknowledges what is published and looks at nothing.
template <class Event, bool kReads>
struct Arbiter {
  static constexpr bool kOwnProcesses = false, kTakeWaits = false;
  explicit Arbiter(const std::string& directory) : lanes(new_directory(directory)) { std::filesystem::create_directories(lanes); }
  ~Arbiter() { std::filesystem::remove_all(lanes); }
  std::string lanes;

  struct Producer {
    explicit Producer(Arbiter& way) : producer({.ring_dir = way.lanes}) { producer.attach_thread(); }
    bool send(std::uint64_t i) { return event.record(i); }
    void flush() {}
    arbiter::Producer producer;
    Event event{producer};
  };

  struct Consumer {
    explicit Consumer(Arbiter& way) : lanes(way.lanes), buffer(256 * 1024) {}
    std::uint64_t take() {
      std::uint64_t taken = 0;
      lanes.each([&](LaneReader& lane, abi::Position& cursor) {
        if constexpr (kReads) {
          const LaneReader::Copied got = lane.copy(cursor, buffer);
          keep(buffer[0]);
          taken += got.events;
          if (got.next != cursor) lane.acknowledge(cursor = got.next, total += got.events);
        } else {
          const LaneReader::Account account = lane.account();  // the last that is counted may be about to be published
          const std::uint64_t recorded = account.attempted - account.dropped_total();
          taken += recorded - total;
          total = recorded;
          if (const abi::Position published = lane.published(); published != cursor) lane.acknowledge(cursor = published, total);
        }
      });
      return taken;
    }
    Lanes lanes;
    std::vector<std::byte> buffer;
    std::uint64_t total = 0;
  };
};

}  // namespace arbiter::bench

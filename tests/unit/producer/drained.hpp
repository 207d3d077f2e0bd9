// What a lanes directory holds, read the way the collector reads it.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shm/event.hpp"
#include "shm/schema.hpp"
#include "shm/segment.hpp"

namespace arbiter::test {

// One event, with its bytes; fields by their path.
class Recorded {
 public:
  Recorded(std::string in_segment, std::uint32_t in_lane, std::span<const std::byte> event)
      : segment(std::move(in_segment)), lane(in_lane), bytes_(std::make_shared<std::vector<std::byte>>(event.begin(), event.end())) {
    REQUIRE(event::decode(*bytes_, values) == event::Malformed::none);
  }
  std::string segment;
  std::uint32_t lane;
  event::Values values;

  std::span<const std::byte> bytes() const { return *bytes_; }
  Kind kind() const { return values.kind; }
  unsigned field(std::string_view path) const {
    const int i = schema::find_field(values.kind, path);
    REQUIRE_MESSAGE(i >= 0, std::string(path));
    return static_cast<unsigned>(i);
  }
  bool has(std::string_view path) const { return values.has(field(path)); }
  std::string text(std::string_view path) const {
    REQUIRE_MESSAGE(has(path), std::string(path));
    return std::string(values.text[field(path)].bytes());
  }
  double real(std::string_view path) const {
    REQUIRE_MESSAGE(has(path), std::string(path));
    return values.real(field(path));
  }
  std::uint64_t count(std::string_view path) const {
    REQUIRE_MESSAGE(has(path), std::string(path));
    return values.count(field(path));
  }
  bool flag(std::string_view path) const {
    REQUIRE_MESSAGE(has(path), std::string(path));
    return values.flag(field(path));
  }
  event::ListReader list(std::string_view path) const {
    REQUIRE_MESSAGE(has(path), std::string(path));
    return {*schema::info(values.kind).fields[field(path)].list, values.text[field(path)]};
  }

 private:
  std::shared_ptr<std::vector<std::byte>> bytes_;
};

// Attaches whatever segments are there, and goes on where it was at the last look. Acknowledges what it reads.
class Drain {
 public:
  explicit Drain(const std::string& lanes) : lanes_(lanes), fd_(open(lanes.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    REQUIRE(fd_ >= 0);
  }
  ~Drain() { close(fd_); }
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  std::vector<Recorded> take() {
    attach_new();
    std::vector<Recorded> all;
    for (auto& segment : segments_)
      for (std::uint32_t i = 0; i < segment->reader.lane_count(); ++i) {
        LaneReader lane = segment->reader.lane(i);
        for (;;) {
          const LaneReader::Copied got = lane.copy(segment->cursor[i], buffer_);
          REQUIRE(got.fault == LaneReader::Fault::none);
          if (got.events == 0) break;
          for (const std::span<const std::byte> event : EventWalk(std::span<const std::byte>(buffer_).first(got.bytes)))
            all.emplace_back(segment->reader.name(), i, event);
          segment->cursor[i] = got.next;
          segment->delivered[i] += got.events;
          lane.acknowledge(got.next, segment->delivered[i]);
        }
      }
    return all;
  }

  // The events of one call, where there was but one.
  Recorded one() {
    std::vector<Recorded> all = take();
    REQUIRE(all.size() == 1);
    return all[0];
  }

  std::size_t segments() {
    attach_new();
    return segments_.size();
  }
  SegmentReader& segment(std::size_t i) { return segments_.at(i)->reader; }

  // What the producers say, over all lanes.
  LaneReader::Account account() {
    attach_new();
    LaneReader::Account sum;
    for (auto& segment : segments_)
      for (std::uint32_t i = 0; i < segment->reader.lane_count(); ++i) {
        const LaneReader::Account one = segment->reader.lane(i).account();
        sum.attempted += one.attempted;
        for (std::size_t why = 0; why < sum.dropped.size(); ++why) sum.dropped[why] += one.dropped[why];
        for (std::size_t why = 0; why < sum.refused.size(); ++why) sum.refused[why] += one.refused[why];
      }
    return sum;
  }
  std::uint64_t dropped(abi::Drop why) { return account().dropped[static_cast<std::size_t>(why)]; }
  std::uint64_t refused(abi::Refusal why) { return account().refused[static_cast<std::size_t>(why)]; }
  std::uint64_t delivered() const {
    std::uint64_t sum = 0;
    for (const auto& segment : segments_)
      for (const std::uint64_t one : segment->delivered) sum += one;
    return sum;
  }

 private:
  struct Attached {
    explicit Attached(SegmentReader r) : reader(std::move(r)), cursor(reader.lane_count()), delivered(reader.lane_count()) {}
    SegmentReader reader;
    std::vector<abi::Position> cursor;
    std::vector<std::uint64_t> delivered;
  };

  void attach_new() {
    for (const auto& entry : std::filesystem::directory_iterator(lanes_)) {
      const std::string name = entry.path().filename();
      bool known = false;
      for (const auto& segment : segments_) known = known || segment->reader.name() == name;
      if (known || !parse_segment_name(name)) continue;
      auto reader = SegmentReader::attach(fd_, name.c_str());
      REQUIRE(reader.has_value());
      segments_.push_back(std::make_unique<Attached>(std::move(*reader)));
    }
  }

  std::string lanes_;
  int fd_;
  std::vector<std::unique_ptr<Attached>> segments_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(LaneReader::kBufferBytesMin);
};

}  // namespace arbiter::test

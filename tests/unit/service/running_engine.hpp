// An engine on directories of its own, on a thread of its own as in the collector; and segments whose every byte the test decides.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <arbiter/producer.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "collector/service/engine.hpp"
#include "collector/service/report.hpp"
#include "shm/lane_writer.hpp"
#include "shm/segment.hpp"

namespace arbiter::test {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
namespace json = boost::json;

struct Directory {
  Directory() {
    char name[] = "/tmp/arbiter-engine-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
    config.ring_dir = path / "lanes";
    config.state_dir = path / "state";
    config.export_dir = path / "exports";
    config.anonymization.key_file = path / "key";
    config.anonymization.enabled = false;
    config.retention.max_age = std::nullopt;
    config.retention.max_bytes = std::nullopt;
    fs::create_directory(config.ring_dir);
  }
  ~Directory() { fs::remove_all(path); }
  const std::string& ring() const { return config.ring_dir; }
  fs::path path;
  config::Config config;
};

class Running {
 public:
  explicit Running(const config::Config& config) {
    auto opened = service::Engine::open(config);
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    engine_ = std::move(*opened);
    thread_ = std::thread([this] { engine_->run(); });
  }
  ~Running() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    engine_->stop();
    thread_.join();
    CHECK_FALSE(engine_->stop_error().has_value());
  }
  json::object stats() {
    auto answer = engine_->mailbox().ask([this]() -> Result<json::object> {
      if (auto taken = engine_->catch_up(); !taken) return taken.error();
      return service::stats_json(engine_->journal().statistics(), service::losses(engine_->journal()));
    });
    REQUIRE(answer.has_value());
    return std::move(*answer);
  }
  // On the drain's thread.
  template <class Task>
  auto ask(Task task) {
    return engine_->mailbox().ask([this, task] { return task(*engine_); });
  }
  std::size_t sources() {
    return *engine_->mailbox().ask([this]() -> Result<std::size_t> { return engine_->lanes().sources().size(); });
  }
  bool wait_for(const std::function<bool()>& done) {
    for (int i = 0; i < 500; ++i) {
      if (done()) return true;
      std::this_thread::sleep_for(20ms);
    }
    return false;
  }

 private:
  std::unique_ptr<service::Engine> engine_;
  std::thread thread_;
};

inline std::uint64_t number(const json::object& o, std::string_view path) {
  const json::value* at = nullptr;
  const json::object* here = &o;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    at = here->if_contains(path.substr(0, dot));
    REQUIRE(at != nullptr);
    if (at->is_object()) here = &at->get_object();
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return at->to_number<std::uint64_t>();
}

inline ProducerOptions at(const Directory& d) {
  ProducerOptions options;
  options.ring_dir = d.ring();
  return options;
}

// One event of whatever bytes, published in a lane as a producer gone wrong would.
inline void publish_raw(LaneWriter& lane, const event::Values& values, const std::function<void(std::byte*)>& spoil = {}) {
  const std::size_t bytes = event::encoded_bytes(values);
  const auto records = static_cast<std::uint32_t>((bytes + abi::kRecordBytes - 1) / abi::kRecordBytes);
  std::byte* room = lane.reserve(records);
  REQUIRE(room != nullptr);
  event::encode(values, room);
  if (spoil) spoil(room);
  lane.publish(records);
}

inline event::Values usage(std::uint64_t sequence, double rate) {
  event::Values v;
  v.kind = Kind::thinking_budget_usage;
  v.sequence = sequence;
  v.stamp = 1;
  v.set_text(schema::field(Kind::thinking_budget_usage, "taskId"), std::string_view("task"));
  v.set_real(schema::field(Kind::thinking_budget_usage, "utilizationRate"), rate);
  return v;
}

// A segment of ours, and a second mapping of its file, through which anything can be written anywhere.
struct Spoilt {
  explicit Spoilt(const std::string& ring_dir) : segment(SegmentWriter::create(ring_dir, false).value()) {
    const int fd = open(segment.path().c_str(), O_RDWR | O_CLOEXEC);
    void* const at = mmap(nullptr, abi::kSegmentBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    REQUIRE(at != MAP_FAILED);
    bytes = Mapping(static_cast<std::byte*>(at), abi::kSegmentBytes);
  }
  abi::SegmentHeader& header() { return bytes.at<abi::SegmentHeader>(0); }
  abi::LaneControl& control(std::uint32_t lane) {
    return bytes.at<abi::LaneControl>(abi::kControlOffset + lane * sizeof(abi::LaneControl));
  }
  std::byte* record(std::uint32_t lane, std::uint32_t offset) {
    return bytes.begin() + abi::kDataOffset + lane * abi::kLaneBytes + offset * abi::kRecordBytes;
  }

  SegmentWriter segment;
  Mapping bytes;
};

}  // namespace arbiter::test

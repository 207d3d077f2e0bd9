// A service that remembers what it was asked and answers what the test wants; and a server in front of it on a socket of its own.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "collector/control/server.hpp"
#include "collector/service/service.hpp"

namespace arbiter::control {

// Opened once; whoever waits goes on.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return open_; });
  }
  bool opened_within(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return opened_.wait_for(lock, time, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

// What a test sets before a call and reads behind it. Where the call is made by another process, nothing else orders the two.
class Ordered {
 public:
  explicit Ordered(std::mutex& mutex) : mutex_(mutex) { pass(); }
  ~Ordered() { pass(); }
  Ordered(const Ordered&) = delete;
  Ordered& operator=(const Ordered&) = delete;

 private:
  void pass() { const std::lock_guard lock(mutex_); }

  std::mutex& mutex_;
};

class FakeService : public service::Service {
 public:
  std::mutex order;  // see Ordered
  std::function<Result<boost::json::object>()> on_status = [] { return boost::json::object{{"state", "running"}}; };
  std::function<Result<boost::json::object>(bool)> on_stats = [](bool fresh) { return boost::json::object{{"fresh", fresh}}; };
  std::function<Result<void>(const service::EventsQuery&, const std::function<bool(std::string_view)>&)> on_events =
      [](const auto&, const auto&) { return Result<void>(); };
  std::function<Result<boost::json::object>(const service::AnomaliesQuery&)> on_anomalies = [](const service::AnomaliesQuery&) {
    return boost::json::object{{"open", boost::json::array()}, {"resolved", boost::json::array()}, {"abstaining", boost::json::array()}};
  };
  std::function<Result<boost::json::object>(std::string_view)> on_task = [](std::string_view id) {
    return boost::json::object{{"taskId", std::string(id)}};
  };
  std::function<Result<boost::json::object>(const service::ExportRequest&)> on_export = [](const auto& request) {
    boost::json::array formats;
    for (const auto& format : request.formats) formats.emplace_back(format);
    return boost::json::object{{"since", request.since}, {"formats", formats}};
  };
  std::function<Result<void>()> on_flush = [] { return Result<void>(); };
  std::function<Result<boost::json::object>(const boost::json::object&)> on_set_config = [](const auto& changes) {
    return boost::json::object{{"changes", changes}};
  };
  std::atomic<int> enabled{-1}, cleared{0}, flushed{0};

  Result<boost::json::object> status() override {
    const Ordered here(order);
    return on_status();
  }
  Result<boost::json::object> stats(bool fresh) override {
    const Ordered here(order);
    return on_stats(fresh);
  }
  Result<boost::json::object> window_stats(const service::ProfilesQuery& query) override {
    const Ordered here(order);
    return shown(query);
  }
  Result<boost::json::object> agents(const service::ProfilesQuery& query) override {
    const Ordered here(order);
    return shown(query);
  }
  Result<void> events(const service::EventsQuery& query, const std::function<bool(std::string_view)>& line) override {
    const Ordered here(order);
    return on_events(query, line);
  }
  Result<boost::json::object> anomalies(const service::AnomaliesQuery& query) override {
    const Ordered here(order);
    return on_anomalies(query);
  }
  Result<boost::json::object> task(std::string_view task_id) override {
    const Ordered here(order);
    return on_task(task_id);
  }
  Result<boost::json::object> export_snapshot(const service::ExportRequest& request) override {
    const Ordered here(order);
    return on_export(request);
  }
  Result<void> flush() override {
    const Ordered here(order);
    return ++flushed, on_flush();
  }
  Result<void> set_enabled(bool on, const service::By&) override { return enabled = on, Result<void>(); }
  Result<void> clear(const service::By&) override { return ++cleared, Result<void>(); }
  Result<boost::json::object> config(service::ConfigShown) override { return boost::json::object{{"enabled", true}}; }
  Result<boost::json::object> set_config(const boost::json::object& changes, const service::By&) override {
    const Ordered here(order);
    return on_set_config(changes);
  }
  std::string metrics() override { return "arbiter_up 1\n"; }

 private:
  static boost::json::object shown(const service::ProfilesQuery& query) {
    boost::json::object all{{"window", query.window}, {"agent", query.agent}, {"taskType", query.task_type}};
    if (!query.fresh) all["fresh"] = false;
    return all;
  }
};

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "arbiter-control-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string path;
};

struct Fixture {
  TemporaryDirectory directory;
  FakeService service;
  ServerOptions options;
  std::unique_ptr<Server> server;

  Fixture() { options.socket = directory.path + "/control.sock"; }
  void start() {
    auto started = Server::start(service, options);
    REQUIRE_MESSAGE(started.has_value(), started.error().message);
    server = std::move(*started);
  }
};

}  // namespace arbiter::control

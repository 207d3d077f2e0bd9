#include "tests/crash/scene.hpp"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace arbiter::crash {
namespace {

using namespace std::chrono_literals;

constexpr auto kProducerMax = 30s * test::kPatience;

std::string config_of(const Scenario& scenario) {
  return std::string("{") + test::kNoAnonymization + R"(, "retention": )" + scenario.retention +
         R"(, "journal": {"segment_bytes": "1MiB", "sync": "5ms"}, "export": {"interval": null, "formats": ["jsonl"], "keep": 1})"
         R"(, "log": {"level": "warning"}})";
}

test::Environment environment_of(const test::Place& place, const Run& run) {
  test::Environment environment{{"ARBITER_TESTPOINT_COUNTS", place.root() / "passings"}};
  if (!run.wrong.empty()) environment["ARBITER_WRONG"] = run.wrong;
  return environment;
}

}  // namespace

Scene::Scene(test::Place& place, const Run& run)
    : place_(place),
      run_(run),
      ledger_(map_ledger(place.root() / "ledger")),
      environment_(environment_of(place, run)),
      collector_(place, config_of(*run.scenario), run.collector_orders, environment_) {
  ledger_.base_ns = test::now_ns() - 3600 * std::int64_t{1'000'000'000};
}

test::Process Scene::producer(const std::string& mode, std::uint32_t slot, std::uint32_t calls) {
  ledger_.stage.store(0, std::memory_order_release);
  test::Environment environment = environment_;
  if (std::exchange(first_, false) && !run_.producer_order.empty()) environment["ARBITER_TESTPOINT"] = run_.producer_order;
  return place_.start("crash_producer", {place_.root() / "ledger", mode, std::to_string(slot), std::to_string(calls)}, environment);
}

void Scene::wait_for_stage(test::Process& producer, std::uint32_t stage) {
  const auto end = std::chrono::steady_clock::now() + kProducerMax;
  while (ledger_.stage.load(std::memory_order_acquire) < stage && producer.running()) {
    if (std::chrono::steady_clock::now() > end) throw Stuck("a producer does not get on\n" + collector_.log());
    std::this_thread::sleep_for(500us);
  }
}

void Scene::wait_for_end(test::Process& producer) {
  const auto end = std::chrono::steady_clock::now() + kProducerMax;
  while (producer.running()) {
    if (std::chrono::steady_clock::now() > end) throw Stuck("a producer does not end\n" + collector_.log());
    std::this_thread::sleep_for(500us);
  }
  const auto status = producer.wait(0ms);
  if (status == 128 + SIGKILL && !run_.producer_order.empty())
    producer_killed_ = true;
  else if (status != 0)
    throw Stuck("a producer ended with status " + std::to_string(status.value_or(-1)) + "\n" + collector_.log());
}

void Scene::wipe_lanes() const {
  for (const auto& entry : test::fs::directory_iterator(place_.lanes())) test::fs::remove(entry.path());
}

std::size_t Scene::spares() const {
  const test::fs::directory_iterator files(place_.state() / "journal");
  return static_cast<std::size_t>(
      std::count_if(begin(files), end(files), [](const auto& file) { return file.path().filename().string().starts_with("spare-"); }));
}

void Scene::wait_for_spare() {
  const auto end = std::chrono::steady_clock::now() + kProducerMax;
  while (spares() == 0) {
    if (std::chrono::steady_clock::now() > end) throw Stuck("no file was recycled\n" + collector_.log());
    flush();
    std::this_thread::sleep_for(500us);
  }
}

Found Scene::find() {
  collector_.stop();  // closes the lanes of those that have ended
  collector_.start();
  Found found;
  found.stats = collector_.ask("GET", "/v1/stats").as_object();
  const auto snapshot = collector_.ask("POST", "/v1/export", "{\"formats\":[\"jsonl\"]}");
  found.status = collector_.ask("GET", "/v1/status").as_object();
  read_snapshot(std::string(snapshot.at("path").as_string()), ledger_, found);
  collector_.stop();
  for (const auto& entry : test::fs::directory_iterator(place_.state()))
    if (entry.path().string().find(".new") != std::string::npos)
      found.strangers.push_back(entry.path().filename().string() + " is left over");
  if (run_.wrong.empty()) read_journal(place_.state() / "journal", found);
  return found;
}

std::map<std::string, std::uint64_t> Scene::passings() const {
  std::map<std::string, std::uint64_t> most;
  std::ifstream lines(place_.root() / "passings");
  std::string label;
  for (std::uint64_t n; lines >> label >> n;) most[label] = std::max(most[label], n);
  return most;
}

Outcome play(const Run& run) {
  const auto begin = std::chrono::steady_clock::now();
  Outcome outcome;
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 1);  // a kill spares the page cache: no need to wait for a disk
  test::Place place;
  Scene scene(place, run);
  try {
    run.scenario->play(scene);
    outcome.verdict = judge(scene.ledger(), scene.find(), run.scenario->expected);
  } catch (const std::exception& stuck) {
    outcome.stuck = stuck.what();
  }
  outcome.collector_killed = scene.collector().killed();
  outcome.producer_killed = scene.producer_killed();
  outcome.passings = scene.passings();
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return outcome;
}

}  // namespace arbiter::crash

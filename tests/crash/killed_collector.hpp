// A real arbiter-collector that is killed as ordered, and started again each time: what is asked of it is asked until one has answered.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/process/harness.hpp"

namespace arbiter::crash {

// The test itself cannot go on: a program that did not start, an answer that did not come. Never the verdict on the collector's account.
struct Stuck : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class KilledCollector {
 public:
  // `orders`: "label:n" each; the next one is in force once the collector has been killed by the one before. `environment`: of all of them.
  KilledCollector(test::Place& place, std::string config, std::vector<std::string> orders, test::Environment environment);

  void start();  // it is there and answers, or was killed on the way, as ordered, and the next one answers
  // One request, to the end. Nothing: the collector died of it, and the next one answers.
  std::optional<test::json::value> try_ask(const std::string& method, const std::string& target, const std::string& body = {});
  test::json::value ask(const std::string& method, const std::string& target, const std::string& body = {});  // until it is answered
  void stop();  // cleanly, however often it is killed on the way
  void kill();  // now, whatever it is doing
  bool alive();

  std::size_t killed() const { return orders_done_; }  // as ordered
  std::string log() const;

 private:
  void start_once();
  bool answers();
  void reap();  // it has ended: as ordered, or the test is stuck
  [[noreturn]] void stuck(const std::string& what) const;

  test::Place& place_;
  std::string config_;
  std::vector<std::string> orders_;
  test::Environment environment_;
  std::size_t orders_done_ = 0;
  std::optional<test::Process> process_;
  std::chrono::steady_clock::time_point deadline_;
  std::string previous_logs_;
};

}  // namespace arbiter::crash

// One thread of one process: takes its share of the lines and records them.
#pragma once

#include <chrono>
#include <string_view>

#include <arbiter/producer.hpp>
#include "tools/arbiter-replay/agent_run.hpp"
#include "tools/arbiter-replay/import.hpp"
#include "tools/arbiter-replay/replay.hpp"
#include "tools/arbiter-replay/tally.hpp"

namespace arbiter::replay {

class Worker {
 public:
  // Takes the lines whose index is `number` modulo `workers`.
  Worker(const Options& options, Producer& producer, Tally& tally, unsigned number, unsigned workers,
         std::chrono::steady_clock::time_point start);

  // False: gave up, and said why on stderr.
  bool run();

 private:
  bool take(std::string_view line, std::uint64_t line_number, std::uint64_t repetition);
  bool record_run(AgentRun run, std::uint64_t line_number, std::uint64_t repetition);
  bool record_event(std::string_view line, std::uint64_t line_number);
  // Counts it; false when there was no room and there is no sense in going on.
  bool count(const RecordResult& result, std::uint64_t line_number, std::string_view what);
  void complain(std::uint64_t line_number, std::string_view what);

  const Options& options_;
  Producer& producer_;
  Tally& tally_;
  unsigned number_, workers_;
  std::chrono::steady_clock::time_point start_;
  Importer importer_;
  unsigned complaints_ = 0;
};

}  // namespace arbiter::replay

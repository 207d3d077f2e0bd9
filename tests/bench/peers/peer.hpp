// What `compare` measures beside us: each moves an event of as many bytes as our typical one has, from a process that makes it to a process
// that reads it (or, where the peer has a reader of its own, to that one's file).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "shm/result.hpp"
#include "tests/bench/exchange.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/peers/peer_event.h"
#include "tests/bench/workload.hpp"

namespace arbiter::bench {

struct Peer {
  const char* name;
  Result<Exchanged> (*exchange)(const Setting& setting, Manner manner, std::uint64_t events);
  double events_per_s;  // about what it does back to back: how much of it is a few seconds' work
};

// All of this build, ourselves first. `tests/bench/peers/CMakeLists.txt` decides which there are.
std::span<const Peer> peers();
// What others would be there if their packages were: empty, or names with commas between.
std::string missing_peers();

// As an agent would fill it in: the same ids and numbers as Typical, anew for each event.
inline void fill(peer_event& e, std::uint64_t i) {
  e.sequence = i;
  e.stamp = cycles();
  std::memcpy(e.execution_id, kExecution.data(), sizeof e.execution_id);
  std::memcpy(e.task_id, kTask.data(), sizeof e.task_id);
  std::memcpy(e.agent_id, kAgent.data(), sizeof e.agent_id);
  std::memcpy(e.task_type, "code-review", sizeof e.task_type);
  e.quality = 0.9;
  e.efficiency = 0.8;
  e.success = 1;
  for (std::uint32_t& n : e.numbers) n = static_cast<std::uint32_t>(i);
  for (std::uint16_t& n : e.shares) n = static_cast<std::uint16_t>(i);
}

// Reads each of its cache lines.
inline void touch(const peer_event& e) {
  keep(e.sequence);
  keep(e.task_id[30]);
  keep(e.shares[11]);
}

// Each in a file of its own.
namespace peers_of {
Result<Exchanged> arbiter_reading(const Setting& setting, Manner manner, std::uint64_t events);
Result<Exchanged> arbiter_acknowledging(const Setting& setting, Manner manner, std::uint64_t events);
Result<Exchanged> boost_spsc_queue(const Setting& setting, Manner manner, std::uint64_t events);
Result<Exchanged> boost_message_queue(const Setting& setting, Manner manner, std::uint64_t events);
Result<Exchanged> unix_datagrams(const Setting& setting, Manner manner, std::uint64_t events);
Result<Exchanged> zeromq(const Setting& setting, Manner manner, std::uint64_t events);
Result<Exchanged> spdlog_json(const Setting& setting, Manner manner, std::uint64_t events);
Result<Exchanged> lttng_fields(const Setting& setting, Manner manner, std::uint64_t events);
Result<Exchanged> lttng_blob(const Setting& setting, Manner manner, std::uint64_t events);
Result<Exchanged> lttng_by_default(const Setting& setting, Manner manner, std::uint64_t events);
}  // namespace peers_of

}  // namespace arbiter::bench

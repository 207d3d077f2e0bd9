#include <iterator>

#include "tests/bench/peers/peer.hpp"

namespace arbiter::bench {
namespace {

constexpr Peer kPeers[] = {
    {"arbiter", peers_of::arbiter_reading, 4e6},
    {"arbiter, only acknowledged", peers_of::arbiter_acknowledging, 4e6},
    {"Boost spsc_queue", peers_of::boost_spsc_queue, 4e6},
    {"Boost message_queue", peers_of::boost_message_queue, 1e6},
    {"Unix datagrams", peers_of::unix_datagrams, 0.5e6},
#if defined(ARBITER_BENCH_ZEROMQ)
    {"ZeroMQ", peers_of::zeromq, 1e6},
#endif
#if defined(ARBITER_BENCH_SPDLOG)
    {"spdlog, asynchronous JSON", peers_of::spdlog_json, 0.5e6},
#endif
#if defined(ARBITER_BENCH_LTTNG)
    {"LTTng-UST, 24 fields", peers_of::lttng_fields, 1e6},
    {"LTTng-UST, one blob", peers_of::lttng_blob, 2e6},
    {"LTTng-UST, default buffers", peers_of::lttng_by_default, 1e6},
#endif
};

}  // namespace

std::span<const Peer> peers() { return kPeers; }

std::string missing_peers() {
  std::string missing;
  [[maybe_unused]] const auto add = [&](const char* name) { missing += (missing.empty() ? "" : ", ") + std::string(name); };
#if !defined(ARBITER_BENCH_ZEROMQ)
  add("ZeroMQ");
#endif
#if !defined(ARBITER_BENCH_SPDLOG)
  add("spdlog");
#endif
#if !defined(ARBITER_BENCH_LTTNG)
  add("LTTng-UST");
#endif
  return missing;
}

}  // namespace arbiter::bench

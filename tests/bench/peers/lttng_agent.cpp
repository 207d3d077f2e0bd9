// The producer of LTTng's part in `arbiter-bench compare`, a program of its own: the library starts threads in whatever links it.
//   arbiter-bench-lttng fields|blob burst|saturated|paced EVENTS      prints what its calls took, as bytes of `Produced`
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "tests/bench/peers/lttng_probes.h"
#include "tests/bench/peers/peer.hpp"

namespace arbiter::bench {
namespace {

struct Traced {
  void (*trace)(const peer_event*);
  peer_event event{};
  bool send(std::uint64_t i) {
    fill(event, i);
    trace(&event);
    return true;
  }
  void flush() {}
};

}  // namespace

int run(std::string_view what, std::string_view manner, std::uint64_t events) {
  constexpr std::pair<std::string_view, Manner> kManners[] = {
      {"burst", Manner::burst}, {"saturated", Manner::saturated}, {"paced", Manner::paced}};
  Traced traced{what == "blob" ? lttng_blob : lttng_fields};
  const auto produced = std::make_unique<exchange::Produced>();
  cycles_per_ns(), cycles_of_nothing();
  sleep_for(std::chrono::milliseconds(100));  // until the daemon knows this program
  pin(0);
  for (const auto& [name, is] : kManners)
    if (name == manner) exchange::produce(traced, *produced, is, events, [](std::uint64_t) { sleep_for(std::chrono::milliseconds(1)); });
  return std::fwrite(produced.get(), sizeof *produced, 1, stdout) == 1 ? 0 : 1;
}

}  // namespace arbiter::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: arbiter-bench-lttng fields|blob burst|saturated|paced EVENTS\n");
    return 2;
  }
  return arbiter::bench::run(argv[1], argv[2], std::strtoull(argv[3], nullptr, 10));
}

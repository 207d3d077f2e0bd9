// Ourselves, as a peer.
#include "tests/bench/peers/arbiter.hpp"

#include "tests/bench/peers/peer.hpp"

namespace arbiter::bench::peers_of {

Result<Exchanged> arbiter_reading(const Setting& setting, Manner manner, std::uint64_t events) {
  return exchanged<Arbiter<Typical, true>>(setting.memory, manner, events);
}
Result<Exchanged> arbiter_acknowledging(const Setting& setting, Manner manner, std::uint64_t events) {
  return exchanged<Arbiter<Typical, false>>(setting.memory, manner, events);
}

}  // namespace arbiter::bench::peers_of

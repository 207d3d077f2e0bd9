#include "tests/bench/machine.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <thread>

#include "shm/clock.hpp"
#include "tests/bench/bounds.hpp"
#include "tests/bench/measure.hpp"

namespace arbiter::bench {
namespace {

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown";
}

#if defined(NDEBUG)
constexpr const char* kBuild = "optimised";
#else
constexpr const char* kBuild = "with assertions";
#endif

}  // namespace

boost::json::object machine() {
  utsname name{};
  uname(&name);
  boost::json::object bounds;
  bounds["store256Ns"] = store_ns(std::array<std::byte, 256>{}, 1'000'000, false);
  bounds["timeStampCounterNs"] = cycles_ns();
  bounds["clockGettimeNs"] = clock_gettime_ns();
  bounds["emptyCallNs"] = empty_call_ns();
  boost::json::object facts;
  facts["processor"] = processor();
  facts["processors"] = std::thread::hardware_concurrency();
  facts["kernel"] = std::string(name.sysname) + " " + name.release;
  facts["compiler"] = __VERSION__;
  facts["build"] = kBuild;
  facts["stampedBy"] = best_clock() == abi::ClockSource::tsc ? "time-stamp counter" : "clock_gettime";
  facts["cyclesPerNs"] = cycles_per_ns();
  facts["roundTripNs"] = round_trip_ns();
  facts["bounds"] = std::move(bounds);
  return facts;
}

}  // namespace arbiter::bench

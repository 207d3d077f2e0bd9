// What can wait gives way to what agents and operators wait for.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

// Of each thread: its name and its niceness (proc(5), /proc/PID/stat, field 19).
std::map<std::string, int> niceness_of(pid_t pid) {
  std::map<std::string, int> all;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    const std::string stat = read_file(task.path() / "stat");
    const std::size_t name = stat.find('(') + 1, name_end = stat.rfind(')');
    std::istringstream rest(stat.substr(name_end + 1));
    std::string value;
    for (int field = 3; field <= 19; ++field) rest >> value;
    all[stat.substr(name, name_end - name)] = std::stoi(value);
  }
  return all;
}

}  // namespace

TEST_CASE("sealing and exporting run at niceness 10, draining, syncing and answering as the program was started") {
  Place place;
  const Collector collector(place);
  const int own = niceness_of(getpid()).begin()->second;
  std::map<std::string, int> threads;
  CHECK(wait_until([&] {
    threads = niceness_of(collector.pid());
    return threads["seal"] == std::max(own, 10) && threads["export"] == std::max(own, 10);
  }));
  for (const char* urgent : {"drain", "sync", "control"}) CHECK_MESSAGE(threads.at(urgent) == own, urgent);
}

}  // namespace arbiter::test

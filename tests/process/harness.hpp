// Real programs on directories of their own: what every case in this folder is made of.
//
//   Place place;                                  // private directories; removed, and everything started in it killed, at the end
//   Collector collector(place);                   // a real arbiter-collector, ready when the constructor returns
//   place.replay(place.sample(100));              // real producer processes
//   CHECK(collector.stats().at("totalTaskExecutions") == 100);
//
// Every wait has an end. A child dies with the test that started it, whatever becomes of the test.
#pragma once

#include <sys/types.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace arbiter::test {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
namespace json = boost::json;
using Arguments = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

// Waits are multiplied by this under sanitizers, where programs take their time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kPatience = 4;
#else
inline constexpr int kPatience = 1;
#endif
inline constexpr std::chrono::milliseconds kWaitMax = 20s * kPatience;

// True as soon as `done` is; false when it is not by then.
bool wait_until(const std::function<bool()>& done, std::chrono::milliseconds at_most = kWaitMax);

// A program that was started. Killed and reaped when it goes out of scope.
class Process {
 public:
  Process(const Arguments& command, const Environment& environment, const fs::path& out, const fs::path& err);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  // Exit status, 128 + the signal's number if a signal ended it; nothing if it has not ended by then.
  std::optional<int> wait(std::chrono::milliseconds at_most = kWaitMax);

 private:
  pid_t pid_ = -1;
  std::optional<int> ended_;
};

struct Ran {
  int exit = -1;  // as Process::wait; -1: had to be killed because it did not end
  std::string out, err;
};

// Private directories: state and exports below `root`, lanes and the socket on tmpfs where there is one.
class Place {
 public:
  Place();
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  const fs::path& root() const { return root_; }
  fs::path lanes() const { return memory_ / "lanes"; }
  fs::path state() const { return root_ / "state"; }
  fs::path exports() const { return root_ / "exports"; }
  fs::path socket() const { return memory_ / "control.sock"; }
  fs::path write(const std::string& name, std::string_view text) const;  // a file below root

  // Runs a program of ours to its end, with ARBITER_RING_DIR and ARBITER_SOCKET of this place.
  Ran run(const std::string& program, const Arguments& arguments, const Environment& more = {},
          std::chrono::milliseconds at_most = 6 * kWaitMax);
  Process start(const std::string& program, const Arguments& arguments, const Environment& more = {});
  Ran shell(const std::string& command);

  // `runs` made-up agent runs in a file.
  fs::path sample(std::uint64_t runs);
  // Replays the file; requires that it went well, and returns the summary.
  json::object replay(const fs::path& input, const Arguments& more = {});

 private:
  Environment environment(const Environment& more) const;
  fs::path root_, memory_;
  int started_ = 0;
};

class Collector {
 public:
  // `config`: JSON of the configuration file; empty: defaults, without a file. `limits`: what a shell does before it becomes the collector,
  // as "ulimit -n 200". Requires that it becomes ready.
  explicit Collector(Place& place, std::string config = {}, std::string limits = {});

  void start();  // again, on the same directories
  int stop();    // SIGTERM; its exit status
  void kill();   // SIGKILL
  pid_t pid() const { return process_->pid(); }
  bool running() { return process_ && process_->running(); }
  std::string log() const;

  Ran ctl(const Arguments& arguments) { return place_.run("arbiterctl", arguments); }
  json::value ask(Arguments arguments);  // arbiterctl --json; requires exit 0 and one JSON document
  json::object stats() { return ask({"stats"}).as_object(); }
  std::vector<json::object> events(const Arguments& more = {});  // at most the newest 100,000
  // Exports, and returns the directory of the snapshot.
  fs::path snapshot(const Arguments& more = {});

 private:
  Place& place_;
  std::string config_, limits_;
  std::optional<Process> process_;
  int starts_ = 0;
};

// The figures that a file of agent runs must give.
struct Figures {
  std::uint64_t runs = 0, successes = 0;
  double mean_ms = 0;
};
Figures figures_of(const fs::path& runs);
// Checks that the statistics say exactly these, and that nothing was lost.
void check_figures(const json::object& stats, const Figures& expected);

// A line as in a snapshot's events.jsonl, for replay. `data` is JSON.
std::string event_line(std::string_view type, std::int64_t time_ns, const std::string& data);
std::int64_t now_ns();

// Sum of all numbers in `losses`, however they are nested.
std::uint64_t sum_of(const json::value& losses);

std::string read_file(const fs::path& path);
std::vector<json::object> read_lines(const fs::path& path);  // of a .jsonl or .jsonl.zst

inline constexpr const char* kNoRetention = R"("retention": {"max_age": null, "max_events": null, "max_bytes": null})";
inline constexpr const char* kNoAnonymization = R"("anonymization": {"enabled": false})";

// A configuration with anonymisation and retention off, and `more` keys.
std::string plain_config(const std::string& more = {});

// Says so on stdout, in the form that tools/check collects, and returns false when the test does not run as root.
bool needs_root(std::string_view test);
void not_run(std::string_view test, std::string_view why);
// The 6,852 real agent runs, which are not part of this repository: where ARBITER_RUNS says, or beside the clone. Says so when they are
// not there.
std::optional<fs::path> real_runs(std::string_view test);

}  // namespace arbiter::test

// arbiter-bench: what recording, and everything behind it, costs on this machine.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>

#include "tests/bench/modes.hpp"

namespace arbiter::bench {
namespace {

namespace fs = std::filesystem;

struct Mode {
  const char* name;
  const char* what;
  Result<void> (*measure)(const Setting&, Report&);
};

constexpr Mode kModes[] = {
    {"record", "one call: in bursts, into a full lane, paused, disabled, without a lane", record},
    {"saturated", "one call, back to back, with a consumer that only acknowledges", saturated},
    {"paced", "single calls, 10,000 a second: quantiles", paced},
    {"pipeline", "a real collector on one core, from the lane to the statistics", pipeline},
};

// A private directory, gone at the end.
class Scratch {
 public:
  explicit Scratch(const std::string& below) : path_(below + "/arbiter-bench.XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

int run(int argc, char** argv) {
  CLI::App app{"Measures what recording, and everything behind it, costs on this machine."};
  std::vector<std::string> modes;
  std::string directory = fs::temp_directory_path();
  int rounds = 3;
  double scale = 1;
  bool json = false;
  std::string known;
  for (const Mode& mode : kModes)
    known += std::string("  ") + mode.name + std::string(12 - std::string(mode.name).size(), ' ') + mode.what + "\n";
  app.add_option("mode", modes, "what to measure, one or several; all without any")->option_text("[MODE]...");
  app.add_option("--rounds", rounds, "rounds, of all modes in turn; the table shows median, least and most")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--scale", scale, "how long a round measures, as a share of the usual")
      ->check(CLI::Range(0.001, 100.0))
      ->capture_default_str();
  app.add_option("--dir", directory, "where journals are written meanwhile")->check(CLI::ExistingDirectory)->capture_default_str();
  app.add_flag("--json", json, "one JSON document instead of the table");
  app.footer("modes:\n" + known + "\nexamples:\n  arbiter-bench record\n  arbiter-bench --rounds 9 --json record paced saturated");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }

  std::vector<const Mode*> chosen;
  for (const Mode& mode : kModes)
    if (modes.empty() || std::find(modes.begin(), modes.end(), mode.name) != modes.end()) chosen.push_back(&mode);
  for (const std::string& name : modes)
    if (std::none_of(std::begin(kModes), std::end(kModes), [&](const Mode& m) { return name == m.name; })) {
      std::fprintf(stderr, "arbiter-bench: unknown mode '%s': see arbiter-bench --help\n", name.c_str());
      return 2;
    }

  const Scratch disk(directory), memory(fs::is_directory("/dev/shm") ? "/dev/shm" : directory);
  if (disk.path().empty() || memory.path().empty()) {
    std::fprintf(stderr, "arbiter-bench: cannot make a directory below %s: name another with --dir\n", directory.c_str());
    return 1;
  }
  const Setting setting{disk.path(), memory.path(), fs::read_symlink("/proc/self/exe").parent_path(), scale};
  Report report;
  for (int round = 0; round < rounds; ++round)
    for (const Mode* mode : chosen) {
      std::fprintf(stderr, "round %d of %d: %s\n", round + 1, rounds, mode->name);
      if (auto done = mode->measure(setting, report); !done) {
        std::fprintf(stderr, "arbiter-bench: %s: %s\n", mode->name, done.error().message.c_str());
        return 1;
      }
    }
  if (json)
    std::cout << boost::json::serialize(report.to_json()) << '\n';
  else
    std::cout << report.table();
  return 0;
}

}  // namespace
}  // namespace arbiter::bench

int main(int argc, char** argv) { return arbiter::bench::run(argc, argv); }

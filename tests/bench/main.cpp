// arbiter-bench: what recording, and everything behind it, costs on this machine.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "tests/bench/machine.hpp"
#include "tests/bench/modes.hpp"

namespace arbiter::bench {
namespace {

namespace fs = std::filesystem;

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

std::string footer() {
  std::string text = "modes:\n";
  for (const Mode& mode : modes())
    text += "  " + std::string(mode.name) + std::string(12 - mode.name.size(), ' ') + std::string(mode.what) + '\n';
  text += "\nexamples:\n";
  for (const Mode& mode : modes()) text += "  " + std::string(mode.example) + '\n';
  return text + "  arbiter-bench --rounds 9 --json record saturated paced";
}

int run(int argc, char** argv) {
  CLI::App app{"Measures what recording, and everything behind it, costs on this machine."};
  std::vector<std::string> names;
  std::string directory = fs::temp_directory_path();
  int rounds = 3;
  double scale = 1, seconds = 0;
  bool json = false;
  app.add_option("mode", names, "what to measure, one or several; all but bindings and compare without any")->option_text("[MODE]...");
  app.add_option("--rounds", rounds, "rounds, of all modes in turn; the table shows median, least and most")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--scale", scale, "how much a round measures, as a share of the usual")
      ->check(CLI::Range(0.001, 100.0))
      ->capture_default_str();
  app.add_option("--seconds", seconds, "how long sustained, lag, idle and memory go on, whatever the scale")
      ->check(CLI::Range(0.1, 86400.0));
  app.add_option("--dir", directory, "where journals are written meanwhile")->check(CLI::ExistingDirectory)->capture_default_str();
  app.add_flag("--json", json, "one JSON document instead of the table");
  app.footer(footer());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }

  std::vector<const Mode*> chosen;
  for (const Mode& mode : modes())
    if (names.empty() ? mode.by_default : std::find(names.begin(), names.end(), mode.name) != names.end()) chosen.push_back(&mode);
  for (const std::string& name : names)
    if (std::none_of(chosen.begin(), chosen.end(), [&](const Mode* mode) { return name == mode->name; })) {
      std::fprintf(stderr, "arbiter-bench: unknown mode '%s': see arbiter-bench --help\n", name.c_str());
      return 2;
    }

  const Scratch disk(directory), memory(fs::is_directory("/dev/shm") ? "/dev/shm" : directory);
  if (disk.path().empty() || memory.path().empty()) {
    std::fprintf(stderr, "arbiter-bench: cannot make a directory below %s: name another with --dir\n", directory.c_str());
    return 1;
  }
  const Setting setting{.directory = disk.path(),
                        .memory = memory.path(),
                        .bin = fs::read_symlink("/proc/self/exe").parent_path(),
                        .scale = scale,
                        .seconds = seconds};
  boost::json::object document;
  document["machine"] = machine();
  const auto report = measured(chosen, setting, rounds);
  if (!report) {
    std::fprintf(stderr, "arbiter-bench: %s\n", report.error().message.c_str());
    return 1;
  }
  for (auto& [key, value] : report->to_json()) document[key] = value;
  if (json)
    std::cout << boost::json::serialize(document) << '\n';
  else
    std::cout << report->table() << "events are stamped by the " << document["machine"].at("stampedBy").as_string().c_str() << '\n';
  return 0;
}

}  // namespace
}  // namespace arbiter::bench

int main(int argc, char** argv) { return arbiter::bench::run(argc, argv); }

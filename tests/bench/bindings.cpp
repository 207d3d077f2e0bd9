// What a record call costs from other languages: a child of each, into the lanes of a real collector, beside an empty call of the same
// language with the same arguments. C is in the mode `record`.
#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/bench/modes.hpp"
#include "tests/bench/program.hpp"
#include "tests/bench/running_collector.hpp"

namespace arbiter::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kBursts = 400;
constexpr const char* kNodePackages = ARBITER_SOURCE_DIR "/build/node-package/node_modules";  // where tools/check installs koffi

// Of a program that is told how many bursts to record, and says what a call took, in nanoseconds: {"empty": 50.1, "record": 90.2, ...}.
struct Figure {
  const char* key;
  const char* of;
  double goal_ns;  // 0: none
};
struct Binding {
  const char* measure;
  std::vector<std::string> command, environment;
  std::vector<Figure> figures;
};

Binding python(const std::string& build, const char* implementation, std::vector<Figure> figures) {
  return {.measure = "a call from Python",
          .command = {"/usr/bin/python3", "-B", ARBITER_SOURCE_DIR "/tests/bench/binding.py"},
          .environment = {"PYTHONPATH=" + build + "/python", "ARBITER_LIBRARY=" + build + "/lib/libarbiter_producer.so.1",
                          std::string("ARBITER_PYTHON=") + implementation},
          .figures = std::move(figures)};
}

Binding node(const std::string& build, const char* backend, std::vector<Figure> figures) {
  return {.measure = "a call from Node",
          .command = {"node", ARBITER_SOURCE_DIR "/tests/bench/binding.mjs", ARBITER_SOURCE_DIR "/producer/node"},
          .environment = {"ARBITER_NODE_ADDON=" + build + "/lib/arbiter_producer.node",
                          "ARBITER_PRODUCER_LIBRARY=" + build + "/lib/libarbiter_producer.so.1", std::string("NODE_PATH=") + kNodePackages,
                          std::string("ARBITER_NODE_BACKEND=") + backend},
          .figures = std::move(figures)};
}

// Those that are built.
std::vector<Binding> built(const Setting& setting) {
  const std::string build = fs::path(setting.bin).parent_path();
  std::vector<Binding> all;
  if (fs::exists(build + "/python/arbiter/_native.abi3.so"))
    all.push_back(python(build, "native",
                         {{"empty", "empty, with these keywords", 0},
                          {"record", "a completion, by the accelerator", 250},
                          {"task", "start and completion, as a block, by the accelerator", 0}}));
  if (fs::exists(build + "/python/arbiter/__init__.py"))
    all.push_back(python(build, "ctypes", {{"record", "a completion, over ctypes", 2'000}}));
  if (found_program("node").empty()) return all;
  if (fs::exists(build + "/lib/arbiter_producer.node"))
    all.push_back(node(build, "addon",
                       {{"empty", "empty, with these arguments", 0},
                        {"emptyFromObject", "empty, with this object", 0},
                        {"record", "a completion, by the addon", 200},
                        {"recordFromObject", "a completion from an object, by the addon", 1'500},
                        {"task", "start and completion from objects, by the addon", 0}}));
  if (fs::exists(std::string(kNodePackages) + "/koffi"))
    all.push_back(node(build, "koffi",
                       {{"record", "a completion, over koffi", 0}, {"recordFromObject", "a completion from an object, over koffi", 0}}));
  return all;
}

Result<void> measure(const Setting& setting, Report& report, const Binding& binding) {
  auto collector = RunningCollector::start(setting, "{}");
  if (!collector) return collector.error();
  std::vector<std::string> command = binding.command, environment = binding.environment;
  command.push_back(std::to_string(setting.count_of(kBursts)));
  environment.push_back("ARBITER_RING_DIR=" + collector->lanes());
  const auto said = output_of(command, environment);
  if (!said) return said.error();
  boost::system::error_code bad;
  const boost::json::value document = boost::json::parse(*said, bad);
  for (const Figure& figure : binding.figures) {
    const boost::json::value* const ns = bad || !document.is_object() ? nullptr : document.get_object().if_contains(figure.key);
    if (ns == nullptr || !ns->is_number()) return Error{binding.command.back() + " does not say what '" + figure.key + "' took: " + *said};
    Row& row = report.add("bindings", binding.measure, figure.of, "ns", ns->to_number<double>());
    if (figure.goal_ns > 0) row.goal = figure.goal_ns;
  }
  return {};
}

}  // namespace

Result<void> bindings(const Setting& setting, Report& report) {
  const std::vector<Binding> all = built(setting);
  if (all.empty()) return Error{"no binding is built: cmake --build --preset release --target arbiter_python"};
  for (const Binding& binding : all)
    if (auto done = measure(setting, report, binding); !done) return done;
  return {};
}

}  // namespace arbiter::bench

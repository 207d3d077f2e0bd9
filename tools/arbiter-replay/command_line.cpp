#include "tools/arbiter-replay/command_line.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>

namespace arbiter::replay {
namespace {

constexpr const char* kFooter = R"(
A line of the input is one agent run
  {"run_id", "task_id", "task_family", "agent_id", "started_at_ms", "completed_at_ms", "score", "success", "error"}
which is recorded as a routing decision, a task start, a completion and an evaluation outcome; or one event of a snapshot
(events.jsonl or events.jsonl.zst), recorded again as it was. It waits for room in the lanes rather than drop an event.
Lines that are neither are reported and counted.

Examples:
  arbiter-replay --input runs.jsonl --processes 2
  arbiter-replay --input runs.jsonl --time now --rate 100
  arbiter-replay --input exports/latest/events.jsonl.zst
  arbiter-replay --make-sample 400 > runs.jsonl

Exit status: 0 everything was recorded, 1 something was not, 2 usage.)";

}  // namespace

std::unique_ptr<CLI::App> command_line(CommandLine& into) {
  auto app =
      std::make_unique<CLI::App>("Records agent runs, or events exported before, through real producer processes.", "arbiter-replay");
  CLI::Option* const input = app->add_option("--input", into.options.input, "file of JSON lines, plain or zstd")->type_name("FILE");
  app->add_option("--processes", into.options.processes, "producer processes")
      ->type_name("N")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app->add_option("--threads", into.options.threads, "threads in each")->type_name("N")->check(CLI::Range(1, 256))->capture_default_str();
  app->add_option("--rate", into.rate, "lines a second, over all processes (default: as fast as there is room)")
      ->type_name("RATE")
      ->check(CLI::PositiveNumber);
  app->add_option("--time", into.time, "original: events carry the input's times; now: they happen now")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"original", "now"}))
      ->capture_default_str();
  app->add_option("--repeat", into.options.repeat, "record the input so often; ids of a run's repetitions end in ~2, ~3, ...")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  app->add_option("--wait", into.options.wait_seconds, "seconds to wait for room in a full lane before giving up")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app->add_option("--ring-dir", into.options.ring_dir, "directory of lanes (default: where every producer looks)")->type_name("DIR");
  app->add_option("--instance", into.options.instance, "the collector of this name")->type_name("NAME");
  app->add_flag("--json", into.json, "print the outcome as one JSON document");
  app->add_option("--make-sample", into.sample, "write so many made-up runs to stdout, and record nothing")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000'000))
      ->excludes(input);
  app->set_version_flag("--version", "arbiter-replay " ARBITER_VERSION);
  app->footer(kFooter);
  return app;
}

}  // namespace arbiter::replay

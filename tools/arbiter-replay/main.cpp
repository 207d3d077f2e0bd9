// arbiter-replay: records agent runs, or events exported before, through real producer processes.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "tools/arbiter-replay/replay.hpp"
#include "tools/arbiter-replay/sample.hpp"

namespace {

constexpr const char* kFooter = R"(
A line of the input is one agent run
  {"run_id", "task_id", "task_family", "agent_id", "started_at_ms", "completed_at_ms", "score", "success", "error"}
which is recorded as a routing decision, a task start, a completion and an evaluation outcome; or one event of a snapshot
(events.jsonl or events.jsonl.zst), recorded again as it was. It waits for room in the lanes rather than drop an event.
Lines that are neither are reported and counted; the exit status is 1 when anything was not recorded.

examples:
  arbiter-replay --input runs.jsonl --processes 2
  arbiter-replay --input runs.jsonl --time now --rate 100
  arbiter-replay --input exports/latest/events.jsonl.zst
  arbiter-replay --make-sample 400 > runs.jsonl
)";

void print(const arbiter::replay::Outcome& o, bool as_json) {
  const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
  if (as_json)
    std::printf(
        "{\"lines\":%llu,\"recorded\":%llu,\"disabled\":%llu,\"dropped\":%llu,\"refused\":%llu,\"badLines\":%llu,\"seconds\":%.3f}\n",
        n(o.lines), n(o.recorded), n(o.disabled), n(o.dropped), n(o.refused), n(o.bad_lines), o.seconds);
  else
    std::printf(
        "%llu events of %llu lines recorded in %.1f s; %llu dropped, %llu refused, %llu not recorded because recording is disabled, %llu "
        "bad lines\n",
        n(o.recorded), n(o.lines), o.seconds, n(o.dropped), n(o.refused), n(o.disabled), n(o.bad_lines));
}

int failed(const std::string& what) {
  std::fprintf(stderr, "arbiter-replay: %s\n", what.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Records agent runs, or events exported before, through real producer processes.", "arbiter-replay"};
  arbiter::replay::Options options;
  std::string time = "original";
  std::uint64_t sample = 0;
  double rate = 0;
  bool as_json = false;
  CLI::Option* const input = app.add_option("--input", options.input, "file of JSON lines, plain or zstd")->type_name("FILE");
  app.add_option("--processes", options.processes, "producer processes")->check(CLI::Range(1, 256))->capture_default_str();
  app.add_option("--threads", options.threads, "threads in each")->check(CLI::Range(1, 256))->capture_default_str();
  CLI::Option* const rated =
      app.add_option("--rate", rate, "lines a second, over all processes (default: as fast as there is room)")->check(CLI::PositiveNumber);
  app.add_option("--time", time, "original: events carry the input's times; now: they happen now")
      ->check(CLI::IsMember({"original", "now"}))
      ->capture_default_str();
  app.add_option("--repeat", options.repeat, "record the input so often; ids of a run's repetitions end in ~2, ~3, ...")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option("--wait", options.wait_seconds, "seconds to wait for room in a full lane before giving up")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option("--ring-dir", options.ring_dir, "directory of lanes (default: where every producer looks)")->type_name("DIR");
  app.add_option("--instance", options.instance, "the collector of this name")->type_name("NAME");
  app.add_flag("--json", as_json, "print the outcome as one JSON document");
  app.add_option("--make-sample", sample, "write so many made-up runs to stdout, and record nothing")
      ->check(CLI::Range(1, 10'000'000))
      ->excludes(input);
  app.set_version_flag("--version", "arbiter-replay " ARBITER_VERSION);
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
    if (sample == 0 && options.input.empty()) throw CLI::RequiredError("--input");
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    std::fprintf(stderr, "arbiter-replay: %s: see arbiter-replay --help\n", e.what());
    return 2;
  }

  if (sample > 0) {
    using namespace std::chrono;
    arbiter::replay::write_sample(std::cout, sample, duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
    return std::cout.flush() ? 0 : failed("cannot write the sample to stdout");
  }
  if (*rated) options.rate = rate;
  options.original_time = time == "original";
  const auto outcome = arbiter::replay::run(options);
  if (!outcome) return failed(outcome.error().message);
  print(*outcome, as_json);
  if (outcome->disabled > 0) std::fprintf(stderr, "arbiter-replay: recording is disabled: arbiterctl resume switches it on again\n");
  return outcome->complete() ? 0 : 1;
}

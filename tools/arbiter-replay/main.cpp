// arbiter-replay: records agent runs, or events exported before, through real producer processes.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "tools/arbiter-replay/command_line.hpp"
#include "tools/arbiter-replay/replay.hpp"
#include "tools/arbiter-replay/sample.hpp"

namespace {

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
  arbiter::replay::CommandLine given;
  const auto app = arbiter::replay::command_line(given);
  try {
    app->parse(argc, argv);
    if (given.sample == 0 && given.options.input.empty()) throw CLI::RequiredError("--input");
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app->exit(e);
    std::fprintf(stderr, "arbiter-replay: %s: see arbiter-replay --help\n", e.what());
    return 2;
  }

  if (given.sample > 0) {
    using namespace std::chrono;
    arbiter::replay::write_sample(std::cout, given.sample, duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
    return std::cout.flush() ? 0 : failed("cannot write the sample to stdout");
  }
  if (given.rate > 0) given.options.rate = given.rate;
  given.options.original_time = given.time == "original";
  const auto outcome = arbiter::replay::run(given.options);
  if (!outcome) return failed(outcome.error().message);
  print(*outcome, given.json);
  if (outcome->disabled > 0) std::fprintf(stderr, "arbiter-replay: recording is disabled: arbiterctl resume switches it on again\n");
  return outcome->complete() ? 0 : 1;
}

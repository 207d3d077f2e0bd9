// arbiter-collector: reads the command line and the configuration, starts the drain's thread, the exports and the control socket, and waits
// for signals. It wires the stages and does nothing else.
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <thread>

#include "collector/command_line.hpp"
#include "collector/config/load.hpp"
#include "collector/config/print.hpp"
#include "collector/control/server.hpp"
#include "collector/embedded.hpp"
#include "collector/log/log.hpp"
#include "collector/service/collector_service.hpp"
#include "collector/service/engine.hpp"
#include "collector/systemd.hpp"
#include "collector/thread.hpp"

namespace {

using namespace arbiter;

int complain(const Error& error, int status) {
  std::fprintf(stderr, "arbiter-collector: %s\n", error.message.c_str());
  return status;
}

// Signals are taken by the main thread alone, one after the other, outside of any handler.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file size limit is an error of write, not the end
  return set;
}

// The drain's own thread feeds the watchdog: threads that only wait for it would go on feeding while it is stuck.
void beat_for_watchdog(service::Engine& engine) {
  constexpr int beats = 4;  // in the time that the watchdog waits
  constexpr std::chrono::microseconds status_every = std::chrono::seconds(5);
  if (const auto waits = systemd::watchdog())
    engine.on_beat(std::min(*waits / beats, status_every), [&engine] { systemd::alive(engine.summary()); });
}

int serve(const config::Options& options, config::Loaded loaded, Embedded* embedded) {
  const sigset_t signals = block_signals();
  log::start(loaded.config.log.level, loaded.config.log.format);
  const auto passed = systemd::passed_sockets(loaded.config.socket, loaded.config.ring_dir + ".doorbell");
  if (!passed) return complain(passed.error(), config::kBadConfiguration);
  auto engine = service::Engine::open(loaded.config, passed->doorbell);
  if (!engine) return complain(engine.error(), 1);
  if (embedded != nullptr)
    if (const auto watching = embedded->watch(); !watching) return complain(watching.error(), 1);
  beat_for_watchdog(**engine);
  service::CollectorService service(**engine, options);
  std::thread drain([&] {
    begin_thread("drain", Urgency::now);
    (*engine)->run();
    kill(getpid(), SIGTERM);  // however it ends, the main thread hears of it
  });
  const auto finish = [&] {
    service.stop();
    (*engine)->stop();
    drain.join();
    service.finish();
  };
  service.start();  // before anybody can ask for an export: it clears away what a killed one left
  auto server =
      control::Server::start(service, {.socket = loaded.config.socket, .listen = loaded.config.listen, .passed = passed->control});
  if (!server) {
    finish();
    return complain(server.error(), 1);
  }
  log::info("main", "collecting from {}: control socket {}", loaded.config.ring_dir, loaded.config.socket);
  if (const std::string& address = (*server)->listening(); !address.empty())
    log::info("main", "reading over TCP: http://{}/metrics", address);
  const std::string status = "collecting from " + loaded.config.ring_dir;
  systemd::ready(status);

  for (bool running = true; running;) {
    int number = 0;
    if (sigwait(&signals, &number) != 0) continue;
    switch (number) {
      case SIGHUP:
        systemd::reloading();
        service.reload();
        systemd::ready(status);
        break;
      case SIGUSR1: service.export_soon(); break;
      default: running = false;
    }
  }
  log::info("main", "stopping: taking what is recorded, sealing the journal");
  systemd::stopping("taking what is recorded, sealing the journal");
  service.stop();
  (*server)->stop();
  finish();
  if (const auto& failed = (*engine)->stop_error()) return complain(failed->while_("stopping"), 1);
  return 0;
}

// Threads come and go, and what they have used for once is large: with two arenas, and what is large given back, it is not held for nobody
// (arbiter-bench memory).
void keep_memory_small() {
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 256 << 10);  // for good: else it grows with what is freed
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

}  // namespace

int main(int argc, char** argv) {
  keep_memory_small();
  CommandLine given;
  const auto app = command_line(given);
  try {
    app->parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app->exit(done);
  } catch (const CLI::ParseError& wrong) {
    std::fprintf(stderr, "arbiter-collector: %s: see arbiter-collector --help\n", wrong.what());
    return 2;
  }

  config::Options& options = given.options;
  std::unique_ptr<Embedded> embedded;
  const bool says_more =
      given.check || given.print ||
      !(options.file + options.instance + options.ring_dir + options.state_dir + options.export_dir + options.socket).empty();
  if (!given.embedded.empty() && says_more) {
    std::fprintf(
        stderr,
        "arbiter-collector: --embedded names all places: leave the other options out, and put the configuration into %s/collector.json\n",
        given.embedded.c_str());
    return 2;
  }
  if (!given.embedded.empty()) {
    auto taken = Embedded::take(given.embedded);
    if (!taken) return complain(taken.error(), 1);
    embedded = std::move(*taken);
    options = embedded->options();
  }
  auto loaded = config::load(options, config::surroundings());
  if (!loaded) return complain(loaded.error(), config::kBadConfiguration);
  if (given.print) {
    std::fputs(config::documented(loaded->config).c_str(), stdout);
    return 0;
  }
  if (given.check) {
    std::printf("%s: good\n", loaded->file.empty() ? "defaults (no configuration file)" : loaded->file.c_str());
    return 0;
  }
  try {
    const int status = serve(options, std::move(*loaded), embedded.get());
    if (embedded != nullptr)
      if (const auto left = embedded->leave(); !left) return complain(left.error(), 1);
    return status;
  } catch (const std::exception& failed) {
    return complain({failed.what()}, 1);
  }
}

#include "tools/manual/programs.hpp"

#include "collector/command_line.hpp"
#include "tools/arbiter-inspect/command_line.hpp"
#include "tools/arbiter-replay/command_line.hpp"
#include "tools/arbiterctl/command_line.hpp"

namespace arbiter::manual {
namespace {

const Entry kNoColor{"NO_COLOR", "Set to anything, switches colours off."};
const Entry kRingDir{"ARBITER_RING_DIR", "Directory of the lanes, before every default place."};

Page of_collector() {
  return {.section = 8,
          .summary = "collects what agents record about tasks and agents",
          .environment = {{"NOTIFY_SOCKET", "Where a service manager hears of readiness, reloads and the watchdog."},
                          {"LISTEN_FDS", "Control socket and doorbell, bound by a service manager."},
                          {"CREDENTIALS_DIRECTORY", "The file anonymization.key in it, if there is one, is the key."},
                          {"XDG_RUNTIME_DIR", "Of an ordinary user: lanes and control socket are in arbiter below it."},
                          {"XDG_STATE_HOME", "Of an ordinary user: journal, key and exports are in arbiter below it."},
                          {"XDG_CONFIG_HOME", "Of an ordinary user: the configuration is in arbiter below it."}},
          .files = {{"/etc/arbiter/collector.json", "Configuration of the service."},
                    {"/run/arbiter/lanes", "What agents record, until it is taken."},
                    {"/run/arbiter/control.sock", "Where it answers, over HTTP."},
                    {"/var/lib/arbiter", "Journal, checkpoints, key, audit.jsonl and exports."},
                    {"/usr/share/arbiter/collector.json", "Every key of the configuration with its default."},
                    {"/usr/share/doc/arbiter-collector/examples", "Drop-ins for what the unit's sandbox forbids."}},
          .see = {"arbiter-inspect 1", "arbiter-replay 1", "arbiterctl 1", "arbiter-collector.json 5"}};
}

Page of_ctl() {
  return {.section = 1,
          .summary = "ask a running arbiter-collector, and tell it what to do",
          .environment = {{"ARBITER_SOCKET", "Control socket of the collector, before the usual places."}, kNoColor},
          .files = {{"/run/arbiter/control.sock", "Control socket of the service."}},
          .see = {"arbiter-collector.json 5", "arbiter-collector 8"}};
}

Page of_inspect() {
  return {.section = 1,
          .summary = "say what is in a segment of lanes, a file of the journal or a snapshot",
          .environment = {},
          .files = {},
          .see = {"arbiterctl 1", "arbiter-collector 8"}};
}

Page of_replay() {
  return {.section = 1,
          .summary = "record agent runs, or events exported before",
          .environment = {kRingDir, {"ARBITER_DISABLE", "Set to 1, nothing is recorded."}},
          .files = {},
          .see = {"arbiterctl 1", "arbiter-collector 8"}};
}

}  // namespace

void for_each_program(const std::function<void(const CLI::App&, const Page&)>& with) {
  CommandLine collector;
  with(*command_line(collector), of_collector());
  ctl::Arguments control;
  with(*ctl::command_line(control), of_ctl());
  inspect::CommandLine inspecting;
  with(*inspect::command_line(inspecting), of_inspect());
  replay::CommandLine replaying;
  with(*replay::command_line(replaying), of_replay());
}

}  // namespace arbiter::manual

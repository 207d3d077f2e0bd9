#include "collector/command_line.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace arbiter {
namespace {

constexpr const char* kExamples = R"(
Examples:
  arbiter-collector                                   with the places and defaults of whoever runs it
  arbiter-collector --config /etc/arbiter/collector.json
  arbiter-collector --instance test --state-dir /tmp/test-state
  arbiter-collector --check-config --config new.json && systemctl reload arbiter-collector
  arbiter-collector --print-config > collector.json   every key, documented, as it would be used
  sleep 60 | arbiter-collector --embedded /dev/shm/of-mine   for a minute, as a program runs one for itself; nothing is left

Signals: TERM and INT stop it cleanly (what is recorded is taken, the journal sealed); HUP reads the configuration again; USR1 exports a snapshot.
Exit status: 0 stopped cleanly, 1 failed, 2 usage, 78 bad configuration.)";

}  // namespace

std::unique_ptr<CLI::App> command_line(CommandLine& into) {
  auto app = std::make_unique<CLI::App>(
      "Collects what agent processes record: drains their lanes, keeps the journal, answers on the control socket, exports snapshots.",
      "arbiter-collector");
  app->add_option("--config", into.options.file, "Configuration file (JSON with comments)")->type_name("FILE");
  app->add_option("--ring-dir", into.options.ring_dir, "Directory of the lanes, in a tmpfs")->type_name("DIR");
  app->add_option("--state-dir", into.options.state_dir, "Directory of journal, checkpoints and key")->type_name("DIR");
  app->add_option("--export-dir", into.options.export_dir, "Directory of the snapshots")->type_name("DIR");
  app->add_option("--socket", into.options.socket, "Control socket")->type_name("PATH");
  app->add_option("--instance", into.options.instance, "Keep several collectors apart: all default places get this name")
      ->type_name("NAME");
  app->add_flag("--check-config", into.check, "Check the configuration, say what is wrong with it, and exit");
  app->add_flag("--print-config", into.print, "Print the configuration that would be used, every key documented, and exit");
  app->add_option("--embedded", into.embedded,
                  "For a program that runs a collector for itself: everything lies in this directory, collector.json in it is the "
                  "configuration; when standard input is closed the collector ends and the directory is removed")
      ->type_name("DIR");
  app->set_version_flag("--version", "arbiter-collector " ARBITER_VERSION);
  app->footer(kExamples);
  return app;
}

}  // namespace arbiter

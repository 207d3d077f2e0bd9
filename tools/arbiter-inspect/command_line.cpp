#include "tools/arbiter-inspect/command_line.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace arbiter::inspect {
namespace {

constexpr const char* kFooter = R"(
Reads segments of lanes (<ring_dir>/lanes-*), files of the journal (<state_dir>/journal/*) and snapshots (<export_dir>/<number>), whether their
programs are running or not. Locks nothing and changes nothing; what is being written meanwhile may show as it was or as it will be.

Examples:
  arbiter-inspect /dev/shm/arbiter-1000/lanes/lanes-*
  arbiter-inspect --events ~/.local/state/arbiter/journal/*.sealed
  arbiter-inspect --events --key-file encryption.key journal/*.sealed
  arbiter-inspect --json ~/.local/state/arbiter/exports/latest

Exit status: 0 all is sound, 1 something is damaged, or is none of ours, 2 usage.)";

}  // namespace

std::unique_ptr<CLI::App> command_line(CommandLine& into) {
  auto app = std::make_unique<CLI::App>("Says what is in a segment of lanes, a file of the journal or a snapshot.", "arbiter-inspect");
  app->add_option("path", into.paths, "files, and directories of snapshots")->type_name("")->required();
  CLI::Option* const json =
      app->add_flag("--json", into.json, "print one JSON document: the object of the path, a list of objects of several");
  app->add_flag("--events", into.events,
                "print the events in the files instead, one JSON object a line; of lanes, those not taken by the collector")
      ->excludes(json);
  app->add_option("--key-file", into.key_files, "key that something is encrypted under; several are tried")->type_name("FILE");
  app->set_version_flag("--version", "arbiter-inspect " ARBITER_VERSION);
  app->footer(kFooter);
  return app;
}

}  // namespace arbiter::inspect

// arbiter-inspect: says what is in a file of ours, live or dead.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "collector/crypt/keyring.hpp"
#include "collector/journal/format.hpp"
#include "shm/abi.hpp"
#include "tools/arbiter-inspect/report.hpp"
#include "tools/arbiter-inspect/sealed.hpp"

namespace {

using arbiter::Error;
using arbiter::Result;
using arbiter::inspect::EventLine;
using arbiter::inspect::Report;
namespace fs = std::filesystem;

constexpr const char* kFooter = R"(
Reads segments of lanes (<ring_dir>/lanes-*), files of the journal (<state_dir>/journal/*) and snapshots (<export_dir>/<number>), whether their
programs are running or not. Locks nothing and changes nothing; what is being written meanwhile may show as it was or as it will be.
The exit status is 1 when something is damaged, or is none of ours.

examples:
  arbiter-inspect /dev/shm/arbiter-1000/lanes/lanes-*
  arbiter-inspect --events ~/.local/state/arbiter/journal/*.sealed
  arbiter-inspect --events --key-file encryption.key journal/*.sealed
  arbiter-inspect --json ~/.local/state/arbiter/exports/latest
)";

Result<Report> inspect(const std::string& path, const EventLine& events, const arbiter::crypt::Keyring& keys) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error || !fs::exists(status)) return Error{"cannot open " + path + ": " + (error ? error.message() : "No such file or directory")};
  if (fs::is_directory(status)) {
    if (fs::exists(fs::path(path) / "manifest.json", error)) return arbiter::inspect::inspect_snapshot(path, events, keys);
    return Error{path + ": is a directory without a manifest.json, so not a snapshot: name the files in it one by one"};
  }
  if (!fs::is_regular_file(status)) return Error{path + ": is not a regular file"};
  std::uint64_t magic = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{"cannot open " + path + ": Permission denied"};
  file.read(reinterpret_cast<char*>(&magic), sizeof magic);
  if (magic == arbiter::abi::kMagic) return arbiter::inspect::inspect_lanes(path, events);
  for (const std::uint64_t ours :
       {arbiter::journal::kRawMagic, arbiter::journal::kSealedMagic, arbiter::journal::kCheckpointMagic, arbiter::inspect::kEncryptedMagic})
    if (magic == ours) return arbiter::inspect::inspect_journal(path, events, keys);
  return Error{path + ": is neither a segment of lanes nor a file of the journal nor a snapshot"};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Says what is in a segment of lanes, a file of the journal or a snapshot.", "arbiter-inspect"};
  std::vector<std::string> paths;
  bool as_json = false, show_events = false;
  app.add_option("path", paths, "files, and directories of snapshots")->required();
  CLI::Option* const json =
      app.add_flag("--json", as_json, "print one JSON document: the object of the path, a list of objects of several");
  app.add_flag("--events", show_events,
               "print the events in the files instead, one JSON object a line; of lanes, those not taken by the collector")
      ->excludes(json);
  std::vector<std::string> key_files;
  app.add_option("--key-file", key_files, "key that something is encrypted under; several are tried");
  app.set_version_flag("--version", "arbiter-inspect " ARBITER_VERSION);
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    std::fprintf(stderr, "arbiter-inspect: %s: see arbiter-inspect --help\n", e.what());
    return 2;
  }

  const auto keys = arbiter::crypt::load_keyring({}, key_files);
  if (!keys) {
    std::fprintf(stderr, "arbiter-inspect: %s\n", keys.error().message.c_str());
    return 1;
  }
  const EventLine line = !show_events ? EventLine() : [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::putchar('\n');
  };
  boost::json::array all;
  int exit_status = 0;
  for (const std::string& path : paths) {
    auto report = [&]() -> Result<Report> {
      try {
        return inspect(path, line, *keys);
      } catch (const std::exception& failed) {  // no memory for what the file says it holds
        return Error{path + ": " + failed.what()};
      }
    }();
    if (!report) {
      std::fprintf(stderr, "arbiter-inspect: %s\n", report.error().message.c_str());
      exit_status = 1;
      continue;
    }
    if (!report->sound) {
      std::fprintf(stderr, "arbiter-inspect: %s: is damaged\n", path.c_str());
      exit_status = 1;
    }
    if (as_json)
      all.push_back(std::move(report->facts));
    else if (!show_events)
      std::cout << (&path == &paths.front() ? "" : "\n") << arbiter::inspect::as_text(report->facts);
  }
  if (as_json && !(all.empty() && exit_status != 0))
    std::cout << boost::json::serialize(paths.size() == 1 ? all.at(0) : boost::json::value(all)) << "\n";
  std::cout.flush();
  if (!std::cout || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "arbiter-inspect: cannot write to stdout\n");
    return 1;
  }
  return exit_status;
}

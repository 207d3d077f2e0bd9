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
#include "tools/arbiter-inspect/command_line.hpp"
#include "tools/arbiter-inspect/report.hpp"
#include "tools/arbiter-inspect/sealed.hpp"

namespace {

using arbiter::Error;
using arbiter::Result;
using arbiter::inspect::EventLine;
using arbiter::inspect::Report;
namespace fs = std::filesystem;

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
  arbiter::inspect::CommandLine given;
  const auto app = arbiter::inspect::command_line(given);
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app->exit(e);
    std::fprintf(stderr, "arbiter-inspect: %s: see arbiter-inspect --help\n", e.what());
    return 2;
  }

  const auto keys = arbiter::crypt::load_keyring({}, given.key_files);
  if (!keys) {
    std::fprintf(stderr, "arbiter-inspect: %s\n", keys.error().message.c_str());
    return 1;
  }
  const EventLine line = !given.events ? EventLine() : [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::putchar('\n');
  };
  boost::json::array all;
  int exit_status = 0;
  for (const std::string& path : given.paths) {
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
    if (given.json)
      all.push_back(std::move(report->facts));
    else if (!given.events)
      std::cout << (&path == &given.paths.front() ? "" : "\n") << arbiter::inspect::as_text(report->facts);
  }
  if (given.json && !(all.empty() && exit_status != 0))
    std::cout << boost::json::serialize(given.paths.size() == 1 ? all.at(0) : boost::json::value(all)) << "\n";
  std::cout.flush();
  if (!std::cout || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "arbiter-inspect: cannot write to stdout\n");
    return 1;
  }
  return exit_status;
}

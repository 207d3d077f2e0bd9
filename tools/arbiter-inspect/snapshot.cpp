// A snapshot: what its manifest says, and whether that is so.
#include <fstream>
#include <iterator>

#include "collector/snapshot/verify.hpp"
#include "tools/arbiter-inspect/report.hpp"
#include "tools/arbiter-replay/lines.hpp"

namespace arbiter::inspect {
namespace {

Result<void> print_events(const std::string& directory, const EventLine& line) {
  for (const char* name : {"/events.jsonl.zst", "/events.jsonl"}) {
    auto lines = replay::Lines::open(directory + name);
    if (!lines) continue;
    for (;;) {
      const auto more = lines->next();
      if (!more) return more.error();
      if (!*more) return {};
      line(lines->line());
    }
  }
  return Error{directory +
               ": has no events.jsonl or events.jsonl.zst: where events are in several files, manifest.json names them; what is encrypted "
               "has to be decrypted first: arbiterctl decrypt"};
}

}  // namespace

Result<Report> inspect_snapshot(const std::string& path, const EventLine& line, const crypt::Keyring& keys) {
  Report report;
  if (line) {
    if (const auto printed = print_events(path, line); !printed) return printed.error();
    return report;
  }
  boost::json::object& facts = report.facts;
  facts["directory"] = path;
  facts["kind"] = "snapshot";
  const auto verified = snapshot::verify(path, keys);
  if (!verified) {
    report.sound = false;
    facts["damaged"] = verified.error().message;
    return report;
  }
  facts["snapshot"] = verified->snapshot;
  facts["filesChecked"] = verified->files;
  if (verified->encrypted != 0) facts["filesEncrypted"] = verified->encrypted;
  facts["bytesRead"] = verified->bytes;
  facts["events"] = verified->events;
  facts["trajectories"] = verified->trajectories;
  facts["decisions"] = verified->decisions;
  if (!verified->ok()) {
    report.sound = false;
    boost::json::array problems;
    for (const std::string& problem : verified->problems) problems.push_back(boost::json::string(problem));
    facts["damaged"] = std::move(problems);
  }
  std::ifstream file(path + "/manifest.json", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  boost::json::error_code error;
  boost::json::value manifest = boost::json::parse(text, error);
  if (!error) facts["manifest"] = std::move(manifest);
  return report;
}

}  // namespace arbiter::inspect

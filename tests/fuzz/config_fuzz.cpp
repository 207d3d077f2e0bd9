// Configuration files: whatever the text, it is taken or refused; what is taken can be written out and is the same when read again.
#include "collector/config/load.hpp"
#include "collector/config/print.hpp"
#include "tests/fuzz/input.hpp"

#include <boost/json.hpp>

namespace arbiter::fuzz {
namespace {

std::string text_of(const config::Config& config) { return boost::json::serialize(config::json_of(config)); }

void file(std::string_view text) {
  const auto parsed = config::parse(text, "fuzz.json");
  if (!parsed) return must(!parsed.error().message.empty(), "a refusal says why");
  const auto again = config::parse(config::documented(*parsed), "again.json");
  must(again.has_value(), "what is written out can be read");
  must(text_of(*again) == text_of(*parsed), "what is written out means the same");
}

// A change, as `arbiterctl config set` and PATCH /v1/config bring it.
void change(std::string_view text) {
  const auto changes = config::assignment(text);
  if (!changes) return must(!changes.error().message.empty(), "a refusal says why");
  const auto merged = config::merged(config::Config{}, *changes);
  if (merged) must(config::parse(config::documented(*merged), "again.json").has_value(), "what was changed can be read");
}

}  // namespace

void make_corpus(const fs::path& directory) {
  write_file(directory / "defaults", "F" + boost::json::serialize(config::json_of({})));
  write_file(directory / "comments",
             "F{// one\n \"retention\": {\"max_age\": \"36h\", /* two */ \"max_events\": null, \"max_bytes\": \"512MiB\",},}\n");
  write_file(directory / "lists", R"(F{"export": {"formats": ["events.jsonl", "trajectories.jsonl.zst"], "interval": null, "keep": 3}})");
  write_file(directory / "words",
             R"(F{"log": {"level": "debug", "format": "journald"}, "anonymization": {"free_text": "hash"}, "enabled": false})");
  write_file(directory / "wrong",
             R"(F{"retention": {"max_agee": 1, "max_events": -1}, "journal": {"sync": "sometimes"}, "limits": [1e400]})");
  write_file(directory / "escapes", "F{\"ring_dir\": \"/tmp/\\u00e9\\ud83d\\ude00\\n\", \"socket\": \"/\"}");
  write_file(directory / "set", "Sretention.max_events=100");
  write_file(directory / "set-list", "Sexport.formats=events.jsonl,trajectories.jsonl");
  write_file(directory / "set-null", "Sretention.max_age=null");
}

}  // namespace arbiter::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  arbiter::fuzz::Input input(data, size);
  if (input.byte() == 'S')
    arbiter::fuzz::change(input.rest());
  else
    arbiter::fuzz::file(input.rest());
  return 0;
}

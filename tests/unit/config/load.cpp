#include "collector/config/load.hpp"

#include <doctest/doctest.h>
#include <unistd.h>
#include <boost/json/serialize.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "collector/config/print.hpp"
#include "collector/config/table.hpp"

using namespace arbiter::config;

namespace {

std::string fault(std::string_view text) {
  const auto config = parse(text, "/etc/arbiter/collector.json");
  if (config) return "accepted";
  CHECK(config.error().code == 78);
  return config.error().message;
}

std::string set(const Config& base, std::string_view key_equals_value) {
  const auto changes = assignment(key_equals_value);
  if (!changes) return changes.error().message;
  const auto config = merged(base, *changes);
  if (!config) return config.error().message;
  const Key& key = *find_key(key_equals_value.substr(0, key_equals_value.find('=')));
  return boost::json::serialize(json_of(key, key.get(key, *config)));
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "arbiter-config-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  std::string path;
};

Surroundings nobody(const std::string& home) {
  Surroundings who;
  who.uid = 1000;
  who.environment = [home](const char* name) { return std::string(name) == "HOME" ? std::optional(home) : std::nullopt; };
  return who;
}

}  // namespace

TEST_CASE("a file may have comments and trailing commas, and changes only what it names") {
  const auto config = parse(R"(// first
{ /* a comment
     over two lines */
  "enabled": false, // "not": "a key"
  "retention": { "max_events": 100, "max_age": null, },
  "socket": "/tmp/a//b/*c*/.sock",
})",
                            "x");
  REQUIRE_MESSAGE(config.has_value(), config.error().message);
  CHECK_FALSE(config->enabled);
  CHECK(config->retention.max_events == 100);
  CHECK_FALSE(config->retention.max_age.has_value());
  CHECK(config->retention.max_bytes == 4ULL << 30);
  CHECK(config->socket == "/tmp/a//b/*c*/.sock");
  CHECK(config->export_.keep == 24);
  CHECK(parse("{}", "x").has_value());
  CHECK(parse("{\"$schema\": \"./collector.schema.json\"}", "x").has_value());
}

TEST_CASE("a typo in a key is named with its file, its line, and the nearest key there is") {
  CHECK(fault("{\n\n  \"retention\": {\n    // one more\n    \"max_age\": \"1d\",\n    \"max_evnts\": 5\n  }\n}") ==
        "/etc/arbiter/collector.json:6: retention.max_evnts: no such key: did you mean retention.max_events?");
  CHECK(fault("{\"max_age\": \"1d\"}") == "/etc/arbiter/collector.json:1: max_age: no such key: did you mean retention.max_age?");
  CHECK(fault("{\n\"retentoin\": {\"max_age\": \"1d\"}}") ==
        "/etc/arbiter/collector.json:2: retentoin: no such key: did you mean retention?");
  CHECK(fault("{\"log\": {\"colour\": true}}") ==
        "/etc/arbiter/collector.json:1: log.colour: no such key: the keys of log are level, format");
  CHECK(fault("{\"xyzzy\": 1}") ==
        "/etc/arbiter/collector.json:1: xyzzy: no such key: arbiter-collector --print-config shows all there are");
  CHECK(fault("{\"retention.max_age\": \"1d\"}") ==
        "/etc/arbiter/collector.json:1: retention.max_age: no such key: keys are nested here, write \"retention\": {\"max_age\": ...}");
}

TEST_CASE("all faults of a file are named, one a line, in its order") {
  CHECK(
      fault("{\n  \"enabled\": 1,\n  \"export\": {\n    \"keep\": 0,\n    \"formats\": []\n  },\n  \"enabled\": true,\n  \"log\": 3\n}") ==
      "/etc/arbiter/collector.json:2: enabled: 1 is not allowed: write true or false\n"
      "/etc/arbiter/collector.json:4: export.keep: 0 is out of range: write a whole number from 1 to 1000000, or null for all\n"
      "/etc/arbiter/collector.json:5: export.formats: [] names no format: write a list of \"events.jsonl.zst\", \"events.jsonl\", "
      "\"trajectories.jsonl.zst\", \"trajectories.jsonl\", \"decisions.dsjson.zst\", \"decisions.dsjson\", \"decisions.npy\", "
      "\"decisions.parquet\", \"events.parquet\"\n"
      "/etc/arbiter/collector.json:7: enabled: is there twice: first on line 2\n"
      "/etc/arbiter/collector.json:8: log: is a group of keys: write {...} with some of level, format");
}

TEST_CASE("what is not JSON is named with its line and column") {
  CHECK(fault("{\n  \"enabled\": tru\n}") == "/etc/arbiter/collector.json:2: syntax error at column 17");
  CHECK(fault("{\n  \"enabled\": true") == "/etc/arbiter/collector.json:2: incomplete JSON at column 18");
  CHECK(fault("") == "/etc/arbiter/collector.json:1: incomplete JSON at column 1");
  CHECK(fault("{}\n{}") == "/etc/arbiter/collector.json:2: something after the end of the document at column 1");
  CHECK(fault("{}\n /* never closed") == "/etc/arbiter/collector.json:2: a comment without its end, */, at column 2");
  CHECK(fault("[1]") == "/etc/arbiter/collector.json:1: a configuration is one JSON object, { ... }");
  CHECK(fault("7") == "/etc/arbiter/collector.json:1: a configuration is one JSON object, { ... }");
  CHECK(fault(std::string(1000, '[')).starts_with("/etc/arbiter/collector.json:1: "));
}

TEST_CASE("an object where a value belongs, and lists within lists, are refused once") {
  CHECK(fault("{\"enabled\": {\"a\": {\"b\": 1}}}") == "/etc/arbiter/collector.json:1: enabled: {} is not allowed: write true or false");
  CHECK(
      fault("{\"export\": {\"formats\": [[\"jsonl\"]]}}").starts_with("/etc/arbiter/collector.json:1: export.formats: [] is not allowed"));
  CHECK(fault("{\"export\": {\"formats\": [{\"a\": [1]}], \"keep\": 0}}").find("export.keep: 0 is out of range") != std::string::npos);
  CHECK(fault("{\"wrong\": {\"a\": {\"b\": 1}, \"c\": 2}, \"enabled\": 5}").find("wrong.") == std::string::npos);
}

TEST_CASE("rules between keys are checked where both values are known") {
  CHECK(fault("{\n\"retention\": {\"max_bytes\": \"64MiB\"}\n}") ==
        "/etc/arbiter/collector.json:2: retention.max_bytes: 64MiB is less than twice journal.segment_bytes (64MiB): raise it, or set "
        "journal.segment_bytes to at most 32MiB");
  CHECK(fault("{\"retention\": {\"max_bytes\": \"64MiB\"}, \"journal\": {\"segment_bytes\": \"32MiB\"}}") == "accepted");
}

TEST_CASE("KEY=VALUE is read by the type of the key") {
  const Config base;
  CHECK(set(base, "retention.max_events=100") == "100");
  CHECK(set(base, "retention.max_events=null") == "null");
  CHECK(set(base, "retention.max_age=100ms") == "\"100ms\"");
  CHECK(set(base, "retention.max_age=\"7d\"") == "\"7d\"");
  CHECK(set(base, "enabled=false") == "false");
  CHECK(set(base, "log.level=debug") == "\"debug\"");
  CHECK(set(base, "export.formats=jsonl,trajectories.jsonl") == "[\"events.jsonl.zst\",\"trajectories.jsonl\"]");
  CHECK(set(base, "export.formats=[\"jsonl\"]") == "[\"events.jsonl.zst\"]");
  CHECK(set(base, "export.formats=jsonl") == "[\"events.jsonl.zst\"]");
  CHECK(set(base, "state_dir=/a=b") == "\"/a=b\"");
  CHECK(set(base, "retention.max_evnts=1") == "retention.max_evnts: no such key: did you mean retention.max_events?");
  CHECK(set(base, "retention=1").starts_with("retention: is a group of keys: set one of max_age, max_events, max_bytes"));
  CHECK(set(base, "enabled=maybe") == "enabled: \"maybe\" is not allowed: write true or false");
  CHECK(set(base, "enabled") == "\"enabled\" is no KEY=VALUE: write for example retention.max_events=100");
}

TEST_CASE("a change that breaks a rule between keys is refused as a whole") {
  const auto config = merged(Config{}, *assignment("retention.max_bytes=64MiB"));
  REQUIRE_FALSE(config.has_value());
  CHECK(config.error().code == 400);
  CHECK(config.error().message.starts_with("retention.max_bytes: 64MiB is less than twice"));
}

TEST_CASE("the documented form of a configuration parses back to it") {
  Config config = *merged(Config{}, *assignment("export.formats=events.jsonl,trajectories"));
  config.state_dir = "/srv/\"quoted\"";
  config.retention.max_age.reset();
  config.log.format = LogFormat::journald;
  const auto back = parse(documented(config), "x");
  REQUIRE_MESSAGE(back.has_value(), back.error().message);
  CHECK(documented(*back) == documented(config));
  CHECK(json_of(*back) == json_of(config));
}

TEST_CASE("the command line stands before the file, and the file before the usual places") {
  const TemporaryDirectory home;
  const std::string file = home.path + "/c.json";
  std::ofstream(file) << "{\"state_dir\": \"/srv/state\", \"socket\": \"/srv/s.sock\"}";
  Options options;
  options.file = file;
  options.socket = home.path + "/x/../option.sock";
  const auto loaded = load(options, nobody(home.path));
  REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message);
  CHECK(loaded->config.socket == home.path + "/option.sock");
  CHECK(loaded->config.state_dir == "/srv/state");
  CHECK(loaded->config.export_dir == "/srv/state/exports");
  CHECK(loaded->config.anonymization.key_file == "/srv/state/anonymization.key");
  CHECK(loaded->config.ring_dir == "/dev/shm/arbiter-1000/lanes");
  CHECK(loaded->file == file);
}

TEST_CASE("the file of the usual place is read if it is there; one that was named has to be") {
  const TemporaryDirectory home;
  const auto without = load({}, nobody(home.path));
  REQUIRE(without.has_value());
  CHECK(without->file == "");
  CHECK(without->config.enabled);

  std::filesystem::create_directories(home.path + "/.config/arbiter");
  std::ofstream(home.path + "/.config/arbiter/collector.json") << "{\"enabled\": false}";
  const auto with = load({}, nobody(home.path));
  REQUIRE(with.has_value());
  CHECK(with->file == home.path + "/.config/arbiter/collector.json");
  CHECK_FALSE(with->config.enabled);

  Options options;
  options.file = home.path + "/none.json";
  const auto missing = load(options, nobody(home.path));
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == 78);
  CHECK(missing.error().message == home.path + "/none.json: cannot be read: No such file or directory");
  options.file = home.path;
  CHECK(load(options, nobody(home.path)).error().message == home.path + ": is a directory: name a file");
}

#include "collector/config/table.hpp"

#include <doctest/doctest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <set>
#include <string>

using namespace arbiter::config;

namespace {

std::string refused(std::string_view key, std::string_view json) {
  const auto value = value_of(*find_key(key), boost::json::parse(json));
  return value ? "accepted" : value.error().message;
}

std::string accepted(std::string_view path, std::string_view json) {
  const Key& key = *find_key(path);
  const auto value = value_of(key, boost::json::parse(json));
  if (!value) return value.error().message;
  Config config;
  key.set(key, config, *value);
  return boost::json::serialize(json_of(key, key.get(key, config)));
}

}  // namespace

TEST_CASE("every key has a name of its own, a sentence, and a default that is allowed and comes back as it was") {
  std::set<std::string_view> seen;
  const Config defaults;
  for (const Key& key : keys()) {
    CAPTURE(key.path);
    CHECK(seen.insert(key.path).second);
    CHECK(key.help.ends_with('.'));
    CHECK((key.nullable == !key.null_means.empty()));
    const Value value = key.get(key, defaults);
    const auto back = value_of(key, json_of(key, value));
    REQUIRE(back.has_value());
    CHECK(*back == value);
    Config changed;
    key.set(key, changed, *back);
    CHECK(key.get(key, changed) == value);
  }
  CHECK(seen.size() == 55);
}

TEST_CASE("the defaults are those of the specification") {
  const auto text = [](std::string_view path) {
    const Key& key = *find_key(path);
    return boost::json::serialize(json_of(key, key.get(key, Config{})));
  };
  CHECK(text("enabled") == "true");
  CHECK(text("retention.max_age") == "\"7d\"");
  CHECK(text("retention.max_events") == "null");
  CHECK(text("retention.max_bytes") == "\"4GiB\"");
  CHECK(text("journal.sync") == "\"100ms\"");
  CHECK(text("anonymization.enabled") == "true");
  CHECK(text("anonymization.preserve_agent_ids") == "false");
  CHECK(text("anonymization.preserve_task_types") == "true");
  CHECK(text("anonymization.free_text") == "\"drop\"");
  CHECK(text("export.interval") == "\"15m\"");
  CHECK(text("export.keep") == "24");
  CHECK(text("reward.success") == "0");
  CHECK(text("reward.evaluation_scale") == "1");
  CHECK(text("reward.latency_scale") == "\"1m\"");
  CHECK(text("reward.tokens_scale") == "10000");
  CHECK(text("limits.max_open_executions") == "100000");
}

TEST_CASE("each type takes what it takes") {
  CHECK(accepted("retention.max_age", "\"100ms\"") == "\"100ms\"");
  CHECK(accepted("retention.max_age", "null") == "null");
  CHECK(accepted("retention.max_events", "1") == "1");
  CHECK(accepted("retention.max_bytes", "8388608") == "\"8MiB\"");
  CHECK(accepted("listen", "\"127.0.0.1:9464\"") == "\"127.0.0.1:9464\"");
  CHECK(accepted("listen", "\"[::1]:0\"") == "\"[::1]:0\"");
  CHECK(accepted("listen", "null") == "null");
  CHECK(accepted("journal.sync", "\"never\"") == "\"never\"");
  CHECK(accepted("journal.sync", "\"1000ms\"") == "\"1s\"");
  CHECK(accepted("anonymization.free_text", "\"hash\"") == "\"hash\"");
  CHECK(accepted("export.formats", "[\"jsonl\", \"trajectories.jsonl\"]") == "[\"events.jsonl.zst\",\"trajectories.jsonl\"]");
  CHECK(accepted("reward.quality", "1000") == "1000");
  CHECK(accepted("reward.latency_scale", "\"90s\"") == "\"1m30s\"");
  CHECK(accepted("export.formats", "[\"parquet\"]") == "[\"decisions.parquet\",\"events.parquet\"]");
  CHECK(refused("export.formats", "[\"events.parquet\",\"parquet\"]").starts_with("\"parquet\" is there twice"));
  CHECK(accepted("state_dir", "\"/srv/arbiter\"") == "\"/srv/arbiter\"");
}

TEST_CASE("what a type does not take is refused with what it was and what is allowed") {
  CHECK(refused("enabled", "1") == "1 is not allowed: write true or false");
  CHECK(refused("enabled", "null") == "null is not allowed: write true or false");
  CHECK(refused("retention.max_age", "5") ==
        "5 is not allowed: write a duration such as \"7d\" or \"1h30m\" (units w d h m s ms us ns) from 1ms to 36500d, or null for no "
        "limit of age");
  CHECK(refused("retention.max_events", "0") ==
        "0 is out of range: write a whole number from 1 to 1000000000000, or null for no limit of number");
  CHECK(refused("retention.max_events", "-1").starts_with("-1 is not allowed"));
  CHECK(refused("retention.max_events", "1.5").starts_with("1.5E0 is not allowed"));
  CHECK(refused("retention.max_events", "\"100\"").starts_with("\"100\" is not allowed"));
  CHECK(refused("journal.segment_bytes", "\"64MB\"") ==
        "\"64MB\" is not allowed: write a size such as \"64MiB\" (units B KiB MiB GiB TiB) from 1MiB to 1GiB");
  CHECK(refused("journal.sync", "\"0s\"") ==
        "\"0s\" is out of range: write \"never\", \"always\", or a duration such as \"100ms\" from 1ms to 1h");
  CHECK(refused("log.level", "\"warnin\"") ==
        "\"warnin\" is not allowed: write one of \"debug\", \"info\", \"warning\", \"error\"; did you mean \"warning\"?");
  CHECK(refused("export.formats", "[]").starts_with("[] names no format"));
  CHECK(refused("export.formats", "[\"jsonl\",\"events.jsonl.zst\"]").starts_with("\"events.jsonl.zst\" is there twice"));
  CHECK(refused("export.formats", "[\"jsnl\"]").ends_with("did you mean \"jsonl\"?"));
  CHECK(refused("export.formats", "\"jsonl\"").starts_with("\"jsonl\" is not allowed: write a list of"));
  CHECK(refused("reward.success", "1001") == "1001 is out of range: write a whole number from 0 to 1000");
  CHECK(refused("reward.tokens_scale", "0").starts_with("0 is out of range"));
  CHECK(refused("state_dir", "\"var/lib\"") == "\"var/lib\" is not allowed: write an absolute path, or null for the usual place");
  CHECK(refused("state_dir", "\"\"").starts_with("\"\" is not allowed"));
}

TEST_CASE("a listener is on this machine alone") {
  for (const char* const text : {"\"0.0.0.0:9464\"", "\"192.168.1.1:80\"", "\"localhost:80\"", "\"127.0.0.1\"", "\"127.0.0.1:65536\"",
                                 "\":80\"", "\"[::]:80\"", "\"[::1]\"", "\"127.0.0.1:\"", "\"127.0.0.1:8x\"", "80"}) {
    CAPTURE(text);
    CHECK(refused("listen", text).find("write an address of this machine alone such as \"127.0.0.1:9464\"") != std::string::npos);
  }
}

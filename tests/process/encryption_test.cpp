// With a key, nothing that was recorded can be read off the disk, and everything is there for who has the key.
#include <doctest/doctest.h>

#include <fstream>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

constexpr std::string_view kSecret = "very-secret-agent";
const Arguments kAllFormats = {"--format", "events.jsonl,events.jsonl.zst,trajectories.jsonl.zst,parquet,npy,dsjson"};

std::string made_key(Place& place, const std::string& name) {
  const std::string path = (place.root() / name).string();
  const Ran made = place.run("arbiterctl", {"keygen", path});
  REQUIRE_MESSAGE(made.exit == 0, made.err);
  return path;
}
std::string encrypted_config(const std::string& key, const std::string& more = {}) {
  return plain_config(R"("encryption": {"key_file": ")" + key + "\"" + more + R"(}, "journal": {"segment_bytes": "1MiB"})");
}
// Runs of agents whose name is the secret.
fs::path secret_runs(Place& place, int runs) {
  std::string lines;
  for (int i = 0; i < runs; ++i)
    lines += event_line(
        "task-execution", 1'730'000'000'000'000'000 + i * std::int64_t{1'000'000},
        R"({"taskId":"task-)" + std::to_string(i) + R"(","agentId":")" + std::string(kSecret) + R"(","outcome":{"success":true}})");
  return place.write("runs-" + std::to_string(runs) + ".jsonl", lines);
}
// Files below the directory that have it in them.
std::vector<std::string> telling(const fs::path& directory) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file() && read_file(entry.path()).find(kSecret) != std::string::npos) found.push_back(entry.path().filename());
  return found;
}

std::string one_of(const std::vector<std::string>& names) { return names.empty() ? std::string() : names.front(); }

}  // namespace

TEST_CASE("nothing that was recorded can be read off the disk, through kills and restarts, and nothing of it is lost") {
  Place place;
  const std::string key = made_key(place, "encryption.key");
  Collector collector(place, encrypted_config(key));
  for (const bool kill : {true, false}) {
    place.replay(secret_runs(place, 4000));
    CHECK_MESSAGE(telling(place.state()).empty(), one_of(telling(place.state())));
    if (kill)
      collector.kill();
    else
      REQUIRE(collector.stop() == 0);
    CHECK_MESSAGE(telling(place.state()).empty(), one_of(telling(place.state())));
    collector.start();
  }
  CHECK(collector.stats().at("totalTaskExecutions") == 8000);
  CHECK(collector.events({"--agent", std::string(kSecret)}).size() == 8000);
  const fs::path snapshot = collector.snapshot(kAllFormats);
  CHECK_MESSAGE(telling(place.root() / "state").empty(), one_of(telling(place.root() / "state")));
  CHECK_MESSAGE(telling(place.exports()).empty(), one_of(telling(place.exports())));
  CHECK(fs::exists(snapshot / "events.jsonl.enc"));
  CHECK_FALSE(fs::exists(snapshot / "events.jsonl"));
}

TEST_CASE("the plain text of an encrypted snapshot is byte for byte that of one that is not") {
  Place place;
  const std::string key = made_key(place, "encryption.key");
  const fs::path encrypted = [&] {
    Collector collector(place, encrypted_config(key));
    place.replay(place.sample(300));
    const fs::path snapshot = collector.snapshot(kAllFormats);
    REQUIRE(collector.stop() == 0);
    return snapshot;
  }();
  Collector collector(place, plain_config(R"("encryption": {"former_key_file": ")" + key + "\"}"));
  const fs::path plain = collector.snapshot(kAllFormats), decrypted = place.root() / "decrypted";
  const Ran ran = place.run("arbiterctl", {"decrypt", encrypted.string(), "--key-file", key, "--to", decrypted.string()});
  REQUIRE_MESSAGE(ran.exit == 0, ran.err);
  for (const char* file : {"events.jsonl", "events.jsonl.zst", "trajectories.jsonl.zst", "events.parquet", "decisions.parquet",
                           "decisions.npy", "decisions.dsjson.zst", "places.jsonl.zst"}) {
    const std::string bytes = read_file(decrypted / file);
    CHECK(bytes.size() > 10);
    CHECK_MESSAGE(bytes == read_file(plain / file), file);
  }
  CHECK(read_file(decrypted / "manifest.json") == read_file(encrypted / "manifest.json"));
  const Ran verified = place.run("arbiterctl", {"verify", decrypted.string()});
  CHECK_MESSAGE(verified.exit == 0, verified.err);
  CHECK(place.shell("cd " + decrypted.string() + " && sha256sum -c --quiet SHA256SUMS").exit == 0);
  CHECK(place.shell("cd " + encrypted.string() + " && sha256sum -c --quiet SHA256SUMS").exit == 0);
  const Ran one = place.run("arbiterctl", {"decrypt", (encrypted / "events.jsonl.enc").string(), "--key-file", key});
  CHECK(one.exit == 0);
  CHECK(one.out == read_file(decrypted / "events.jsonl"));
}

TEST_CASE("an encrypted snapshot is verified as it lies there, and with its key as what is in it") {
  Place place;
  const std::string key = made_key(place, "encryption.key"), other = made_key(place, "other.key");
  Collector collector(place, encrypted_config(key));
  place.replay(place.sample(50));
  const fs::path snapshot = collector.snapshot(kAllFormats);
  const std::string file = (snapshot / "events.jsonl.zst.enc").string(), good = read_file(file);
  const auto verify = [&](const Arguments& more) {
    Arguments arguments{"verify", snapshot.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return place.run("arbiterctl", arguments);
  };
  for (const Arguments& keys : {Arguments{}, Arguments{"--key-file", other}, Arguments{"--key-file", key}}) {
    const Ran whole = verify(keys);
    CHECK_MESSAGE(whole.exit == 0, whole.err);
    CHECK(whole.out.find("are encrypted") != std::string::npos);
    std::string changed = good;
    changed[changed.size() / 2] ^= 1;
    std::ofstream(file, std::ios::binary) << changed;
    const Ran damaged = verify(keys);
    CHECK(damaged.exit == 1);
    CHECK(damaged.err.find("events.jsonl.zst.enc") != std::string::npos);
    std::ofstream(file, std::ios::binary) << good;
  }
  const fs::path to = place.root() / "decrypted";
  const Ran without = place.run("arbiterctl", {"decrypt", snapshot.string(), "--key-file", other, "--to", to.string()});
  CHECK(without.exit == 1);
  CHECK(without.err.find("is encrypted under the key ") != std::string::npos);
  CHECK_FALSE(fs::exists(to));
}

TEST_CASE("the collector refuses its state without the key, reads on with the former one, and inspect shows segments with it") {
  Place place;
  const std::string first = made_key(place, "first.key"), second = made_key(place, "second.key");
  {
    Collector collector(place, encrypted_config(first));
    place.replay(secret_runs(place, 1000));
    REQUIRE(collector.stop() == 0);
  }
  const fs::path segment = [&] {
    for (const auto& entry : fs::directory_iterator(place.state() / "journal"))
      if (entry.path().extension() == ".sealed") return entry.path();
    return fs::path();
  }();
  REQUIRE(!segment.empty());
  const Ran outside = place.run("arbiter-inspect", {segment.string()});
  CHECK(outside.exit == 0);
  CHECK(outside.out.find("encrypted") != std::string::npos);
  CHECK(place.run("arbiter-inspect", {"--events", segment.string()}).exit == 1);
  const Ran inside = place.run("arbiter-inspect", {"--events", "--key-file", first, segment.string()});
  CHECK(inside.exit == 0);
  CHECK(std::count(inside.out.begin(), inside.out.end(), '\n') == 1000);
  {
    const fs::path config = place.write("second.json", encrypted_config(second));
    const Ran refused = place.run("arbiter-collector",
                                  {"--config", config.string(), "--state-dir", place.state().string(), "--ring-dir", place.lanes().string(),
                                   "--socket", place.socket().string(), "--export-dir", place.exports().string()});
    CHECK(refused.exit != 0);
    CHECK(refused.err.find("encryption.former_key_file") != std::string::npos);
  }
  Collector collector(place, encrypted_config(second, R"(, "former_key_file": ")" + first + "\""));
  CHECK(collector.stats().at("totalTaskExecutions") == 1000);
  CHECK(collector.events().size() == 1000);
}

}  // namespace arbiter::test

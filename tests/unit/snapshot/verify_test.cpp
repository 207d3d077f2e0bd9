#include "collector/snapshot/verify.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <boost/json.hpp>

#include "collector/snapshot/manifest.hpp"
#include "collector/snapshot/pretty_json.hpp"
#include "collector/snapshot/publish.hpp"
#include "tests/unit/snapshot/memory_view.hpp"
#include "tests/unit/snapshot/shell.hpp"
#include "tests/unit/snapshot/temporary_directory.hpp"

using namespace arbiter;
using snapshot::verify;
namespace fs = std::filesystem;

namespace {

std::string sha256(std::string_view text) { return snapshot::Sha256::of(text); }

// A good snapshot, and means to spoil it.
struct Snapshot {
  TemporaryDirectory directory;
  fs::path path;

  explicit Snapshot(std::vector<std::string> formats = {"events.jsonl", "events.jsonl.zst", "trajectories.jsonl", "trajectories.jsonl.zst"},
                    std::optional<std::int64_t> since_ns = {}) {
    MemoryView view;
    for (std::uint64_t i = 0; i < 12; ++i) sample::add_run(view, i);
    event::Values v;
    v.kind = Kind::generic;
    v.stamp = 1'800'000'000'000'000'000;
    v.sequence = 1000;
    v.set_text(schema::field(Kind::generic, "type"), std::string_view("my-own"));
    v.set_text(schema::field(Kind::generic, "data"), std::string_view(R"({"nested":{"events":[1,{"id":"x"}]}})"));
    view.add(v);
    snapshot::ExportOptions options;
    options.directory = directory.string();
    options.formats = std::move(formats);
    options.since_ns = since_ns;
    auto published = snapshot::publish(view, options);
    REQUIRE(published.has_value());
    path = published->path;
  }

  std::string text(const std::string& name) const { return file_text(path / name); }
  void write(const std::string& name, std::string_view text) const { write_file(path / name, text); }

  // Changes a data file, and everything that names its bytes: only its content is wrong then.
  void forge(const std::string& name, const std::string& content) const {
    write(name, content);
    auto manifest = boost::json::parse(text("manifest.json"));
    for (auto& file : manifest.at("files").as_array()) {
      if (file.at("name").as_string() != name) continue;
      file.at("bytes") = content.size();
      file.at("sha256") = sha256(content);
      file.at("rows") = std::count(content.begin(), content.end(), '\n');
    }
    write_manifest(manifest);
  }
  void write_manifest(const boost::json::value& manifest) const {
    write("manifest.json", snapshot::pretty_json(manifest));
    std::string sums;
    for (const auto& file : manifest.at("files").as_array())
      sums += std::string(file.at("sha256").as_string()) + "  " + std::string(file.at("name").as_string()) + "\n";
    write("SHA256SUMS", sums + sha256(text("manifest.json")) + "  manifest.json\n");
  }

  std::vector<std::string> problems() const {
    const auto report = verify(path.string());
    if (!report) FAIL(report.error().message);
    return report->problems;
  }
  std::string error() const {
    const auto report = verify(path.string());
    return report ? "no error" : report.error().message;
  }
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}
std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}
std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

using Problems = std::vector<std::string>;

}  // namespace

TEST_CASE("a snapshot as it was made has no problem, and the report says what was read") {
  const Snapshot s;
  const auto report = verify(s.path.string());
  REQUIRE(report.has_value());
  CHECK(report->problems == Problems{});
  CHECK(report->ok());
  CHECK(report->snapshot == 1);
  CHECK(report->files == 7);
  CHECK(report->events == 49);
  CHECK(report->trajectories == 12);
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(s.path))
    if (entry.path().filename() != "manifest.json" && entry.path().filename() != "SHA256SUMS") bytes += entry.file_size();
  CHECK(report->bytes == bytes);
  CHECK(verify((s.directory.path / "latest").string())->ok());  // by the link too
}

TEST_CASE("any format alone, a range, and a snapshot of nothing verify") {
  for (const char* format : {"events.jsonl", "events.jsonl.zst", "trajectories.jsonl", "trajectories.jsonl.zst"})
    CHECK(Snapshot({format}).problems() == Problems{});
  CHECK(Snapshot({"events.jsonl.zst", "trajectories.jsonl.zst"}, sample::kStampNs + 5'000'000'000).problems() == Problems{});
  CHECK(Snapshot({"events.jsonl.zst", "trajectories.jsonl.zst"}, INT64_MAX).problems() == Problems{});
}

TEST_CASE("one bit turned in any file, at its start, middle or end, is found, and the file named") {
  for (const char* name : {"events.jsonl", "events.jsonl.zst", "trajectories.jsonl", "trajectories.jsonl.zst", "stats.json", "README.md"}) {
    const Snapshot s;
    const std::string good = s.text(name);
    for (const std::size_t at : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 1);
      s.write(name, bad);
      CHECK(s.problems() ==
            Problems{std::string(name) + ": SHA-256 differs from the manifest: the file was changed or damaged: export again"});
    }
  }
}

TEST_CASE("a changed manifest no longer fits the sums") {
  const Snapshot s;
  s.write("manifest.json", replaced(s.text("manifest.json"), "\"createdAt\": \"2", "\"createdAt\": \"3"));
  CHECK(s.problems() == Problems{"SHA256SUMS: its sum of manifest.json is another than the file's: export again"});
}

TEST_CASE("changed sums are found") {
  const Snapshot s;
  const std::string good = s.text("SHA256SUMS");
  s.write("SHA256SUMS", "0" + good.substr(1) == good ? "1" + good.substr(1) : "0" + good.substr(1));
  CHECK(s.problems() == Problems{"SHA256SUMS: its sum of events.jsonl.zst is another than the manifest's: export again"});
  s.write("SHA256SUMS", good.substr(good.find('\n') + 1));
  CHECK(s.problems() == Problems{"SHA256SUMS: does not name events.jsonl.zst: export again"});
  for (const std::string& extra :
       {good.substr(0, good.find('\n') + 1), std::string(64, 'a') + "  ../../etc/passwd\n", std::string("x\n"), std::string("\n")}) {
    s.write("SHA256SUMS", good + extra);
    CHECK(s.problems() == Problems{"SHA256SUMS: has a line that is none of a file of this snapshot, or its second: export again"});
  }
  fs::remove(s.path / "SHA256SUMS");
  CHECK(s.problems() == Problems{"SHA256SUMS: is missing: export again"});
}

TEST_CASE("files that are missing, too short, too long or too many are found") {
  {
    const Snapshot s;
    fs::remove(s.path / "events.jsonl.zst");
    CHECK(s.problems() == Problems{"events.jsonl.zst: is named in the manifest and missing: export again"});
  }
  {
    const Snapshot s;
    const std::string good = s.text("stats.json");
    s.write("stats.json", good + " ");
    CHECK(s.problems() == Problems{"stats.json: is of 4 bytes, the manifest says 3: export again"});
    s.write("stats.json", "");
    CHECK(s.problems() == Problems{"stats.json: is of 0 bytes, the manifest says 3: export again"});
  }
  {
    const Snapshot s;
    s.write("notes.txt", "x");
    CHECK(s.problems() == Problems{"notes.txt: is not named in the manifest: it does not belong here, move it away"});
  }
}

TEST_CASE("links, pipes and directories in place of files are not followed") {
  const Snapshot s;
  const std::string good = s.text("events.jsonl");
  write_file(s.directory.path / "elsewhere", good);
  fs::remove(s.path / "events.jsonl");
  fs::create_symlink("../elsewhere", s.path / "events.jsonl");
  CHECK(s.problems() == Problems{"events.jsonl: is a symbolic link, not a file of the snapshot: export again"});
  fs::remove(s.path / "events.jsonl");
  REQUIRE(::mkfifo((s.path / "events.jsonl").c_str(), 0600) == 0);
  CHECK(s.problems() == Problems{"events.jsonl: is not a regular file: export again"});
  fs::remove(s.path / "events.jsonl");
  fs::create_directory(s.path / "events.jsonl");
  CHECK(s.problems() == Problems{"events.jsonl: is not a regular file: export again"});
}

TEST_CASE("what is no snapshot at all is an error that says so") {
  const TemporaryDirectory directory;
  CHECK(verify(directory.string() + "/none").error().message == directory.string() + "/none: No such file or directory");
  CHECK(verify(directory.string()).error().message ==
        directory.string() + ": has no manifest.json: name the directory of a snapshot, such as exports/latest");
  write_file(directory.path / "file", "x");
  CHECK(verify((directory.path / "file").string()).has_error());
}

TEST_CASE("a manifest that is none is an error that says what is wrong with it") {
  const Snapshot s;
  const std::string good = s.text("manifest.json");
  const auto error = [&](const std::string& text) {
    s.write("manifest.json", text);
    std::string message = s.error();
    const std::string prefix = s.path.string() + ": manifest.json: ";
    CHECK(message.starts_with(prefix));
    message.erase(0, prefix.size());
    return message.substr(0, message.find(": this is no snapshot, or it was damaged: export again"));
  };
  CHECK(error("").starts_with("is not JSON"));
  CHECK(error("{").starts_with("is not JSON"));
  CHECK(error(good.substr(0, good.size() / 2)).starts_with("is not JSON"));
  CHECK(error(good + "x").starts_with("is not JSON"));
  CHECK(error(std::string(100'000, '[')).starts_with("is not JSON"));
  CHECK(error("\xff\xfe").starts_with("is not JSON"));
  CHECK(error("[]") == "is not a JSON object");
  CHECK(error("{}") == "is not the manifest of a snapshot");
  CHECK(error(replaced(good, "\"formatVersion\": 1", "\"formatVersion\": 2")) ==
        "format version 2 is newer than this program: use a newer arbiterctl");
  CHECK(error(replaced(good, "\"total\": 49", "\"total\": 49.5")) == "\"total\" is not a whole number from 0 up");
  CHECK(error(replaced(good, "\"total\": 49", "\"total\": -49")) == "\"total\" is not a whole number from 0 up");
  CHECK(error(replaced(good, "\"total\": 49", "\"total\": 99999999999999999999999")) == "\"total\" is not a whole number from 0 up");
  CHECK(error(replaced(good, "\"total\": 49", "\"total\": 1e400")).size() > 0);
  CHECK(error(replaced(good, "\"total\": 49", "\"total\": \"49\"")) == "\"total\" is not a whole number from 0 up");
  CHECK(error(replaced(good, "\"total\": 49", "\"sum\": 49")) == "\"total\" is missing");
  CHECK(error(replaced(good, "\"my-own\": 1", "\"my-own\": null")) == "\"my-own\" is not a whole number from 0 up");
  CHECK(error(replaced(good, "\"files\": [", "\"files\": {}, \"x\": [")) == "\"files\" is not a list");
  CHECK(error(replaced(good, "\"sinceNs\": null", "\"sinceNs\": \"soon\"")) == "\"sinceNs\" is not a decimal number of nanoseconds");
  for (const char* name : {"../events.jsonl", "/etc/passwd", "", ".", "..", ".hidden", "a\\nb", "manifest.json", "SHA256SUMS"})
    CHECK(error(replaced(good, "\"name\": \"events.jsonl\"", "\"name\": \"" + std::string(name) + "\"")) ==
          "\"files\" names what cannot be a file of a snapshot");
  CHECK(error(replaced(good, "\"name\": \"events.jsonl\"", "\"name\": \"README.md\"")) == "\"files\" names a file twice");
  const std::size_t files = good.find("\"files\"");
  CHECK(error(good.substr(0, files) + replaced(good.substr(files), "\"sha256\": \"", "\"sha256\": \"g")) ==
        "\"sha256\" is not 64 hex digits");
  fs::remove(s.path / "manifest.json");
  fs::create_symlink("README.md", s.path / "manifest.json");
  CHECK(s.error() == s.path.string() + ": manifest.json: is a symbolic link, not a file of the snapshot: export again");
}

TEST_CASE("huge figures in a manifest are compared, not believed") {
  const Snapshot s;
  auto manifest = boost::json::parse(s.text("manifest.json"));
  manifest.at("files").at(0).at("bytes") = UINT64_MAX;
  s.write_manifest(manifest);
  const std::string name(manifest.at("files").at(0).at("name").as_string());
  const std::string size = std::to_string(fs::file_size(s.path / name));
  CHECK(s.problems() == Problems{name + ": is of " + size + " bytes, the manifest says 18446744073709551615: export again"});
}

TEST_CASE("a manifest that counts otherwise than its files is found") {
  const Snapshot s({"events.jsonl"});
  const auto problem = [&](auto change) {
    auto manifest = boost::json::parse(s.text("manifest.json"));
    const auto good = manifest;
    change(manifest);
    s.write_manifest(manifest);
    const Problems found = s.problems();
    s.write_manifest(good);
    return found;
  };
  using boost::json::value;
  const auto says = [](const char* what) { return Problems{"events.jsonl: " + std::string(what) + ": export again"}; };
  CHECK(problem([](value& m) { m.at("events").at("total") = 48; }) ==
        Problems{"events.jsonl: events: 49, but the manifest says 48: export again",
                 "places.jsonl.zst: places 49 rows, of which there are 48: export again"});
  CHECK(problem([](value& m) { m.at("events").at("withoutTask") = 0; }) == says("events without a task: 1, but the manifest says 0"));
  CHECK(problem([](value& m) { m.at("events").at("byType").at("task-start") = 13; }) ==
        says("events of type task-start: 12, but the manifest says 13"));
  CHECK(problem([](value& m) { m.at("events").at("byType").as_object().erase("task-start"); }) ==
        says("events of type task-start: 12, but the manifest says 0"));
  CHECK(problem([](value& m) { m.at("events").at("byType").as_object()["unseen"] = 0; }) ==
        says("types of events: the manifest counts some that are not there"));
  CHECK(problem([](value& m) { m.at("range").at("sinceNs") = std::to_string(sample::kStampNs + 1); }) ==
        says("line 1: is from before the snapshot's range"));
  CHECK(problem([](value& m) { m.at("files").at(0).at("rows") = 7; }) == says("the number of its rows, 49, is not that of the manifest"));
  CHECK(problem([](value& m) { m.at("files").at(0).at("rows") = nullptr; }).size() == 2);
  CHECK(problem([](value&) {}) == Problems{});
  const Snapshot t({"trajectories.jsonl"});
  auto manifest = boost::json::parse(t.text("manifest.json"));
  manifest.at("tasks") = 11;
  t.write_manifest(manifest);
  CHECK(t.problems() == Problems{"trajectories.jsonl: tasks: 12, but the manifest says 11: export again"});
}

TEST_CASE("rows of events that are wrong are found though every sum fits") {
  const Snapshot s({"events.jsonl"});
  const std::string text = s.text("events.jsonl");
  const auto lines = lines_of(text);
  const auto problem = [&](const std::string& content) {
    s.forge("events.jsonl", content);
    const Problems found = s.problems();
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].starts_with("events.jsonl: "));
    REQUIRE(found[0].ends_with(": export again"));
    return found[0].substr(14, found[0].size() - 14 - 14);
  };
  const auto with_line = [&](std::size_t at, const std::string& line) {
    auto changed = lines;
    changed[at] = line;
    return joined(changed);
  };
  auto swapped = lines;
  std::swap(swapped[4], swapped[5]);
  CHECK(problem(joined(swapped)) == "line 6: is out of order");
  auto doubled = lines;
  doubled.insert(doubled.begin() + 7, doubled[6]);
  CHECK(problem(joined(doubled)) == "line 8: is there twice");
  auto fewer = lines;
  fewer.erase(fewer.begin() + 3);
  CHECK(problem(joined(fewer)) == "events: 48, but the manifest says 49");
  // The same id at two times: not neighbours.
  const std::string id = lines[0].substr(0, lines[0].find(','));
  CHECK(problem(with_line(20, id + lines[20].substr(lines[20].find(',')))) == "the id ab000000000000000000000000000000-0-1 is there twice");

  CHECK(problem(with_line(2, "{")) == "line 3: is not JSON (incomplete JSON)");
  CHECK(problem(with_line(2, "")) == "line 3: is not JSON (incomplete JSON)");
  CHECK(problem(with_line(2, "[]")) == "line 3: is not an object");
  CHECK(problem(with_line(2, "{}")) == "line 3: is not an event: it wants id, type, timestamp, timestampNs and data");
  CHECK(problem(with_line(2, replaced(lines[2], "-0-3\"", "-0-03\""))) == "line 3: its id is none of the tracker's");
  CHECK(problem(with_line(2, replaced(lines[2], "\"ab00", "\"AB00"))) == "line 3: its id is none of the tracker's");
  CHECK(problem(with_line(2, replaced(lines[2], "\"id\":\"", "\"id\":\"-"))) == "line 3: its id is none of the tracker's");
  CHECK(problem(with_line(2, replaced(lines[2], "-0-3\"", "-4294967296-3\""))) == "line 3: its id is none of the tracker's");
  CHECK(problem(with_line(2, replaced(lines[2], "-0-3\"", "-0-18446744073709551616\""))) == "line 3: its id is none of the tracker's");
  CHECK(problem(with_line(2, replaced(lines[2], "\"id\":\"ab", "\"id\":\""))) == "line 3: its id is none of the tracker's");
  CHECK(problem(with_line(2, replaced(lines[2], "20.124Z", "20.125Z"))) == "line 3: its timestamp and timestampNs do not agree");
  CHECK(problem(with_line(2, replaced(lines[2], "\"timestampNs\":\"1", "\"timestampNs\":\"99999999999999999999991"))) ==
        "line 3: its timestamp and timestampNs do not agree");
  CHECK(problem(with_line(2, replaced(lines[2], "\"taskId\":\"task-0\",\"data\"", "\"taskId\":5,\"data\""))) ==
        "line 3: its taskId is not a string");
  CHECK(problem(with_line(2, replaced(lines[2], "\"data\":{", "\"data\":7,\"x\":{"))) ==
        "line 3: is not an event: it wants id, type, timestamp, timestampNs and data");
  CHECK(problem(with_line(2, std::string(5 << 20, ' '))) == "line 3: is longer than any event");
  CHECK(problem(with_line(2, replaced(lines[2], "\"data\":{", "\"data\":{\"x\":" + std::string(100, '[') + std::string(100, ']') + ","))) ==
        "line 3: is not JSON (too deep)");
  CHECK(problem(text.substr(0, text.size() - 1)) == "ends within a line");
  s.forge("events.jsonl", text);
  CHECK(s.problems() == Problems{});
}

TEST_CASE("rows of trajectories that are wrong are found though every sum fits") {
  const Snapshot s({"trajectories.jsonl"});
  const std::string text = s.text("trajectories.jsonl");
  const auto lines = lines_of(text);
  const auto problem = [&](const std::string& content) {
    s.forge("trajectories.jsonl", content);
    const Problems found = s.problems();
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].starts_with("trajectories.jsonl: "));
    return found[0].substr(20, found[0].size() - 20 - 14);
  };
  const auto with_line = [&](const std::string& line) {
    auto changed = lines;
    changed[2] = line;
    return joined(changed);
  };
  auto changed = lines;
  std::swap(changed[4], changed[5]);
  CHECK(problem(joined(changed)) == "line 6: is out of order");
  changed = lines;
  changed[5] = changed[4];
  CHECK(problem(joined(changed)) == "line 6: its task is there twice");
  changed = lines;
  changed.pop_back();
  CHECK(problem(joined(changed)) == "tasks: 11, but the manifest says 12");
  CHECK(problem(with_line("{")) == "line 3: is not JSON (incomplete JSON)");
  CHECK(problem(with_line("")) == "line 3: is not JSON (incomplete JSON)");
  CHECK(problem(with_line("[]")) == "line 3: is not an object");
  CHECK(problem(with_line("7")) == "line 3: is not an object");
  CHECK(problem(with_line("\"x\"")) == "line 3: is not an object");
  CHECK(problem(with_line("{} {}")).starts_with("line 3: "));
  CHECK(problem(with_line("{}")) == "line 3: is not a trajectory: it wants taskId, events, reward and done");
  CHECK(problem(with_line(replaced(lines[2], "\"done\":", "\"finished\":"))) ==
        "line 3: is not a trajectory: it wants taskId, events, reward and done");
  CHECK(problem(with_line(replaced(lines[2], "\"steps\":4", "\"steps\":5"))) == "line 3: its steps are not the number of its events");
  CHECK(problem(with_line(replaced(lines[2], "\"events\":[", "\"events\":[7,"))) == "line 3: holds among its events what is not one");
  CHECK(problem(with_line(replaced(lines[2], "\"events\":[", "\"events\":[[],"))) == "line 3: holds among its events what is not one");
  CHECK(problem(with_line(replaced(lines[2], "\"events\":[", "\"events\":[\"x\","))) == "line 3: holds among its events what is not one");
  CHECK(problem(with_line(replaced(lines[2], "\"events\":[", "\"events\":[{},"))) == "line 3: holds an event without id or timestampNs");
  CHECK(problem(with_line(replaced(lines[2], "{\"taskId\":\"task-10\"", "{\"taskId\":\"task-11\""))) ==
        "line 3: holds an event of another task");
  const std::size_t first = lines[2].find("{\"id\""), second = lines[2].find("{\"id\"", first + 1),
                    third = lines[2].find("{\"id\"", second + 1);
  const std::string one = lines[2].substr(first, second - first), two = lines[2].substr(second, third - second);
  CHECK(problem(with_line(replaced(lines[2], one + two, two + one))) == "line 3: an event of it is out of order");
  CHECK(problem(with_line(replaced(lines[2], one + two, one + one))) == "line 3: an event of it is there twice");
  CHECK(problem(with_line(replaced(replaced(lines[2], two, ""), "\"steps\":4", "\"steps\":3"))) ==
        "events in trajectories: 47, but the manifest says 48");
  const auto flag = [&](const char* from, const char* to) { return problem(with_line(replaced(lines[2], from, to))); };
  CHECK(flag("\"is_first\":true", "\"is_first\":false") == "line 3: its first step does not say that it is_first, or another does");
  CHECK(flag("\"is_last\":false", "\"is_last\":true") == "line 3: two of its steps are is_last");
  CHECK(flag("\"is_last\":true", "\"is_last\":false") == "line 3: its last step does not say that it is_last");
  CHECK(flag("\"is_terminal\":false", "\"is_terminal\":true") == "line 3: a step that is not its last is_terminal");
  CHECK(problem(text.substr(0, text.size() - 1)) == "ends within a line");
  s.forge("trajectories.jsonl", text);
  CHECK(s.problems() == Problems{});
}

TEST_CASE("a damaged zstd frame is found though every sum fits") {
  const Snapshot s({"events.jsonl.zst"});
  const std::string good = s.text("events.jsonl.zst");
  const auto problem = [&](const std::string& content) {
    s.write("events.jsonl.zst", content);
    auto manifest = boost::json::parse(s.text("manifest.json"));
    auto& file = manifest.at("files").at(0);
    file.at("bytes") = content.size();
    file.at("sha256") = sha256(content);
    s.write_manifest(manifest);
    return s.problems();
  };
  CHECK(problem(good.substr(0, good.size() - 1)) == Problems{"events.jsonl.zst: ends before its zstd frame does: export again"});
  CHECK(problem("") == Problems{"events.jsonl.zst: ends before its zstd frame does: export again"});
  CHECK(problem("x" + good) == Problems{"events.jsonl.zst: is not what zstd wrote (Unknown frame descriptor): export again"});
  std::string checksum = good;
  checksum.back() = static_cast<char>(checksum.back() ^ 1);
  CHECK(problem(checksum).at(0).starts_with("events.jsonl.zst: is not what zstd wrote ("));
  CHECK(problem(good + "tail").size() == 1);
  CHECK(problem(good) == Problems{});
}

TEST_CASE("of very many problems the first are shown, and that there are more") {
  const Snapshot s;
  for (int i = 0; i < 200; ++i) s.write("extra" + std::to_string(i), "x");
  const Problems found = s.problems();
  CHECK(found.size() == snapshot::VerifyReport::kProblemsMax + 1);
  CHECK(found.back() == "there are more problems than are shown: export again");
}

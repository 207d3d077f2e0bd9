// Snapshot verification: a good snapshot with one file exchanged for the input. The manifest is made to fit where asked for, so that the
// rows themselves are read. Whatever is there, verification ends, names what is wrong, and names no more than it says it does.

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "collector/snapshot/output_file.hpp"
#include "collector/snapshot/verify.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/made_snapshot.hpp"

namespace arbiter::fuzz {
namespace {

namespace json = boost::json;

// Which file the input stands for, by its first byte; the second half of the alphabet leaves the manifest as it was.
constexpr std::array<const char*, 11> kFiles = {"manifest.json",          "events.jsonl",      "trajectories.jsonl", "events.jsonl.zst",
                                                "trajectories.jsonl.zst", "SHA256SUMS",        "stats.json",         "decisions.dsjson",
                                                "decisions.npy",          "decisions.parquet", "events.parquet"};

std::string sha256(std::string_view text) { return snapshot::Sha256::of(text); }

struct Template {
  Directory directory{"snapshot"};
  fs::path path = publish_sample(directory.path());
  std::array<std::string, kFiles.size()> good;
  Template() {
    for (std::size_t i = 0; i < kFiles.size(); ++i) good[i] = read_file(path / kFiles[i]);
  }

  // The file's new content, and a manifest and sums that know it.
  void forge(const std::string& name, std::string_view content) {
    json::value manifest = json::parse(good[0]);
    std::string sums;
    for (auto& file : manifest.at("files").as_array()) {
      if (file.at("name").as_string() == name) {
        file.at("bytes") = content.size();
        file.at("sha256") = sha256(content);
        if (name.ends_with("json") || name.ends_with("jsonl")) file.at("rows") = std::count(content.begin(), content.end(), '\n');
      }
      sums += std::string(file.at("sha256").as_string()) + "  " + std::string(file.at("name").as_string()) + "\n";
    }
    const std::string text = json::serialize(manifest);
    write_file(path / "manifest.json", text);
    write_file(path / "SHA256SUMS", sums + sha256(text) + "  manifest.json\n");
  }
};

void run(Input input) {
  static Template made;
  const std::uint8_t which = input.byte();
  const std::size_t file = which % kFiles.size();
  const std::string_view content = input.rest();
  write_file(made.path / kFiles[file], content);
  const bool forged = which < 128 && file != 0 && file != 5;
  if (forged) made.forge(kFiles[file], content);

  const auto report = snapshot::verify(made.path.string());
  if (report) {
    must(report->problems.size() <= snapshot::VerifyReport::kProblemsMax + 1, "no more problems than it says");
    if (content == made.good[file])
      must(report->ok(), "a good snapshot is good");
    else if (!forged && file != 0 && file != 5)
      must(!report->ok(), "a file that was changed is found");
  } else {
    must(!report.error().message.empty(), "an error says what is wrong");
  }

  write_file(made.path / kFiles[file], made.good[file]);
  if (forged) {
    write_file(made.path / kFiles[0], made.good[0]);
    write_file(made.path / kFiles[5], made.good[5]);
  }
}

}  // namespace

void make_corpus(const fs::path& directory) {
  const Template made;
  for (std::size_t i = 0; i < kFiles.size(); ++i) write_file(directory / kFiles[i], std::string(1, static_cast<char>(i)) + made.good[i]);
}

}  // namespace arbiter::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size != 0) arbiter::fuzz::run({data, size});
  return 0;
}

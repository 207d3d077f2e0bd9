// The files that a snapshot may be made of, by the names that people write.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace arbiter::config {

inline constexpr std::array<std::string_view, 9> kFormats = {"events.jsonl.zst",   "events.jsonl",         "trajectories.jsonl.zst",
                                                             "trajectories.jsonl", "decisions.dsjson.zst", "decisions.dsjson",
                                                             "decisions.npy",      "decisions.parquet",    "events.parquet"};
// One name may stand for several files.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kFormatShort = {{{"jsonl", "events.jsonl.zst"},
                                                                                               {"trajectories", "trajectories.jsonl.zst"},
                                                                                               {"dsjson", "decisions.dsjson.zst"},
                                                                                               {"npy", "decisions.npy"},
                                                                                               {"parquet", "decisions.parquet"},
                                                                                               {"parquet", "events.parquet"}}};

// What people write for a format of an export, and the files it makes: "jsonl" is events.jsonl.zst. Empty if there is no such format.
std::vector<std::string> files_of_format(std::string_view name);
inline std::span<const std::string_view> export_formats() { return kFormats; }  // the full names
std::vector<std::string_view> short_formats();                                  // each once
std::string format_words(std::string_view between);                             // all that may be written

}  // namespace arbiter::config

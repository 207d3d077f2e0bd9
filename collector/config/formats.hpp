// The files that a snapshot may be made of, by the names that people write.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace arbiter::config {

inline constexpr std::array<std::string_view, 7> kFormats = {"events.jsonl.zst",   "events.jsonl",         "trajectories.jsonl.zst",
                                                             "trajectories.jsonl", "decisions.dsjson.zst", "decisions.dsjson",
                                                             "decisions.npy"};
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kFormatShort = {{{"jsonl", "events.jsonl.zst"},
                                                                                               {"trajectories", "trajectories.jsonl.zst"},
                                                                                               {"dsjson", "decisions.dsjson.zst"},
                                                                                               {"npy", "decisions.npy"}}};

// What people write for a format of an export, and the file it makes: "jsonl" is events.jsonl.zst. Nothing if there is no such format.
std::optional<std::string> export_format(std::string_view name);
inline std::span<const std::string_view> export_formats() { return kFormats; }  // the full names
inline std::span<const std::pair<std::string_view, std::string_view>> short_formats() { return kFormatShort; }

}  // namespace arbiter::config

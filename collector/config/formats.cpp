#include "collector/config/formats.hpp"

#include <algorithm>

namespace arbiter::config {

std::vector<std::string> files_of_format(std::string_view name) {
  std::vector<std::string> files;
  for (const auto& [brief, full] : kFormatShort)
    if (brief == name) files.emplace_back(full);
  if (std::find(kFormats.begin(), kFormats.end(), name) != kFormats.end()) files.emplace_back(name);
  return files;
}

std::vector<std::string_view> short_formats() {
  std::vector<std::string_view> all;
  for (const auto& [brief, full] : kFormatShort)
    if (all.empty() || all.back() != brief) all.push_back(brief);
  return all;
}

std::string format_words(std::string_view between) {
  std::string text;
  for (const std::string_view brief : short_formats()) text.append(brief).append(between);
  for (const std::string_view full : kFormats) text.append(full).append(full == kFormats.back() ? "" : between);
  return text;
}

}  // namespace arbiter::config

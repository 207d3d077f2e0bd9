#include "collector/config/formats.hpp"

#include <algorithm>

namespace arbiter::config {

std::optional<std::string> export_format(std::string_view name) {
  for (const auto& [brief, full] : kFormatShort)
    if (brief == name) return std::string(full);
  if (std::find(kFormats.begin(), kFormats.end(), name) != kFormats.end()) return std::string(name);
  return std::nullopt;
}

}  // namespace arbiter::config

#include "tests/crash/labels.hpp"

#include <map>

#include "tests/process/harness.hpp"

namespace arbiter::crash {

std::set<std::string> labels_in_the_tree() {
  constexpr std::string_view begin = "ARBITER_TESTPOINT(\"";
  std::set<std::string> labels;
  for (const char* folder : {"shm", "producer", "collector"})
    for (const auto& entry : test::fs::recursive_directory_iterator(test::fs::path(ARBITER_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
      const std::string text = test::read_file(entry.path());
      for (std::size_t at = 0; (at = text.find(begin, at)) != std::string::npos;) {
        at += begin.size();
        labels.insert(text.substr(at, text.find('"', at) - at));
      }
    }
  return labels;
}

std::string part_of(const std::string& label) {
  static const std::map<std::string, std::string> parts{
      {"segment", "producer"}, {"lane", "producer"},     {"claim", "producer"},      {"record", "producer"}, {"attach", "drain"},
      {"drain", "drain"},      {"acknowledge", "drain"}, {"follow", "drain"},        {"close", "drain"},     {"quarantine", "drain"},
      {"stop", "drain"},       {"switch", "drain"},      {"pause", "drain"},         {"key", "drain"},       {"journal", "journal"},
      {"file", "journal"},     {"aggregate", "journal"}, {"checkpoint", "journal"},  {"rotate", "journal"},  {"recover", "recovery"},
      {"seal", "seal"},        {"recycle", "seal"},      {"retention", "retention"}, {"clear", "retention"}, {"snapshot", "snapshot"},
  };
  const auto part = parts.find(label.substr(0, label.find('.')));
  return part == parts.end() ? std::string() : part->second;
}

}  // namespace arbiter::crash

#include "collector/snapshot/format.hpp"

#include <algorithm>
#include <array>

namespace arbiter::snapshot {
namespace {

constexpr std::array<FormatInfo, 4> kFormats = {{
    {"events.jsonl.zst", Rows::events, make_event_lines},
    {"events.jsonl", Rows::events, make_event_lines},
    {"trajectories.jsonl.zst", Rows::trajectories, make_trajectories},
    {"trajectories.jsonl", Rows::trajectories, make_trajectories},
}};

// events.jsonl: one event, one line.
class EventLines : public Format {
 public:
  explicit EventLines(std::string_view name) : name_(name) {}

  Result<void> begin(const std::string& directory) override {
    auto file = OutputFile::create(directory, name_);
    if (!file) return file.error();
    file_ = std::move(*file);
    return {};
  }
  Result<void> event(const journal::StoredEvent&, std::string_view line) override {
    ++rows_;
    if (auto ok = file_->write(line); !ok) return ok;
    return file_->write("\n");
  }
  Result<FileInfo> finish() override { return file_->finish(rows_); }

 private:
  std::string name_;
  std::unique_ptr<OutputFile> file_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Format> make_event_lines(const FormatInfo& info, std::size_t) { return std::make_unique<EventLines>(info.name); }

std::span<const FormatInfo> formats() { return kFormats; }

const FormatInfo* find_format(std::string_view name) {
  for (const FormatInfo& format : kFormats)
    if (format.name == name) return &format;
  return nullptr;
}

Result<std::vector<const FormatInfo*>> choose_formats(std::span<const std::string> names) {
  std::string known;
  for (const FormatInfo& format : kFormats) known += (known.empty() ? "" : ", ") + std::string(format.name);
  if (names.empty()) return Error{"no format given: write some of " + known};
  for (const std::string& name : names)
    if (find_format(name) == nullptr) return Error{"format " + name + ": there is none of this name: write some of " + known};
  std::vector<const FormatInfo*> chosen;
  for (const FormatInfo& format : kFormats)
    if (std::find(names.begin(), names.end(), format.name) != names.end()) chosen.push_back(&format);
  return chosen;
}

}  // namespace arbiter::snapshot

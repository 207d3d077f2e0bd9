// The *.jsonl files: one row, one line, as it comes.
#include "collector/snapshot/format.hpp"

namespace arbiter::snapshot {
namespace {

class Lines : public Format {
 public:
  explicit Lines(std::string_view name) : name_(name) {}

  Result<void> begin(const std::string& directory) override {
    auto file = OutputFile::create(directory, name_);
    if (!file) return file.error();
    file_ = std::move(*file);
    return {};
  }
  Result<void> event(const journal::StoredEvent&, std::string_view line) override { return write(line, true); }
  Result<void> trajectory(std::string_view piece, bool ends) override { return write(piece, ends); }
  Result<FileInfo> finish() override { return file_->finish(rows_); }

 private:
  Result<void> write(std::string_view text, bool ends) {
    if (auto ok = file_->write(text); !ok || !ends) return ok;
    ++rows_;
    return file_->write("\n");
  }

  std::string name_;
  std::unique_ptr<OutputFile> file_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Format> make_lines(const FormatInfo& info) { return std::make_unique<Lines>(info.name); }

}  // namespace arbiter::snapshot

// The *.jsonl files: one row, one line, as it comes.
#include "collector/snapshot/format.hpp"
#include "collector/snapshot/quality.hpp"

namespace arbiter::snapshot {
namespace {

class Lines : public Format {
 public:
  explicit Lines(std::string_view name) : name_(name) {}

  Result<void> begin(const Place& place) override {
    auto file = OutputFile::create(place, name_);
    if (!file) return file.error();
    file_ = std::move(*file);
    return {};
  }
  Result<void> event(const journal::StoredEvent& e, std::string_view line) override {
    if (!quality_) quality_.emplace();
    quality_->add(e);
    return write(line, true);
  }
  Result<void> trajectory(std::string_view piece, bool ends) override { return write(piece, ends); }
  Result<FileInfo> finish() override {
    auto file = file_->finish(rows_);
    if (file && quality_) file->quality = quality_->json();
    return file;
  }
  std::uint64_t bytes() const override { return file_->bytes(); }

 private:
  Result<void> write(std::string_view text, bool ends) {
    if (auto ok = file_->write(text); !ok || !ends) return ok;
    ++rows_;
    return file_->write("\n");
  }

  std::string name_;
  std::unique_ptr<OutputFile> file_;
  std::optional<EventQuality> quality_;  // of events
  std::uint64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Format> make_lines(std::string_view file_name) { return std::make_unique<Lines>(file_name); }

}  // namespace arbiter::snapshot

// places.jsonl.zst: where the rows of events lie in the journal, for who applies increments (chain.hpp).
#include <boost/json/parse.hpp>

#include "collector/snapshot/chain.hpp"
#include "collector/snapshot/format.hpp"
#include "collector/snapshot/verify_lines.hpp"
#include "collector/snapshot/verify_rows.hpp"

namespace arbiter::snapshot {
namespace {

class Places : public Format {
 public:
  Result<void> begin(const Place& place) override {
    auto file = OutputFile::create(place, std::string(kPlacesName));
    if (!file) return file.error();
    file_ = std::move(*file);
    return {};
  }

  Result<void> event(const journal::StoredEvent& e, std::string_view) override {
    const std::optional<std::int64_t> retention = e.retention_ns != e.time_ns ? std::optional(e.retention_ns) : std::nullopt;
    if (run_ != 0 && (e.frame != frame_ || retention || retention_))
      if (auto ok = end_run(); !ok) return ok;
    frame_ = e.frame;
    retention_ = retention;
    ++run_;
    return {};
  }

  Result<FileInfo> finish() override {
    if (run_ != 0)
      if (auto ok = end_run(); !ok) return ok.error();
    return file_->finish(lines_);
  }
  std::uint64_t bytes() const override { return file_->bytes(); }

 private:
  Result<void> end_run() {
    line_.assign("{\"rows\":").append(std::to_string(run_)).append(",\"frame\":").append(std::to_string(frame_));
    if (retention_) line_.append(",\"retentionNs\":\"").append(std::to_string(*retention_)).append("\"");
    line_.append("}\n");
    run_ = 0;
    ++lines_;
    return file_->write(line_);
  }

  std::unique_ptr<OutputFile> file_;
  std::string line_;
  std::uint64_t run_ = 0, frame_ = 0, lines_ = 0;
  std::optional<std::int64_t> retention_;
};

// Adds up the runs.
class Runs : public LineRows {
 public:
  explicit Runs(const Claims& claims) : claims_(claims) {}
  void begin_file(const FileInfo& file) {
    LineRows::begin_file(file);
    line_.clear();
  }
  void begin_side(std::optional<Side>) {}

  bool piece(std::string_view text) override {
    line_.append(text);
    return line_.size() <= kLineBytesMax || fail("is longer than any such line");
  }
  bool end_line() override {
    boost::json::error_code error;
    const auto parsed = boost::json::parse(line_, error);
    line_.clear();
    if (error || !parsed.is_object()) return fail("is not a JSON object");
    const auto* run = parsed.get_object().if_contains("rows");
    const auto* frame = parsed.get_object().if_contains("frame");
    if (run == nullptr || !run->is_int64() || run->get_int64() < 1 || frame == nullptr || !frame->is_int64() || frame->get_int64() < 1)
      return fail("does not say how many rows, or which frame");
    placed_ += static_cast<std::uint64_t>(run->get_int64());
    return row_is_good();
  }

  Result<std::string> finish() const {
    if (placed_ == claims_.events) return {boost::system::in_place_value, std::string()};
    return {boost::system::in_place_value,
            "places " + std::to_string(placed_) + " rows, of which there are " + std::to_string(claims_.events)};
  }

 private:
  static constexpr std::size_t kLineBytesMax = 1 << 10;
  const Claims& claims_;
  std::string line_;
  std::uint64_t placed_ = 0;
};

}  // namespace

std::unique_ptr<Format> make_places(std::string_view) { return std::make_unique<Places>(); }

std::unique_ptr<RowCheck> check_places(const Claims& claims) { return std::make_unique<LineCheck<Runs>>(claims); }

}  // namespace arbiter::snapshot

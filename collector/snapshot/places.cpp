// places.jsonl.zst: where the rows of events lie in the journal, for who applies increments (chain.hpp).
#include <boost/json/parse.hpp>

#include "collector/snapshot/chain.hpp"
#include "collector/snapshot/format.hpp"
#include "collector/snapshot/line_reader.hpp"
#include "collector/snapshot/verify_rows.hpp"

namespace arbiter::snapshot {
namespace {

class Places : public Format {
 public:
  Result<void> begin(const std::string& directory) override {
    auto file = OutputFile::create(directory, std::string(kPlacesName));
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
class Runs : public LineSink {
 public:
  bool piece(std::string_view text) override {
    line_.append(text);
    return line_.size() <= kLineBytesMax || fail("is longer than any such line");
  }
  bool end_line() override {
    ++lines;
    boost::json::error_code error;
    const auto parsed = boost::json::parse(line_, error);
    line_.clear();
    if (error || !parsed.is_object()) return fail("is not a JSON object");
    const auto* run = parsed.get_object().if_contains("rows");
    const auto* frame = parsed.get_object().if_contains("frame");
    if (run == nullptr || !run->is_int64() || run->get_int64() < 1 || frame == nullptr || !frame->is_int64() || frame->get_int64() < 1)
      return fail("does not say how many rows, or which frame");
    rows += static_cast<std::uint64_t>(run->get_int64());
    return true;
  }

  std::uint64_t lines = 0, rows = 0;
  std::string wrong;

 private:
  static constexpr std::size_t kLineBytesMax = 1 << 10;
  bool fail(std::string_view what) {
    wrong = "line " + std::to_string(lines) + ": " + std::string(what);
    return false;
  }
  std::string line_;
};

}  // namespace

std::unique_ptr<Format> make_places(const FormatInfo&) { return std::make_unique<Places>(); }

Result<std::string> check_places(const CheckedFile& file, const Claims& claims, std::uint64_t& count) {
  Runs runs;
  auto wrong = read_lines(file.fd, file.compressed(), runs);
  count = runs.lines;
  if (!wrong || !wrong->empty()) return wrong;
  if (!runs.wrong.empty()) return {boost::system::in_place_value, runs.wrong};
  if (runs.rows != claims.events)
    return {boost::system::in_place_value,
            "places " + std::to_string(runs.rows) + " rows, of which there are " + std::to_string(claims.events)};
  return {boost::system::in_place_value, std::string()};
}

}  // namespace arbiter::snapshot

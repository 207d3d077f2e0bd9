#include "collector/snapshot/verify_decisions.hpp"

#include <unistd.h>

#include <boost/json/parse.hpp>

#include "collector/snapshot/npy.hpp"
#include "collector/snapshot/verify_lines.hpp"

namespace arbiter::snapshot {
namespace {

using Text = Result<std::string>;
Text says(std::string text) { return {boost::system::in_place_value, std::move(text)}; }

// Of all decisions, those in the file and those left out.
std::string compare(std::uint64_t found, const Claims& claims) {
  if (!claims.decisions) return "the manifest does not say how many decisions there are";
  if (found == *claims.decisions) return {};
  return "decisions: " + std::to_string(found) + ", but the manifest says " + std::to_string(*claims.decisions);
}

class Examples : public LineRows {
 public:
  explicit Examples(const Claims& claims) : claims_(claims) {}
  void begin_file(const FileInfo& file) {
    LineRows::begin_file(file);
    line_.clear();
    for (const auto& reason : file.left_out) left_out_ += reason.value().to_number<std::uint64_t>();
  }
  void begin_side(std::optional<Side>) {}  // a line does not name its task

  bool piece(std::string_view text) override {
    constexpr std::size_t line_bytes_max = 4 << 20;  // context and candidates of the largest event, escaped
    if (line_.size() + text.size() > line_bytes_max) return fail("is longer than any decision");
    line_ += text;
    return true;
  }

  bool end_line() override {
    const char* wrong = problem();
    line_.clear();
    return wrong == nullptr ? row_is_good() : fail(wrong);
  }

  Text finish() const { return says(compare(rows() + left_out_, claims_)); }

 private:
  // What is wrong with the line, or null.
  const char* problem() const {
    boost::json::parse_options options;
    options.max_depth = schema::kJsonDepthMax + 8;
    boost::json::error_code error;
    const auto parsed = boost::json::parse(line_, error, {}, options);
    if (error) return "is not JSON";
    const auto* e = parsed.if_object();
    if (e == nullptr || e->empty() || e->begin()->key() != "_label_cost" || !e->begin()->value().is_number())
      return "does not begin with its cost";
    const auto number = [&](std::string_view key) {
      const auto* v = e->if_contains(key);
      return v != nullptr && v->is_number() ? v->to_number<double>() : -1.0;
    };
    if (!(number("_label_probability") > 0) || number("_label_probability") > 1) return "its probability is not above 0 and at most 1";
    const auto* c = e->if_contains("c");
    const auto* actions = e->if_contains("a");
    if (c == nullptr || !c->is_object() || actions == nullptr || !actions->is_array()) return "has no actions";
    const auto* multi = c->get_object().if_contains("_multi");
    if (multi == nullptr || !multi->is_array()) return "has no actions";
    const auto& a = actions->get_array();
    const auto index = number("_labelIndex");
    if (a.empty() || a.size() != multi->get_array().size() || !(index >= 0) || index >= static_cast<double>(a.size()) ||
        number("_label_Action") != index + 1 || !a[0].is_number() || a[0].to_number<double>() != index + 1)
      return "its label is on none of its actions";
    if (const auto* p = e->if_contains("p"); p != nullptr && (!p->is_array() || p->get_array().size() != a.size()))
      return "has not a probability for each action";
    if (const auto* id = e->if_contains("EventId"); id == nullptr || !id->is_string()) return "has no EventId";
    return nullptr;
  }

  const Claims& claims_;
  std::string line_;
  std::uint64_t left_out_ = 0;
};

class NpyRows : public RowCheck {
 public:
  explicit NpyRows(const Claims& claims) : claims_(claims) {}

  Text file(const CheckedFile& file, std::uint64_t& rows) override {
    std::string begin(npy::kHeaderBytesMax, '\0');
    std::size_t have = 0;
    while (have < begin.size()) {
      const ssize_t got = ::pread(file.fd, begin.data() + have, begin.size() - have, static_cast<off_t>(have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error("reading");
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    const auto header = npy::read_header(std::string_view(begin).substr(0, have));
    if (!header) return says("has no header of a NumPy array of decisions");
    const std::uint64_t bytes = file.claimed.bytes - header->header_bytes;
    if (bytes % header->row_bytes != 0 || bytes / header->row_bytes != header->rows)
      return says("does not hold the number of rows that its header says");
    rows = header->rows;
    rows_ += rows;
    return says({});
  }
  Text finish() override { return says(compare(rows_, claims_)); }

 private:
  const Claims& claims_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<RowCheck> check_dsjson_rows(const Claims& claims) { return std::make_unique<LineCheck<Examples>>(claims); }
std::unique_ptr<RowCheck> check_npy_rows(const Claims& claims) { return std::make_unique<NpyRows>(claims); }

}  // namespace arbiter::snapshot

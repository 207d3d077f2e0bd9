#include "collector/snapshot/verify_rows.hpp"

#include <boost/json/parse.hpp>
#include <filesystem>
#include <optional>

#include "collector/snapshot/manifest.hpp"
#include "collector/snapshot/sorter.hpp"
#include "collector/snapshot/time_text.hpp"
#include "collector/snapshot/verify_lines.hpp"

namespace arbiter::snapshot {

std::optional<EventKey> parse_id(std::string_view id) {
  EventKey key;
  const std::size_t hex = 2 * key.lane.segment.size();
  const std::size_t dash = id.rfind('-');
  if (id.size() < hex + 4 || id[hex] != '-' || dash <= hex + 1 || dash + 1 == id.size()) return std::nullopt;
  for (std::size_t i = 0; i < key.lane.segment.size(); ++i) {
    const auto [end, error] = std::from_chars(id.data() + 2 * i, id.data() + 2 * i + 2, key.lane.segment[i], 16);
    if (error != std::errc() || end != id.data() + 2 * i + 2) return std::nullopt;
  }
  const auto lane = parse_integer<std::uint32_t>(id.substr(hex + 1, dash - hex - 1));
  const auto sequence = parse_integer<std::uint64_t>(id.substr(dash + 1));
  if (!lane || !sequence) return std::nullopt;
  key.lane.lane = *lane;
  key.sequence = *sequence;
  if (event_id(key.lane, key.sequence) != id) return std::nullopt;  // +1, 007, capitals
  return key;
}

std::string differ(std::string_view what, std::uint64_t found, std::uint64_t claimed) {
  return std::string(what) + ": " + std::to_string(found) + ", but the manifest says " + std::to_string(claimed);
}

namespace {

constexpr std::size_t kEventLineBytesMax =
    4 << 20;  // an event of the greatest size, all of it characters that JSON escapes, and its ids once more
constexpr std::size_t kIdSortBytes = 16 << 20;

class EventRows : public LineRows {
 public:
  explicit EventRows(const Claims& claims) : claims_(claims), ids_(std::filesystem::temp_directory_path().string(), kIdSortBytes) {}

  void begin_file(const FileInfo& file) {
    LineRows::begin_file(file);
    line_.clear();
  }
  void begin_side(std::optional<Side> side) {
    side_ = side;
    order_.reset();
  }

  bool piece(std::string_view text) override {
    if (line_.size() + text.size() > kEventLineBytesMax) return fail("is longer than any event");
    line_ += text;
    return true;
  }

  bool end_line() override {
    boost::json::parse_options options;
    options.max_depth = kRowDepthMax;
    boost::json::error_code error;
    const auto parsed = boost::json::parse(line_, error, {}, options);
    line_.clear();
    if (error) return fail("is not JSON (" + error.message() + ")");
    const auto* e = parsed.if_object();
    if (e == nullptr) return fail("is not an object");
    const auto text = [&](std::string_view key) -> std::optional<std::string_view> {
      const auto* v = e->if_contains(key);
      if (v == nullptr || !v->is_string()) return std::nullopt;
      return std::string_view(v->get_string());
    };
    const auto id = text("id"), type = text("type"), time = text("timestamp"), ns = text("timestampNs");
    const auto* data = e->if_contains("data");
    if (!id || !type || type->empty() || !time || !ns || data == nullptr || !data->is_object())
      return fail("is not an event: it wants id, type, timestamp, timestampNs and data");
    auto key = parse_id(*id);
    if (!key) return fail("its id is none of the tracker's");
    const auto time_ns = parse_integer<std::int64_t>(*ns);
    if (!time_ns || time_text(*time_ns) != *time) return fail("its timestamp and timestampNs do not agree");
    key->time_ns = *time_ns;
    if (claims_.since_ns && *time_ns < *claims_.since_ns) return fail("is from before the snapshot's range");
    if (const char* wrong = order_.next(*key)) return fail(wrong);
    const auto* task = e->if_contains("taskId");
    if (task == nullptr)
      ++without_task_;
    else if (!task->is_string())
      return fail("its taskId is not a string");
    const std::string_view its_task = task == nullptr ? std::string_view() : std::string_view(task->get_string());
    if (side_ && claims_.split && claims_.split->of(its_task, *time_ns) != *side_) return fail("is of the other side of the split");
    types_.add(*type);
    if (!ids_.add(*id, {})) return fail("there is no room to compare its id with the others");
    return row_is_good();
  }

  // What is wrong with all rows together.
  Result<std::string> finish() {
    using Text = Result<std::string>;
    const auto says = [](std::string text) { return Text(boost::system::in_place_value, std::move(text)); };
    if (rows() != claims_.events) return says(differ("events", rows(), claims_.events));
    if (without_task_ != claims_.without_task) return says(differ("events without a task", without_task_, claims_.without_task));
    for (const auto& [type, count] : types_.counts()) {
      const auto claimed = claims_.by_type.find(type);
      const std::uint64_t there = claimed == claims_.by_type.end() ? 0 : claimed->second;
      if (count != there) return says(differ("events of type " + type, count, there));
    }
    if (types_.counts().size() != claims_.by_type.size()) return says("types of events: the manifest counts some that are not there");
    std::string before;
    for (;;) {
      std::string_view id, none;
      const auto more = ids_.next(id, none);
      if (!more) return more.error();
      if (!*more) return says({});
      if (id == before) return says("the id " + before + " is there twice");
      before = id;
    }
  }

 private:
  const Claims& claims_;
  std::string line_;
  std::optional<Side> side_;
  Order order_;
  TypeCounts types_;
  std::uint64_t without_task_ = 0;
  Sorter ids_;
};

}  // namespace

std::unique_ptr<RowCheck> check_event_rows(const Claims& claims) { return std::make_unique<LineCheck<EventRows>>(claims); }

}  // namespace arbiter::snapshot

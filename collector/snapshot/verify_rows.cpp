#include "collector/snapshot/verify_rows.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <filesystem>
#include <optional>

#include "collector/privacy/json_text.hpp"
#include "collector/snapshot/event_record.hpp"
#include "collector/snapshot/line_reader.hpp"
#include "collector/snapshot/manifest.hpp"
#include "collector/snapshot/sorter.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::snapshot {
namespace {

constexpr std::size_t kEventLineBytesMax =
    4 << 20;  // an event of the greatest size, all of it characters that JSON escapes, and its ids once more
constexpr std::size_t kDepthMax = schema::kJsonDepthMax + 8;
constexpr std::size_t kIdSortBytes = 16 << 20;

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "<32 hex>-<lane>-<sequence>"
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

// The order of a file's events.
class Order {
 public:
  // What is wrong, or null.
  const char* next(const EventKey& key) {
    if (before_ && *before_ == key) return "is there twice";
    if (before_ && key < *before_) return "is out of order";
    before_ = key;
    return nullptr;
  }
  void reset() { before_.reset(); }

 private:
  std::optional<EventKey> before_;
};

std::string differ(std::string_view what, std::uint64_t found, std::uint64_t claimed) {
  return std::string(what) + ": " + std::to_string(found) + ", but the manifest says " + std::to_string(claimed);
}

// Common to both: the number of the line, and what is wrong.
class LineRows : public LineSink {
 public:
  std::uint64_t rows() const { return rows_; }
  const std::string& wrong() const { return wrong_; }

 protected:
  bool fail(std::string_view what) {
    wrong_ = "line " + std::to_string(rows_ + 1) + ": " + std::string(what);
    return false;
  }
  bool row_is_good() {
    ++rows_;
    return true;
  }

 private:
  std::uint64_t rows_ = 0;
  std::string wrong_;
};

class EventRows : public LineRows {
 public:
  explicit EventRows(const Claims& claims) : claims_(claims), ids_(std::filesystem::temp_directory_path().string(), kIdSortBytes) {}

  bool piece(std::string_view text) override {
    if (line_.size() + text.size() > kEventLineBytesMax) return fail("is longer than any event");
    line_ += text;
    return true;
  }

  bool end_line() override {
    boost::json::parse_options options;
    options.max_depth = kDepthMax;
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
  Order order_;
  TypeCounts types_;
  std::uint64_t without_task_ = 0;
  Sorter ids_;
};

// Hears one trajectory, of any length, and keeps a few short strings of it.
class TrajectoryListener : public json::Listener {
 public:
  std::string_view problem() const { return problem_; }
  const std::string& task() const { return task_; }
  std::uint64_t steps() const { return steps_; }

  void begin() { *this = {}; }
  // After the line.
  bool complete() {
    if (!has_task_ || !has_events_ || !has_done_ || !has_reward_)
      return fail("is not a trajectory: it wants taskId, events, reward and done");
    if (!claimed_steps_ || *claimed_steps_ != steps_) return fail("its steps are not the number of its events");
    if (is_last_ == false) wrong_flag_ = "its last step does not say that it is_last";
    if (wrong_flag_ != nullptr) return fail(wrong_flag_);
    return true;
  }

  bool on_object_begin(error_code& e) { return open(true, e); }
  bool on_object_end(std::size_t, error_code& e) {
    if (in_event() && depth_ == 3 && !end_event()) return stop(e);
    --depth_;
    return true;
  }
  bool on_array_begin(error_code& e) { return open(false, e); }
  bool on_array_end(std::size_t, error_code&) {
    if (depth_ == 2) in_events_ = false;
    --depth_;
    return true;
  }
  bool on_key_part(string_view part, std::size_t, error_code&) { return gather(part); }
  bool on_key(string_view part, std::size_t, error_code&) {
    gather(part);
    if (depth_ == 1 || in_event()) key_ = text_;
    text_.clear();
    return true;
  }
  bool on_string_part(string_view part, std::size_t, error_code&) { return gather(part); }
  bool on_string(string_view part, std::size_t, error_code& e) {
    gather(part);
    bool good = true;
    if (depth_ == 0 || (depth_ == 2 && in_events_))
      good = fail(depth_ == 0 ? "is not an object" : "holds among its events what is not one");
    if (depth_ == 1 && key_ == "taskId") task_ = text_, has_task_ = true;
    if (in_event() && depth_ == 3) {
      if (key_ == "id") id_ = text_;
      if (key_ == "timestampNs") ns_ = text_;
      if (key_ == "taskId") event_task_ = text_;
    }
    text_.clear();
    return good || stop(e);
  }
  bool on_int64(std::int64_t n, string_view, error_code& e) {
    return number(n >= 0 ? std::optional(static_cast<std::uint64_t>(n)) : std::nullopt, e);
  }
  bool on_uint64(std::uint64_t n, string_view, error_code& e) { return number(n, e); }
  bool on_double(double, string_view, error_code& e) { return number(std::nullopt, e); }
  bool on_bool(bool value, error_code& e) {
    if (depth_ == 1 && key_ == "done") has_done_ = true;
    if (in_event() && depth_ == 3) hear_flag(value);
    return scalar(e);
  }
  bool on_null(error_code& e) {
    if (depth_ == 1 && key_ == "reward") has_reward_ = true;
    return scalar(e);
  }

 private:
  static constexpr std::size_t kTextBytesMax = 1024;  // more of a string than any that matters

  bool in_event() const { return in_events_ && depth_ >= 3; }
  bool fail(std::string_view problem) {
    if (problem_.empty()) problem_ = problem;
    return false;
  }
  static bool stop(error_code& e) {
    e = boost::json::error::syntax;
    return false;
  }
  bool gather(string_view part) {
    text_.append(part.substr(0, kTextBytesMax - std::min<std::size_t>(kTextBytesMax, text_.size())));
    return true;
  }
  bool scalar(error_code& e) {
    if (depth_ == 0) return fail("is not an object") || stop(e);
    if (depth_ == 2 && in_events_) return fail("holds among its events what is not one") || stop(e);
    return true;
  }
  bool number(std::optional<std::uint64_t> whole, error_code& e) {
    if (depth_ == 1 && key_ == "reward") has_reward_ = true;
    if (depth_ == 1 && key_ == "steps") claimed_steps_ = whole;
    return scalar(e);
  }
  bool open(bool object, error_code& e) {
    if (depth_ == 0 && !object) return fail("is not an object") || stop(e);
    if (depth_ == 1 && key_ == "events" && !object) in_events_ = has_events_ = true;
    if (depth_ == 2 && in_events_) {
      if (!object) return fail("holds among its events what is not one") || stop(e);
      id_.clear(), ns_.clear(), event_task_.clear();
    }
    ++depth_;
    return true;
  }
  // Of a step; in the order in which they are written. Snapshots of before there were such members have none.
  void hear_flag(bool value) {
    if (key_ == "is_first" && value != (steps_ == 0)) wrong_flag_ = "its first step does not say that it is_first, or another does";
    if (key_ == "is_last") is_last_ = value;
    if (key_ == "is_terminal" && value && is_last_ == false) wrong_flag_ = "a step that is not its last is_terminal";
  }
  bool end_event() {
    if (is_last_ == true && had_last_) wrong_flag_ = "two of its steps are is_last";
    had_last_ = had_last_ || is_last_ == true;
    ++steps_;
    auto key = parse_id(id_);
    const auto time_ns = parse_integer<std::int64_t>(ns_);
    if (!key || !time_ns) return fail("holds an event without id or timestampNs");
    if (!has_task_ || event_task_ != task_) return fail("holds an event of another task");
    key->time_ns = *time_ns;
    const char* wrong = order_.next(*key);
    return wrong == nullptr || fail(std::string("an event of it ") + wrong);
  }

  std::string problem_, key_, text_, task_, id_, ns_, event_task_;
  std::size_t depth_ = 0;
  bool in_events_ = false, has_task_ = false, has_events_ = false, has_done_ = false, has_reward_ = false;
  std::optional<std::uint64_t> claimed_steps_;
  std::uint64_t steps_ = 0;
  std::optional<bool> is_last_;  // of the newest step
  bool had_last_ = false;
  const char* wrong_flag_ = nullptr;  // said once nothing worse is found
  Order order_;
};

class TrajectoryRows : public LineRows {
 public:
  explicit TrajectoryRows(const Claims& claims) : claims_(claims), parser_(options()) {}

  bool piece(std::string_view text) override { return text.empty() || feed(true, text); }

  bool end_line() override {
    if (!feed(false, {})) return false;
    if (!listener().complete()) return fail(listener().problem());
    if (rows() != 0 && listener().task() <= task_) return fail(listener().task() == task_ ? "its task is there twice" : "is out of order");
    task_ = listener().task();
    steps_ += listener().steps();
    parser_.reset();
    listener().begin();
    return row_is_good();
  }

  std::string finish() const {
    if (!claims_.tasks) return "the manifest does not say how many tasks there are";
    if (rows() != *claims_.tasks) return differ("tasks", rows(), *claims_.tasks);
    const std::uint64_t with_task = claims_.events - std::min(claims_.events, claims_.without_task);
    if (steps_ != with_task) return differ("events in trajectories", steps_, with_task);
    return {};
  }

 private:
  static boost::json::parse_options options() {
    boost::json::parse_options o;
    o.max_depth = kDepthMax;
    return o;
  }
  TrajectoryListener& listener() { return parser_.handler(); }
  bool feed(bool more, std::string_view text) {
    boost::json::error_code error;
    const std::size_t read = parser_.write_some(more, text.data(), text.size(), error);
    if (!listener().problem().empty()) return fail(listener().problem());
    if (error) return fail("is not JSON (" + error.message() + ")");
    return read == text.size() || fail("goes on behind its object");
  }

  const Claims& claims_;
  boost::json::basic_parser<TrajectoryListener> parser_;
  std::string task_;
  std::uint64_t steps_ = 0;
};

using Text = Result<std::string>;

// What is wrong with the file, else with a line.
Text read_rows(const CheckedFile& file, LineRows& rows) {
  auto wrong = read_lines(file.fd, file.compressed(), rows);
  if (wrong && wrong->empty()) return {boost::system::in_place_value, rows.wrong()};
  return wrong;
}

}  // namespace

Result<std::string> check_event_rows(const CheckedFile& file, const Claims& claims, std::uint64_t& count) {
  EventRows rows(claims);
  auto wrong = read_rows(file, rows);
  count = rows.rows();
  return wrong && wrong->empty() ? rows.finish() : wrong;
}

Result<std::string> check_trajectory_rows(const CheckedFile& file, const Claims& claims, std::uint64_t& count) {
  TrajectoryRows rows(claims);
  auto wrong = read_rows(file, rows);
  count = rows.rows();
  return wrong && wrong->empty() ? Text(boost::system::in_place_value, rows.finish()) : wrong;
}

}  // namespace arbiter::snapshot

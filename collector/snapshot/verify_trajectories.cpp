#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>

#include "collector/privacy/json_text.hpp"
#include "collector/snapshot/verify_lines.hpp"
#include "collector/snapshot/verify_rows.hpp"

namespace arbiter::snapshot {
namespace {

// Hears one trajectory, of any length, and keeps a few short strings of it.
class TrajectoryListener : public json::Listener {
 public:
  std::string_view problem() const { return problem_; }
  const std::string& task() const { return task_; }
  std::uint64_t steps() const { return steps_; }
  std::int64_t first_ns() const { return first_ns_; }

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
    if (steps_ == 1) first_ns_ = *time_ns;
    const char* wrong = order_.next(*key);
    return wrong == nullptr || fail(std::string("an event of it ") + wrong);
  }

  std::string problem_, key_, text_, task_, id_, ns_, event_task_;
  std::size_t depth_ = 0;
  bool in_events_ = false, has_task_ = false, has_events_ = false, has_done_ = false, has_reward_ = false;
  std::optional<std::uint64_t> claimed_steps_;
  std::uint64_t steps_ = 0;
  std::int64_t first_ns_ = 0;
  std::optional<bool> is_last_;  // of the newest step
  bool had_last_ = false;
  const char* wrong_flag_ = nullptr;  // said once nothing worse is found
  Order order_;
};

class TrajectoryRows : public LineRows {
 public:
  explicit TrajectoryRows(const Claims& claims) : claims_(claims), parser_(options()) {}

  void begin_file(const FileInfo& file) {
    LineRows::begin_file(file);
    parser_.reset();
    listener().begin();
  }
  void begin_side(std::optional<Side> side) {
    side_ = side;
    some_ = false;
  }

  bool piece(std::string_view text) override { return text.empty() || feed(true, text); }

  bool end_line() override {
    if (!feed(false, {})) return false;
    if (!listener().complete()) return fail(listener().problem());
    if (some_ && listener().task() <= task_) return fail(listener().task() == task_ ? "its task is there twice" : "is out of order");
    if (side_ && claims_.split && claims_.split->of(listener().task(), listener().first_ns()) != *side_)
      return fail("its task is of the other side of the split");
    some_ = true;
    task_ = listener().task();
    steps_ += listener().steps();
    parser_.reset();
    listener().begin();
    return row_is_good();
  }

  Result<std::string> finish() const { return {boost::system::in_place_value, wrong_together()}; }

 private:
  std::string wrong_together() const {
    if (!claims_.tasks) return "the manifest does not say how many tasks there are";
    if (rows() != *claims_.tasks) return differ("tasks", rows(), *claims_.tasks);
    const std::uint64_t with_task = claims_.events - std::min(claims_.events, claims_.without_task);
    if (steps_ != with_task) return differ("events in trajectories", steps_, with_task);
    return {};
  }
  static boost::json::parse_options options() {
    boost::json::parse_options o;
    o.max_depth = kRowDepthMax;
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
  std::optional<Side> side_;
  bool some_ = false;  // a line of this side was there
  std::string task_;
  std::uint64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<RowCheck> check_trajectory_rows(const Claims& claims) { return std::make_unique<LineCheck<TrajectoryRows>>(claims); }

}  // namespace arbiter::snapshot

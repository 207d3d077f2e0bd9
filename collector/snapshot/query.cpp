#include "collector/snapshot/query.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <vector>

#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/event_json.hpp"
#include "collector/snapshot/event_record.hpp"
#include "collector/snapshot/trajectory.hpp"
#include "collector/snapshot/went_wrong.hpp"

namespace arbiter::snapshot {
namespace {

// An event set aside. Ordered by its key.
struct Kept {
  EventKeyBytes key;
  std::string record;
  bool operator<(const Kept& other) const { return view(key) < view(other.key); }
  bool operator>(const Kept& other) const { return other < *this; }
};

// The newest `limit` events that came, within a bound of bytes.
class Newest {
 public:
  Newest(std::uint64_t limit, std::size_t bytes_max) : limit_(limit), bytes_max_(bytes_max) {}

  // False: they no longer fit.
  bool add(const journal::StoredEvent& e) {
    const EventKeyBytes key = event_key_bytes(e);
    if (kept_.size() == limit_) {
      if (limit_ == 0 || view(key) < view(kept_.front().key)) return true;
      std::pop_heap(kept_.begin(), kept_.end(), std::greater<>());  // the oldest goes
      bytes_ -= bytes_of(kept_.back());
    } else {
      kept_.emplace_back();
    }
    Kept& slot = kept_.back();
    slot.key = key;
    slot.record.clear();
    append_event_record(slot.record, e);
    bytes_ += bytes_of(slot);
    std::push_heap(kept_.begin(), kept_.end(), std::greater<>());
    return bytes_ <= bytes_max_;
  }

  const std::vector<Kept>& sorted() {
    std::sort(kept_.begin(), kept_.end());
    return kept_;
  }

 private:
  static std::size_t bytes_of(const Kept& kept) { return sizeof(Kept) + kept.record.capacity(); }

  std::uint64_t limit_;
  std::size_t bytes_max_, bytes_ = 0;
  std::vector<Kept> kept_;  // a heap, the oldest in front
};

bool same(const std::optional<event::Text>& wanted, const event::Text* there) { return !wanted || (there != nullptr && *there == *wanted); }

journal::View::Filter filter_of(const EventFilter& wanted) {
  journal::View::Filter filter;
  if (wanted.since_ns) filter.since_ns = *wanted.since_ns;
  if (wanted.until_ns) filter.until_ns = *wanted.until_ns;
  if (!wanted.type.empty()) filter.kinds = 1u << static_cast<unsigned>(schema::kind_of(wanted.type));
  filter.task = wanted.task;
  return filter;
}

Error too_much(std::size_t bytes_max, std::string_view remedy) {
  return {"the events take more than " + std::to_string(bytes_max >> 20) + " MiB: " + std::string(remedy)};
}

}  // namespace

Result<void> query_events(const journal::View& view, const EventFilter& filter, std::uint64_t limit,
                          const std::function<bool(std::string_view)>& line) {
  Newest newest(limit, kQueryBytesMax);
  bool fits = true;
  view.scan(filter_of(filter), [&](const journal::StoredEvent& e) {
    if (!filter.type.empty() && type_of(e.values) != filter.type) return true;
    if (!same(filter.agent, agent_of(e.values)) || !same(filter.task, task_of(e.values))) return true;
    fits = newest.add(e);
    return fits;
  });
  if (!fits) return too_much(kQueryBytesMax, "narrow the query, or export a snapshot");
  EventRecord record;
  std::string text;
  for (const Kept& kept : newest.sorted()) {
    if (!record.read(kept.record)) continue;  // written by Newest, so it reads
    text.clear();
    append_event_json(text, record.event());
    if (!line(text)) break;
  }
  return {};
}

Result<std::optional<boost::json::object>> task_story(const journal::View& view, const event::Text& task, const RewardFormula& formula) {
  using Story = std::optional<boost::json::object>;
  Newest all(UINT64_MAX, kStoryBytesMax);
  bool fits = true;
  journal::View::Filter filter;
  filter.task = task;
  view.scan(filter, [&](const journal::StoredEvent& e) {
    if (!same(task, task_of(e.values))) return true;
    fits = all.add(e);
    return fits;
  });
  if (!fits) return too_much(kStoryBytesMax, "read the task from a snapshot's trajectories");
  const std::vector<Kept>& events = all.sorted();
  if (events.empty()) return Story();
  std::string text;
  TrajectoryWriter trajectory(formula);
  WentWrong wrong;
  EventRecord record;
  for (const Kept& kept : events) {
    if (!record.read(kept.record)) continue;
    if (&kept == &events.front()) trajectory.begin(text, task, record.event().time_ns);
    trajectory.add(text, record.event());
    wrong.add(record.event());
  }
  trajectory.end(text);
  boost::json::parse_options options;
  options.max_depth = schema::kJsonDepthMax + 8;  // a context of the greatest depth, within data, event, events, story
  boost::json::error_code error;
  boost::json::value story = boost::json::parse(text, error, {}, options);
  if (error) return Error{"a task's story is not JSON: " + error.message()};
  story.get_object()["wentWrong"] = wrong.list();
  return Story(std::move(story.get_object()));
}

}  // namespace arbiter::snapshot

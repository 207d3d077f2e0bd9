#include "collector/snapshot/quality.hpp"

#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::snapshot {
namespace {

using Json = boost::json::value;

}  // namespace

void RowOrder::add(std::int64_t time_ns, const EventKey& key) {
  if (rows_++ != 0) {
    if (key == before_) ++duplicates_;
    // In order, so the difference is none below 0; as one without a sign it cannot overflow.
    const std::uint64_t gap = static_cast<std::uint64_t>(time_ns) - static_cast<std::uint64_t>(before_.time_ns);
    if (gap > largest_ns_) {
      largest_ns_ = gap;
      after_ns_ = before_.time_ns;
    }
  }
  before_ = key;
}

void RowOrder::add_to(boost::json::object& quality) const {
  quality["duplicates"] = duplicates_;
  if (rows_ < 2) {
    quality["timeGaps"] = nullptr;
    return;
  }
  const Json after = largest_ns_ == 0 ? Json(nullptr) : Json(boost::json::string(time_text_ns(after_ns_)));
  quality["timeGaps"] = boost::json::object{{"largestMs", static_cast<double>(largest_ns_) / 1e6}, {"after", after}};
}

void EventQuality::add(const journal::StoredEvent& e) {
  order_.add(e.time_ns, {e.time_ns, e.lane, e.values.sequence});
  if (agent_of(e.values) == nullptr) ++without_agent_;
  if (task_of(e.values) == nullptr) ++without_task_;
}

boost::json::object EventQuality::json() const {
  boost::json::object quality{{"nulls", {{"agentId", without_agent_}, {"taskId", without_task_}}}};
  order_.add_to(quality);
  return quality;
}

DecisionQuality::DecisionQuality() { nulls_.resize(decision_columns().size()); }

void DecisionQuality::add(const DecisionRow& row) {
  ++rows_;
  order_.add(row.decided_ns, row.key);
  const auto columns = decision_columns();
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (!columns[i].required && !columns[i].get(row).there) ++nulls_[i];
  if (row.reward.value) {
    const double from_mean = *row.reward.value - mean_;
    mean_ += from_mean / static_cast<double>(++rewards_);
    squares_ += from_mean * (*row.reward.value - mean_);
  }
  if (!row.propensity) return;
  ++propensities_;
  if (!(*row.propensity > 0)) return;
  if (smallest_ == 0 || *row.propensity < smallest_) smallest_ = *row.propensity;
  const double weight = 1 / *row.propensity;
  weights_ += weight;
  squared_weights_ += weight * weight;
}

boost::json::object DecisionQuality::json() const {
  const auto columns = decision_columns();
  boost::json::object nulls;
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (!columns[i].required) nulls[columns[i].name] = nulls_[i];
  boost::json::object quality{{"nulls", std::move(nulls)}};
  order_.add_to(quality);
  const auto known = [](bool there, double value) { return there ? Json(value) : Json(nullptr); };
  quality["reward"] = boost::json::object{{"known", rewards_},
                                          {"mean", known(rewards_ != 0, mean_)},
                                          {"variance", known(rewards_ != 0, rewards_ == 0 ? 0 : squares_ / static_cast<double>(rewards_))}};
  const bool some = smallest_ > 0;
  // Of a propensity that is hardly above zero the square may be infinite: then one decision outweighs all.
  const double size = weights_ * weights_ / squared_weights_;
  const double share = rows_ == 0 ? 0 : static_cast<double>(propensities_) / static_cast<double>(rows_);
  const double largest = some ? 1 / smallest_ : 0;
  quality["propensity"] = boost::json::object{{"known", propensities_},
                                              {"share", known(rows_ != 0, share)},
                                              {"smallest", known(some, smallest_)},
                                              {"largestWeight", known(some && largest <= 1.7976931348623157e308, largest)},
                                              {"effectiveSampleSize", known(some, size >= 1 ? size : 1.0)}};
  return quality;
}

}  // namespace arbiter::snapshot

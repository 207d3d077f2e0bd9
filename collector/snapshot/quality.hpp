// What a learner wants to know of a data file before it reads it: the "quality" of each file in the manifest.
//
//   nulls            for each column that may be unknown: in how many rows it is
//   duplicates       rows of one id (0: the order of the rows would show them)
//   timeGaps         the longest time between two rows that follow each other: {"largestMs": .., "after": ".."}; null with less than two
//   reward           {"known": .., "mean": .., "variance": ..}: over the rows that have one; variance: the mean square distance from the
//   mean propensity       {"known": .., "share": .., "smallest": .., "largestWeight": .., "effectiveSampleSize": ..}: share of all rows;
//   the rest
//                    over those above 0, weight = 1 / propensity, effective sample size = (sum of weights)^2 / sum of squares
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "collector/snapshot/decision_row.hpp"

namespace arbiter::snapshot {

// Rows that follow each other in time.
class RowOrder {
 public:
  void add(std::int64_t time_ns, const EventKey& key);
  void add_to(boost::json::object& quality) const;

 private:
  std::uint64_t rows_ = 0, duplicates_ = 0;
  EventKey before_;
  std::uint64_t largest_ns_ = 0;
  std::int64_t after_ns_ = 0;
};

class EventQuality {
 public:
  void add(const journal::StoredEvent& e);
  boost::json::object json() const;

 private:
  RowOrder order_;
  std::uint64_t without_agent_ = 0, without_task_ = 0;
};

class DecisionQuality {
 public:
  DecisionQuality();
  void add(const DecisionRow& row);
  boost::json::object json() const;

 private:
  RowOrder order_;
  std::uint64_t rows_ = 0;
  std::vector<std::uint64_t> nulls_;  // by column
  std::uint64_t rewards_ = 0;
  double mean_ = 0, squares_ = 0;  // Welford's
  std::uint64_t propensities_ = 0;
  double smallest_ = 0, weights_ = 0, squared_weights_ = 0;
};

}  // namespace arbiter::snapshot

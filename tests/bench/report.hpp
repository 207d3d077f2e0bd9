// What was measured, as rows: a table for people, JSON for programs. One value a round; shown are median, least and most.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/measure.hpp"

namespace arbiter::bench {

struct Row {
  std::string mode;     // the mode that reproduces it
  std::string measure;  // "record, burst"
  std::string what;     // the event, the peer, the quantile
  std::string unit;
  std::vector<double> values;  // one a round
  std::optional<double> goal{};
  bool goal_is_least = false;  // at least that much; otherwise at most
  std::optional<double> at{};  // where on an axis, of a row that is a point of a line
  std::string note{};
};

// Where the host had the two processors around one mode's part of a round: the round trip of a cache line between them.
struct Placement {
  std::string mode;
  int round;
  double before_ns, after_ns;
};

class Report {
 public:
  // Adds a round's value to the row of that mode, measure and what; makes the row if there is none.
  Row& add(const std::string& mode, const std::string& measure, const std::string& what, const std::string& unit, double value);
  const std::vector<Row>& rows() const { return rows_; }
  void add(const Placement& placement) { placements_.push_back(placement); }

  std::string table() const;
  boost::json::object to_json() const;

 private:
  std::vector<Row> rows_;
  std::vector<Placement> placements_;
};

}  // namespace arbiter::bench

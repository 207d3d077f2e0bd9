// What was measured, as rows: a table for people, JSON for programs.
#pragma once

#include <boost/json.hpp>
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
  double goal = 0;             // 0: none
  bool goal_is_least = false;  // at least that much; otherwise at most
  std::string note;
};

class Report {
 public:
  // Adds a round's value to the row of that mode, measure and what; makes the row if there is none.
  Row& add(const std::string& mode, const std::string& measure, const std::string& what, const std::string& unit, double value);
  const std::vector<Row>& rows() const { return rows_; }
  const Row* find(const std::string& measure, const std::string& what) const;
  bool empty() const { return rows_.empty(); }

  std::string table() const;
  boost::json::object to_json() const;

 private:
  std::vector<Row> rows_;
};

// Where this is measured: processor, kernel, compiler, build, and the placement and memory bound just now.
boost::json::object machine();

}  // namespace arbiter::bench

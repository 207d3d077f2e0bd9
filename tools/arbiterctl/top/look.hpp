// What `arbiterctl top` has found out at one moment, and what two of them say of the time between.
#pragma once

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace arbiter::ctl::top {

// The samples of GET /metrics, by name and labels as they stand there: arbiter_lanes, arbiter_memory_bytes{kind="anonymous"}.
class Samples {
 public:
  Samples() = default;
  explicit Samples(std::string_view exposition);

  double of(std::string_view name_and_labels) const;  // 0: there is none
  double sum(std::string_view name) const;            // over all labels
  const std::map<std::string, double, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, double, std::less<>> values_;
};

struct Look {
  std::chrono::steady_clock::time_point at;
  boost::json::object status;
  Samples metrics;
};

// How fast what only grows has grown, a second. 0 where it has shrunk: another collector.
double rate(const Look& before, const Look& now, double (*of)(const Samples&));

// The share `q` of what came between two looks into a histogram was at most this; nothing: nothing came. A bound of a bucket.
std::optional<double> quantile(const Samples& before, const Samples& now, std::string_view histogram, double q);

}  // namespace arbiter::ctl::top

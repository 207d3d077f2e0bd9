// A mergeable log-linear histogram of whole numbers, for quantiles.
//
// 64 buckets to each power of two: a bucket from 64 up is at most 1/64 of its least value wide, and is answered by its middle. So a
// quantile is off by at most kRelativeError of itself; numbers below 64 are exact. Merging adds counts: the order and the grouping of what
// was added make no difference. (Log-linear buckets as in G. Tene's HdrHistogram; the bound is that of C. Masson et al., DDSketch, VLDB
// 2019, with 1/128 for alpha.)
//
// Memory: 8 bytes for each bucket that is not empty: a handful of values takes little, and at most 30 KiB are taken whatever is added.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "collector/aggregate/packed.hpp"

namespace arbiter::aggregate {

class Histogram {
 public:
  static constexpr double kRelativeError = 1.0 / 128;

  void add(std::uint64_t value);  // O(log buckets), and O(buckets) where the bucket is new
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  std::uint64_t min() const { return min_; }  // exact; of nothing: 0
  std::uint64_t max() const { return max_; }
  // About two bytes for each bucket that is not empty.
  void pack(Packer& out) const;
  void merge(Unpacker& packed);  // what pack() wrote

  // The value of rank ceil(q * count) in ascending order, within kRelativeError; q from 0 to 1. Nothing: it is empty. O(buckets).
  std::optional<double> quantile(double q) const;

 private:
  // Of each bucket that is not empty, in order: its index in the upper 12 bits, its count below. One word, as there may be as many
  // histograms as agents times types.
  std::vector<std::uint64_t> buckets_;
  void merge_buckets(const std::vector<std::uint64_t>& other);
  std::uint64_t count_ = 0, min_ = 0, max_ = 0;
};

}  // namespace arbiter::aggregate

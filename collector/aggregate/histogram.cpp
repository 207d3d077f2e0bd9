#include "collector/aggregate/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace arbiter::aggregate {
namespace {

constexpr unsigned kBits = 6;  // of a value's leading digits, behind the first, that choose its bucket
constexpr std::uint64_t kSubBuckets = std::uint64_t{1} << kBits;
static_assert(Histogram::kRelativeError == 1.0 / (2 * kSubBuckets));

}  // namespace

std::size_t Histogram::bucket_of(std::uint64_t value) {
  if (value < kSubBuckets) return value;
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
  return (shift + 1) * kSubBuckets + ((value >> shift) - kSubBuckets);
}

double Histogram::middle_of(std::size_t bucket) {
  if (bucket < kSubBuckets) return static_cast<double>(bucket);
  const auto shift = static_cast<int>(bucket / kSubBuckets) - 1;
  return std::ldexp(static_cast<double>(kSubBuckets + bucket % kSubBuckets) + 0.5, shift);
}

void Histogram::cover(std::size_t first, std::size_t last) {
  if (counts_.empty()) {
    first_ = first;
    counts_.resize(last - first + 1);
    return;
  }
  if (first < first_) {
    counts_.insert(counts_.begin(), first_ - first, 0);
    first_ = first;
  }
  if (last >= first_ + counts_.size()) counts_.resize(last - first_ + 1);
}

void Histogram::add(std::uint64_t value) {
  const std::size_t bucket = bucket_of(value);
  cover(bucket, bucket);
  ++counts_[bucket - first_];
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  ++count_;
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  cover(other.first_, other.first_ + other.counts_.size() - 1);
  for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[other.first_ - first_ + i] += other.counts_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
}

std::optional<double> Histogram::quantile(double q) const {
  if (count_ == 0) return std::nullopt;
  const auto rank = std::clamp(static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))), std::uint64_t{1}, count_);
  std::uint64_t below = 0;
  std::size_t i = 0;
  while ((below += counts_[i]) < rank) ++i;
  return std::clamp(middle_of(first_ + i), static_cast<double>(min_), static_cast<double>(max_));
}

}  // namespace arbiter::aggregate

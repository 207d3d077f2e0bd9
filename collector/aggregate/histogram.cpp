#include "collector/aggregate/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>

namespace arbiter::aggregate {
namespace {

constexpr unsigned kBits = 6;  // of a value's leading digits, behind the first, that choose its bucket
constexpr std::uint64_t kSubBuckets = std::uint64_t{1} << kBits;
static_assert(Histogram::kRelativeError == 1.0 / (2 * kSubBuckets));

constexpr unsigned kCountBits = 52;
constexpr std::uint64_t kCountMax = (std::uint64_t{1} << kCountBits) - 1;
constexpr std::uint64_t kBuckets = (64 - kBits + 1) * kSubBuckets;
static_assert(kBuckets <= std::uint64_t{1} << (64 - kCountBits));

std::uint64_t bucket_of(std::uint64_t value) {
  if (value < kSubBuckets) return value;
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
  return (shift + 1) * kSubBuckets + ((value >> shift) - kSubBuckets);
}

double middle_of(std::uint64_t bucket) {
  if (bucket < kSubBuckets) return static_cast<double>(bucket);
  const auto shift = static_cast<int>(bucket / kSubBuckets) - 1;
  return std::ldexp(static_cast<double>(kSubBuckets + bucket % kSubBuckets) + 0.5, shift);
}

}  // namespace

void Histogram::add(std::uint64_t value) {
  const std::uint64_t index = bucket_of(value);
  const auto at = std::lower_bound(buckets_.begin(), buckets_.end(), index << kCountBits);
  if (at != buckets_.end() && *at >> kCountBits == index)
    ++*at;
  else
    buckets_.insert(at, (index << kCountBits) + 1);
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  ++count_;
}

void Histogram::merge_buckets(const std::vector<std::uint64_t>& other) {
  std::vector<std::uint64_t> both;
  both.reserve(buckets_.size() + other.size());
  std::merge(buckets_.begin(), buckets_.end(), other.begin(), other.end(), std::back_inserter(both));
  buckets_.clear();
  for (const std::uint64_t bucket : both) {
    if (!buckets_.empty() && buckets_.back() >> kCountBits == bucket >> kCountBits)
      buckets_.back() += bucket & kCountMax;
    else
      buckets_.push_back(bucket);
  }
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  merge_buckets(other.buckets_);
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
}

void Histogram::pack(Packer& out) const {
  out.whole(buckets_.size());
  if (buckets_.empty()) return;
  out.whole(min_);
  out.whole(max_ - min_);
  std::uint64_t before = 0;
  for (const std::uint64_t bucket : buckets_) {
    const std::uint64_t index = bucket >> kCountBits;
    out.whole(index - before);
    out.whole(bucket & kCountMax);
    before = index;
  }
}

void Histogram::merge(Unpacker& packed) {
  const std::uint64_t size = packed.whole();
  if (size == 0 || size > kBuckets || !packed.good()) return;
  Histogram other;
  other.buckets_.reserve(size);
  other.min_ = packed.whole();
  other.max_ = other.min_ + packed.whole();
  std::uint64_t index = 0;
  for (std::uint64_t n = 0; n < size; ++n) {
    index += packed.whole();
    const std::uint64_t count = packed.whole() & kCountMax;
    if (index >= kBuckets) return;
    other.buckets_.push_back((index << kCountBits) + count);
    other.count_ += count;
  }
  if (buckets_.empty())
    *this = std::move(other);
  else
    merge(other);
}

std::optional<double> Histogram::quantile(double q) const {
  if (count_ == 0) return std::nullopt;
  const auto rank = std::clamp(static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))), std::uint64_t{1}, count_);
  std::uint64_t below = 0;
  auto bucket = buckets_.begin();
  while ((below += *bucket & kCountMax) < rank) ++bucket;
  return std::clamp(middle_of(*bucket >> kCountBits), static_cast<double>(min_), static_cast<double>(max_));
}

}  // namespace arbiter::aggregate

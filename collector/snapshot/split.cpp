#include "collector/snapshot/split.hpp"

#include <sodium/crypto_generichash_blake2b.h>

#include <algorithm>
#include <charconv>

#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::snapshot {
namespace {

constexpr std::string_view kByTask = "task", kByTime = "time", kHash = "blake2b-128";
constexpr std::uint64_t kPercentMax = 99;

std::uint64_t hash_of(std::string_view task, std::uint64_t seed) {
  const std::string key = std::to_string(seed);
  std::array<unsigned char, 16> hash;
  crypto_generichash_blake2b(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(task.data()), task.size(),
                             reinterpret_cast<const unsigned char*>(key.data()), key.size());
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < 8; ++i) first = first << 8 | hash[i];
  return first;
}

std::string_view text_of(const boost::json::object& from, std::string_view key) {
  const auto* v = from.if_contains(key);
  return v != nullptr && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
}

}  // namespace

std::string_view side_name(Side side) { return side == Side::train ? "train" : "validation"; }

std::optional<Side> parse_side(std::string_view name) {
  for (const Side side : kBothSides)
    if (side_name(side) == name) return side;
  return std::nullopt;
}

Split::Split(const SplitRule& rule, std::int64_t newest_ns) : percent_(std::min(rule.validation_percent, kPercentMax)), seed_(rule.seed) {
  if (rule.validation_age && __builtin_sub_overflow(newest_ns, rule.validation_age->count(), &from_ns_.emplace())) from_ns_ = INT64_MIN;
}

Side Split::of(std::string_view task, std::int64_t time_ns) const {
  if (from_ns_) return time_ns >= *from_ns_ ? Side::validation : Side::train;
  if (percent_ == 0 || task.empty()) return Side::train;
  return hash_of(task, seed_) % 100 < percent_ ? Side::validation : Side::train;
}

Side Split::of(const journal::StoredEvent& e) const {
  if (!there()) return Side::train;
  const event::Text* task = task_of(e.values);
  if (task == nullptr) return of(std::string_view(), e.time_ns);
  return task->hashed ? of(task->shown(), e.time_ns) : of(task->bytes(), e.time_ns);
}

boost::json::object Split::json() const {
  if (from_ns_)
    return {{"by", boost::json::string(kByTime)},
            {"validationFrom", boost::json::string(time_text_ns(*from_ns_))},
            {"validationFromNs", std::to_string(*from_ns_)}};
  return {{"by", boost::json::string(kByTask)}, {"validationPercent", percent_}, {"seed", seed_}, {"hash", boost::json::string(kHash)}};
}

Result<Split> Split::parse(const boost::json::object& split) {
  const Error unknown{"splits its data in a way that this program does not know"};
  Split out;
  if (text_of(split, "by") == kByTime) {
    const std::string_view text = text_of(split, "validationFromNs");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.from_ns_.emplace());
    if (error != std::errc() || end != text.data() + text.size()) return unknown;
    return out;
  }
  const auto* percent = split.if_contains("validationPercent");
  const auto* seed = split.if_contains("seed");
  if (text_of(split, "by") != kByTask || text_of(split, "hash") != kHash) return unknown;
  if (percent == nullptr || !percent->is_int64() || percent->get_int64() < 1 || seed == nullptr || !seed->is_int64() ||
      seed->get_int64() < 0)
    return unknown;
  out.percent_ = static_cast<std::uint64_t>(percent->get_int64());
  out.seed_ = static_cast<std::uint64_t>(seed->get_int64());
  if (out.percent_ > kPercentMax) return unknown;
  return out;
}

}  // namespace arbiter::snapshot

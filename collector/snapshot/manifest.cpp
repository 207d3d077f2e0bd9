#include "collector/snapshot/manifest.hpp"

#include <boost/json/array.hpp>

#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/sha256.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::snapshot {
namespace {

using Json = boost::json::value;

Json text(std::string_view t) { return Json(boost::json::string(t)); }

void describe(std::string& out, std::span<const schema::Field> fields) {
  for (const schema::Field& f : fields) {
    if (f.hidden) continue;
    out.append(f.path).append(" ").append(std::to_string(static_cast<int>(f.type))).append(f.required ? " required\n" : "\n");
    if (f.type != schema::Type::list) continue;
    out.append("list ").append(std::to_string(static_cast<int>(f.list->shape))).append("\n");
    describe(out, f.list->fields);
    out.append("end\n");
  }
}

}  // namespace

void TypeCounts::add(std::string_view type) {
  const std::string_view name = schema::kind_of(type) == Kind::generic ? own_.name(type) : type;
  if (const auto it = counts_.find(name); it != counts_.end())
    ++it->second;
  else
    counts_.emplace(name, 1);
}

void EventSummary::add(const journal::StoredEvent& e) {
  if (events_++ == 0) first_ns_ = e.time_ns;
  last_ns_ = e.time_ns;
  types_.add(type_of(e.values));
  if (task_of(e.values) == nullptr) ++without_task_;
  constexpr unsigned propensity = schema::field(Kind::routing_decision, "propensity");
  if (e.values.kind != Kind::routing_decision || !e.values.has(propensity)) return;
  ++propensities_;
  const double p = e.values.real(propensity);
  if (!(p > 0)) {
    ++zero_propensities_;
    return;
  }
  if (smallest_ == 0 || p < smallest_) smallest_ = p;
  weights_ += 1 / p;
  squared_weights_ += 1 / p / p;
}

boost::json::object EventSummary::events_json() const {
  boost::json::object types;
  for (const auto& [type, count] : types_.counts()) types[type] = count;
  const bool some = events_ != 0;
  return {{"total", events_},
          {"byType", std::move(types)},
          {"withoutTask", without_task_},
          {"firstTime", some ? text(time_text(first_ns_)) : Json(nullptr)},
          {"lastTime", some ? text(time_text(last_ns_)) : Json(nullptr)}};
}

boost::json::object EventSummary::propensities_json() const {
  const bool some = propensities_ > zero_propensities_;
  // Of a propensity that is hardly above zero the square may be infinite: then one decision outweighs all.
  const double size = weights_ * weights_ / squared_weights_;
  return {{"decisions", propensities_},
          {"zero", zero_propensities_},
          {"smallest", some ? Json(smallest_) : Json(nullptr)},
          {"effectiveSampleSize", some ? Json(size >= 1 ? size : 1.0) : Json(nullptr)}};
}

void DecisionSummary::add(const DecisionRow& row) {
  ++by_state_[static_cast<std::size_t>(row.ending.state())];
  if (row.reward.value) ++rewarded_;
}

boost::json::object DecisionSummary::json() const {
  std::uint64_t total = 0;
  boost::json::object states;
  for (std::size_t i = 0; i < kJoinStates.size(); ++i) {
    total += by_state_[i];
    states[kJoinStates[i]] = by_state_[i];
  }
  return {{"total", total}, {"byJoinState", std::move(states)}, {"withReward", rewarded_}, {"beyondJoin", beyond}};
}

boost::json::object manifest_json(const ManifestFacts& facts, const EventSummary& summary) {
  boost::json::array files;
  for (const FileInfo& file : facts.files) {
    boost::json::object one{{"name", text(file.name)}};
    if (!file.format.empty()) one["format"] = file.format;
    if (file.side) one["split"] = text(side_name(*file.side));
    if (file.first_row) one["firstRow"] = *file.first_row;
    one["rows"] = file.rows ? Json(*file.rows) : Json(nullptr);
    one["bytes"] = file.bytes;
    one["sha256"] = text(file.sha256);
    if (!file.left_out.empty()) one["leftOut"] = file.left_out;
    if (!file.quality.empty()) one["quality"] = file.quality;
    files.push_back(std::move(one));
  }
  boost::json::object manifest{
      {"format", text(kManifestFormat)},
      {"formatVersion", kManifestVersion},
      {"snapshot", facts.number},
      {"createdAt", text(time_text(facts.created_ns))},
      {"schema", {{"version", text(std::to_string(abi::kMajor) + "." + std::to_string(abi::kMinor))}, {"sha256", text(schema_sha256())}}},
      {"range",
       {{"fromCursor", facts.from_cursor.empty() ? Json(nullptr) : text(facts.from_cursor)},
        {"toCursor", text(facts.to_cursor)},
        {"since", facts.since_ns ? text(time_text_ns(*facts.since_ns)) : Json(nullptr)},
        {"sinceNs", facts.since_ns ? text(std::to_string(*facts.since_ns)) : Json(nullptr)},
        {"watermark", facts.watermark_ns != 0 ? text(time_text(facts.watermark_ns)) : Json(nullptr)},
        {"watermarkNs", facts.watermark_ns != 0 ? text(std::to_string(facts.watermark_ns)) : Json(nullptr)}}},
  };
  if (facts.chain) manifest["chain"] = *facts.chain;
  manifest["events"] = summary.events_json();
  manifest["reward"] = formula_json(facts.reward);
  if (facts.tasks) manifest["tasks"] = *facts.tasks;
  if (facts.decisions) manifest["decisions"] = facts.decisions->json();
  manifest["propensities"] = summary.propensities_json();
  manifest["losses"] = facts.losses;
  manifest["damagedBlocks"] = facts.blocks_damaged;
  const bool anonymised = !facts.key_fingerprint.empty();
  manifest["anonymization"] =
      boost::json::object{{"enabled", anonymised}, {"keyFingerprint", anonymised ? text(facts.key_fingerprint) : Json(nullptr)}};
  if (facts.split) manifest["split"] = *facts.split;
  manifest["files"] = std::move(files);
  return manifest;
}

std::string schema_sha256() {
  std::string all;
  for (const schema::KindInfo& kind : schema::kKindTable) {
    all.append("kind ").append(kind.type).append(" ").append(kind.event_type).append("\n");
    describe(all, kind.fields);
  }
  return Sha256::of(all);
}

}  // namespace arbiter::snapshot

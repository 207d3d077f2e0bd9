#include "collector/snapshot/decisions.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/event_record.hpp"
#include "collector/snapshot/task_join.hpp"

namespace arbiter::snapshot {
namespace {

// Within a task: the order in which TaskJoin wants them. '\0': no part of the join.
char rank_of(Kind kind) {
  switch (kind) {
    case Kind::routing_decision: return '1';
    case Kind::task_start: return '2';
    case Kind::task_execution: return '3';
    case Kind::constitutional_validation:
    case Kind::evaluation_outcome: return '4';
    default: return '\0';
  }
}

// Parts of a row, in this order behind the decision's key.
constexpr char kDecision = '1', kEnding = '2', kLosses = '3';
constexpr std::uint64_t kUnknown = UINT64_MAX;
constexpr std::size_t kSorters = 3;

std::string_view bytes_of(const auto& value) {
  static_assert(std::is_trivially_copyable_v<std::decay_t<decltype(value)>>);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
template <class T>
bool read(std::string_view bytes, T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (bytes.size() != sizeof value) return false;
  std::memcpy(static_cast<void*>(&value), bytes.data(), sizeof value);
  return true;
}

// An event's key (event_record.hpp) without its time, so that a lane's events sort as they were recorded: lane, sequence.
constexpr std::size_t kTimeBytes = 8, kLaneBytes = 20;
std::uint64_t sequence_of(std::string_view key) {
  std::uint64_t sequence = 0;
  for (const char c : key.substr(kLaneBytes)) sequence = sequence << 8 | static_cast<unsigned char>(c);
  return sequence;
}

}  // namespace

Decisions::Decisions(const Place& place, std::size_t sort_memory_bytes, const RewardFormula& formula, std::size_t task_decisions_max)
    : formula_(formula),
      task_decisions_max_(task_decisions_max),
      by_task_(std::make_unique<Sorter>(place, sort_memory_bytes / kSorters)),
      by_lane_(std::make_unique<Sorter>(place, sort_memory_bytes / kSorters)),
      rows_(place, sort_memory_bytes / kSorters) {
  totals_.text_bytes.resize(decision_columns().size());
}
Decisions::~Decisions() = default;

Result<void> Decisions::add(const journal::StoredEvent& e, Side side) {
  const EventKeyBytes key = event_key_bytes(e);
  const bool decision = e.values.kind == Kind::routing_decision;
  if (auto ok = by_lane_->add(view(key).substr(kTimeBytes), decision ? view(key) : std::string_view()); !ok) return ok;
  const char rank = rank_of(e.values.kind);
  const event::Text* task = task_of(e.values);
  if (rank == '\0' || task == nullptr) return {};
  record_.clear();
  append_event_record(record_, e);
  if (decision) {
    ++totals_.rows;
    ++totals_.rows_by_side[static_cast<std::size_t>(side)];
    measured_.set_decision(e);
    measure(measured_);
    key_.assign(view(key));
    key_ += kDecision;
    if (auto ok = rows_.add(key_, record_); !ok) return ok;
  }
  key_.clear();
  append_sortable(key_, task->hashed ? task->shown() : task->bytes());
  key_ += rank;
  key_ += view(key);
  return by_task_->add(key_, record_);
}

void Decisions::measure(const DecisionRow& row) {
  const auto columns = decision_columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].type != ColumnType::text) continue;
    std::size_t& most = totals_.text_bytes[i];
    const std::size_t items = columns[i].list() ? static_cast<std::size_t>(columns[i].get(row).whole) : 0;
    for (std::size_t j = 0; j < items; ++j) most = std::max(most, columns[i].item(row, j).text.size());
    if (!columns[i].list()) most = std::max(most, columns[i].get(row).text.size());
  }
}

Result<DecisionTotals> Decisions::join() {
  if (auto ok = join_tasks(); !ok) return ok.error();
  by_task_.reset();
  if (auto ok = count_losses(); !ok) return ok.error();
  by_lane_.reset();
  return totals_;
}

Result<void> Decisions::join_tasks() {
  TaskJoin task(task_decisions_max_);
  EventRecord record;
  std::string task_key;
  const auto end = [&] {
    return task.end([&](std::string_view key, const Ending& ending) {
      measured_.set_ending(ending, formula_);
      measure(measured_);
      key_.assign(key);
      key_ += kEnding;
      return rows_.add(key_, bytes_of(ending));
    });
  };
  for (;;) {
    std::string_view key, payload;
    const auto more = by_task_->next(key, payload);
    if (!more) return more.error();
    if (!*more) break;
    if (!record.read(payload)) return damaged_while_sorting();
    const std::string_view its_task = key.substr(0, key.size() - kEventKeyBytes - 1);
    if (its_task != task_key) {
      if (auto ok = end(); !ok) return ok;
      task_key = its_task;
    }
    task.add(record.event());
  }
  if (auto ok = end(); !ok) return ok;
  beyond_ = task.beyond();
  return {};
}

Result<void> Decisions::count_losses() {
  std::string lane;
  std::uint64_t before = 0;
  for (;;) {
    std::string_view key, decision;
    const auto more = by_lane_->next(key, decision);
    if (!more) return more.error();
    if (!*more) return {};
    const std::uint64_t sequence = sequence_of(key);
    const bool same = lane == key.substr(0, kLaneBytes);
    const bool known = same || sequence == 1;  // they count from 1: before the first there is nothing to lose
    if (!same) {
      lane = key.substr(0, kLaneBytes);
      before = 0;
    }
    const std::uint64_t missing = known ? sequence - before - 1 : kUnknown;
    before = sequence;
    if (decision.empty() || missing == 0) continue;
    key_.assign(decision);
    key_ += kLosses;
    if (auto ok = rows_.add(key_, bytes_of(missing)); !ok) return ok;
  }
}

Result<void> Decisions::each(const std::function<Result<void>(const DecisionRow&)>& take) {
  DecisionRow row;
  EventRecord record;
  Ending ending;
  std::uint64_t losses = 0;
  bool some = false;
  const auto end = [&]() -> Result<void> {
    if (!some) return {};
    row.set_ending(ending, formula_);
    row.losses_before = losses == kUnknown ? std::nullopt : std::optional(losses);
    return take(row);
  };
  for (;;) {
    std::string_view key, payload;
    const auto more = rows_.next(key, payload);
    if (!more) return more.error();
    if (!*more) return end();
    switch (key.back()) {
      case kDecision:
        if (auto ok = end(); !ok) return ok;
        if (!record.read(payload)) return damaged_while_sorting();
        row.set_decision(record.event());
        ending = {};
        losses = 0;
        some = true;
        break;
      case kEnding:
        if (!read(payload, ending)) return damaged_while_sorting();
        break;
      default:
        if (!read(payload, losses)) return damaged_while_sorting();
        break;
    }
  }
}

}  // namespace arbiter::snapshot

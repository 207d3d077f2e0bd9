#include "collector/snapshot/trajectories.hpp"

#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/event_record.hpp"

namespace arbiter::snapshot {

Result<void> Trajectories::add(const journal::StoredEvent& e) {
  const event::Text* task = task_of(e.values);
  if (task == nullptr) return {};
  key_.clear();
  append_sortable(key_, task->hashed ? task->shown() : task->bytes());
  key_ += view(event_key_bytes(e));
  record_.clear();
  append_event_record(record_, e);
  return sorter_.add(key_, record_);
}

Result<void> Trajectories::each(const Take& take) {
  std::string task_key, text;  // task_key: of the one being written; empty: none is
  Side side = Side::train;     // its
  const auto end = [&]() -> Result<void> {
    if (task_key.empty()) return {};
    text.clear();
    trajectory_.end(text);
    return take(text, side, true);
  };
  EventRecord record;
  for (;;) {
    std::string_view key, payload;
    const auto more = sorter_.next(key, payload);
    if (!more) return more.error();
    if (!*more) return end();
    if (!record.read(payload)) return damaged_while_sorting();
    const journal::StoredEvent e = record.event();
    const std::string_view task = key.substr(0, key.size() - kEventKeyBytes);
    const bool begins = task != task_key;
    if (begins)
      if (auto ok = end(); !ok) return ok;
    text.clear();
    if (begins) {
      task_key = task;
      side = split_.of(e);
      trajectory_.begin(text, *task_of(e.values), e.time_ns);
    }
    trajectory_.add(text, e);
    if (auto ok = take(text, side, false); !ok) return ok;
  }
}

}  // namespace arbiter::snapshot

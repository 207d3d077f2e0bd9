// trajectories.jsonl: one task, one line, in the order of the task ids' bytes as shown.
#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/event_record.hpp"
#include "collector/snapshot/format.hpp"
#include "collector/snapshot/sorter.hpp"
#include "collector/snapshot/trajectory.hpp"

namespace arbiter::snapshot {
namespace {

class Trajectories : public Format {
 public:
  Trajectories(std::string_view name, std::size_t sort_memory_bytes) : name_(name), sort_memory_bytes_(sort_memory_bytes) {}

  Result<void> begin(const std::string& directory) override {
    auto file = OutputFile::create(directory, name_);
    if (!file) return file.error();
    file_ = std::move(*file);
    sorter_ = std::make_unique<Sorter>(directory, sort_memory_bytes_);
    return {};
  }

  Result<void> event(const journal::StoredEvent& e, std::string_view) override {
    const event::Text* task = task_of(e.values);
    if (task == nullptr) return {};
    key_.clear();
    append_sortable(key_, task->hashed ? task->shown() : task->bytes());
    key_ += view(event_key_bytes(e));
    record_.clear();
    append_event_record(record_, e);
    return sorter_->add(key_, record_);
  }

  Result<FileInfo> finish() override {
    std::string task_key;  // of the line being written; empty: none is
    EventRecord record;
    for (;;) {
      std::string_view key, payload;
      const auto more = sorter_->next(key, payload);
      if (!more) return more.error();
      if (!*more) break;
      if (!record.read(payload)) return Error{name_ + ": an event came back damaged from sorting: look at the disk"};
      const journal::StoredEvent e = record.event();
      const std::string_view task = key.substr(0, key.size() - kEventKeyBytes);
      if (task != task_key) {
        if (auto ok = end_line(task_key); !ok) return ok.error();
        task_key = task;
        ++rows_;
        trajectory_.begin(line_, *task_of(e.values), e.time_ns);
      }
      trajectory_.add(line_, e);
      if (auto ok = file_->write(line_); !ok) return ok.error();
      line_.clear();
    }
    if (auto ok = end_line(task_key); !ok) return ok.error();
    sorter_.reset();
    return file_->finish(rows_);
  }

 private:
  Result<void> end_line(const std::string& task_key) {
    if (task_key.empty()) return {};
    trajectory_.end(line_);
    line_ += '\n';
    auto ok = file_->write(line_);
    line_.clear();
    return ok;
  }

  std::string name_;
  std::size_t sort_memory_bytes_;
  std::unique_ptr<OutputFile> file_;
  std::unique_ptr<Sorter> sorter_;
  TrajectoryWriter trajectory_;
  std::uint64_t rows_ = 0;
  std::string key_, record_, line_;
};

}  // namespace

std::unique_ptr<Format> make_trajectories(const FormatInfo& info, std::size_t sort_memory_bytes) {
  return std::make_unique<Trajectories>(info.name, sort_memory_bytes);
}

}  // namespace arbiter::snapshot

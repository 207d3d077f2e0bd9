// events.parquet and decisions.parquet.
//
// events: id, type, timestamp (nanoseconds, UTC), agentId, taskId, traceId, spanId, revision, and data, the JSON text of the exported
// event's `data`. decisions: the columns of decision_row.hpp.
#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/event_json.hpp"
#include "collector/snapshot/format.hpp"
#include "collector/snapshot/parquet_writer.hpp"
#include "collector/snapshot/quality.hpp"

namespace arbiter::snapshot {
namespace {

struct EventRow {
  std::string id, data, agent, task, trace, span;
  std::string_view type;
  std::int64_t time_ns = 0, revision = 0;

  void set(const journal::StoredEvent& e) {
    id = event_id(e.lane, e.values.sequence);
    type = type_of(e.values);
    time_ns = e.time_ns;
    revision = e.revision;
    take(agent, agent_of(e.values));
    take(task, task_of(e.values));
    take(trace, text_at(e.values, schema::find_field(e.values.kind, "traceId")));
    take(span, text_at(e.values, schema::find_field(e.values.kind, "spanId")));
    data.clear();
    append_event_data(data, e.values);
  }

 private:
  static void take(std::string& to, const event::Text* text) {
    to.clear();
    if (text != nullptr) to = text->hashed ? text->shown() : std::string(text->bytes());
  }
};

// No id is empty.
Cell id_cell(const std::string& text) { return text.empty() ? Cell() : Cell::of(std::string_view(text)); }

constexpr Column<EventRow> kEventColumns[] = {
    {"id", ColumnType::text, true, [](const EventRow& r) { return Cell::of(std::string_view(r.id)); }},
    {"type", ColumnType::text, true, [](const EventRow& r) { return Cell::of(r.type); }},
    {"timestamp", ColumnType::time, true, [](const EventRow& r) { return Cell::of(r.time_ns); }},
    {"agentId", ColumnType::text, false, [](const EventRow& r) { return id_cell(r.agent); }},
    {"taskId", ColumnType::text, false, [](const EventRow& r) { return id_cell(r.task); }},
    {"traceId", ColumnType::text, false, [](const EventRow& r) { return id_cell(r.trace); }},
    {"spanId", ColumnType::text, false, [](const EventRow& r) { return id_cell(r.span); }},
    {"revision", ColumnType::whole, true, [](const EventRow& r) { return Cell::of(r.revision); }},
    {"data", ColumnType::text, true, [](const EventRow& r) { return Cell::of(std::string_view(r.data)); }},
};

template <class Row>
class Table : public Format {
 public:
  Table(std::string_view name, std::span<const Column<Row>> columns) : name_(name), columns_(columns) {}

  Result<void> begin(const Place& place) override {
    auto file = OutputFile::create(place, name_);
    if (!file) return file.error();
    writer_ = std::make_unique<parquet::Writer>(std::move(*file), parquet::Writer::specs(columns_));
    return {};
  }
  Result<void> event(const journal::StoredEvent& e, std::string_view) override {
    if constexpr (std::is_same_v<Row, EventRow>) {
      row_.set(e);
      quality_.add(e);
      return writer_->row(columns_, row_);
    }
    return {};
  }
  Result<void> decision(const DecisionRow& row) override {
    if constexpr (std::is_same_v<Row, DecisionRow>) {
      quality_.add(row);
      return writer_->row(columns_, row);
    }
    return {};
  }
  Result<FileInfo> finish() override {
    auto file = writer_->finish();
    if (file) file->quality = quality_.json();
    return file;
  }
  std::uint64_t bytes() const override { return writer_->bytes(); }

 private:
  std::string name_;
  std::span<const Column<Row>> columns_;
  std::unique_ptr<parquet::Writer> writer_;
  Row row_;
  std::conditional_t<std::is_same_v<Row, EventRow>, EventQuality, DecisionQuality> quality_;
};

}  // namespace

std::unique_ptr<Format> make_events_parquet(std::string_view file_name) {
  return std::make_unique<Table<EventRow>>(file_name, std::span<const Column<EventRow>>(kEventColumns));
}
std::unique_ptr<Format> make_decisions_parquet(std::string_view file_name) {
  return std::make_unique<Table<DecisionRow>>(file_name, decision_columns());
}

}  // namespace arbiter::snapshot

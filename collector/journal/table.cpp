#include "collector/journal/table.hpp"

#include "collector/journal/frame.hpp"
#include "collector/journal/summary.hpp"
#include "collector/journal/wire.hpp"

namespace arbiter::journal {
namespace {

void write_closed(Writer& out, const ClosedLanes& c) {
  for (const std::uint64_t n : {c.lanes, c.delivered, c.quarantined, c.rewound, c.attempted, c.in_flight}) out.put(n);
  out.put(c.dropped_by);
  out.put(c.refused_by);
}

ClosedLanes read_closed(Reader& in) {
  ClosedLanes c;
  for (std::uint64_t* n : {&c.lanes, &c.delivered, &c.quarantined, &c.rewound, &c.attempted, &c.in_flight}) *n = in.get<std::uint64_t>();
  c.dropped_by = in.get<decltype(c.dropped_by)>();
  c.refused_by = in.get<decltype(c.refused_by)>();
  return c;
}

}  // namespace

std::string encode_fields(const Table& t) {
  std::string bytes;
  Writer out(bytes);
  out.put(t.last_frame);
  out.put(t.previous_segment);
  out.put(t.previous_end);
  out.put(record_of(t.edge));
  out.put(static_cast<std::uint64_t>(t.eras.size()));
  for (const Era& era : t.eras) {
    out.put(era.first_frame);
    out.put(record_of(era.floor));
  }
  write_totals(out, t.lifetime);
  out.put(t.cleared);
  out.put(t.created_unix_ns);
  out.put(t.collection_started_ns);
  out.put(t.last_updated_ns);
  write_closed(out, t.closed);
  out.put(static_cast<std::uint64_t>(t.lanes.size()));
  for (const auto& [lane, cursor] : t.lanes) out.put(record_of(lane, cursor));
  out.put(static_cast<std::uint64_t>(t.anchors.size()));
  for (const Anchor& a : t.anchors) {
    out.put(a.segment);
    out.put(a.link);
  }
  return bytes;
}

std::optional<Table> decode_fields(std::string_view bytes) {
  Reader in(bytes);
  Table t;
  t.last_frame = in.get<std::uint64_t>();
  t.previous_segment = in.get<std::uint64_t>();
  t.previous_end = in.get<std::uint64_t>();
  t.edge = key_of(in.get<KeyRecord>());
  for (std::uint64_t left = in.get_count(48); left > 0 && in.good(); --left) {
    Era era;
    era.first_frame = in.get<std::uint64_t>();
    era.floor = key_of(in.get<KeyRecord>());
    t.eras.push_back(era);
  }
  t.lifetime = read_totals(in);
  t.cleared = in.get<std::uint64_t>();
  t.created_unix_ns = in.get<std::int64_t>();
  t.collection_started_ns = in.get<std::int64_t>();
  t.last_updated_ns = in.get<std::int64_t>();
  t.closed = read_closed(in);
  const std::uint64_t lanes = in.get_count(sizeof(CursorRecord));
  t.lanes.reserve(lanes);
  for (std::uint64_t left = lanes; left > 0 && in.good(); --left) {
    const auto record = in.get<CursorRecord>();
    t.lanes.emplace_back(lane_of(record.lane), cursor_of(record));
  }
  for (std::uint64_t left = in.get_count(40); left > 0 && in.good(); --left) {
    Anchor a;
    a.segment = in.get<std::uint64_t>();
    a.link = in.get<Link>();
    t.anchors.push_back(a);
  }
  if (!in.good() || in.left() != 0) return std::nullopt;
  return t;
}

}  // namespace arbiter::journal

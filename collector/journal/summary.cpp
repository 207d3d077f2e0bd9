#include "collector/journal/summary.hpp"

namespace arbiter::journal {

void write_totals(Writer& out, const Totals& t) {
  out.put(t.events_by_kind);
  out.put(t.successes);
  out.put(t.joined);
  out.put(t.duration_ns);
  out.put(static_cast<std::uint64_t>(t.generic_by_type.size()));
  for (const auto& [name, n] : t.generic_by_type) {
    out.put_string(name);
    out.put(n);
  }
}

Totals read_totals(Reader& in) {
  Totals t;
  t.events_by_kind = in.get<decltype(t.events_by_kind)>();
  t.successes = in.get<std::uint64_t>();
  t.joined = in.get<std::uint64_t>();
  t.duration_ns = in.get<Int128>();
  for (std::uint64_t left = in.get_count(16); left > 0 && in.good(); --left) {
    const std::string_view name = in.get_string();
    const auto n = in.get<std::uint64_t>();
    if (n != 0) t.generic_by_type[std::string(name)] = n;
  }
  return t;
}

void write_summary(Writer& out, const Summary& s) {
  write_totals(out, s.totals);
  out.put(s.events);
  out.put(static_cast<std::uint64_t>(s.kinds));
  out.put(record_of(s.min_key));
  out.put(record_of(s.max_key));
  out.put(s.min_time_ns);
  out.put(s.max_time_ns);
}

Summary read_summary(Reader& in) {
  Summary s;
  s.totals = read_totals(in);
  s.events = in.get<std::uint64_t>();
  s.kinds = static_cast<std::uint32_t>(in.get<std::uint64_t>());
  s.min_key = key_of(in.get<KeyRecord>());
  s.max_key = key_of(in.get<KeyRecord>());
  s.min_time_ns = in.get<std::int64_t>();
  s.max_time_ns = in.get<std::int64_t>();
  return s;
}

}  // namespace arbiter::journal

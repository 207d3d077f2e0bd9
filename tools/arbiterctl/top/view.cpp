#include "tools/arbiterctl/top/view.hpp"

#include <algorithm>
#include <cwchar>
#include <utility>

#include "tools/arbiterctl/rows.hpp"

namespace arbiter::ctl::top {
namespace {

namespace json = boost::json;

constexpr const char* kEvents = "arbiter_events_recorded_total";

double lost(const Samples& s) {
  return s.sum("arbiter_events_dropped_total") + s.sum("arbiter_events_refused_total") + s.of("arbiter_events_quarantined_total");
}

std::string since(const json::object& status) {
  const auto seconds = real(at(status, "uptimeSeconds"));
  if (!seconds) return "";
  const auto all = static_cast<long long>(*seconds);
  if (all >= 86'400) return printed("up %lldd %lldh", all / 86'400, all / 3600 % 24);
  return printed("up %lld:%02lld:%02lld", all / 3600, all / 60 % 60, all % 60);
}

Colour colour_of_health(const std::string& health) {
  return health == "ok" ? Colour::good : health == "paused" ? Colour::doubtful : Colour::bad;
}

Line first_line(const Shown& shown, int columns) {
  const json::object& status = shown.now->status;
  std::string left = "arbiter " + text(at(status, "version")) + "  pid " + digits(at(status, "pid")) + "  " + since(status);
  std::string right = shown.held ? "held: space goes on" : printed("every %g s  ? help", shown.every_seconds);
  const int room = columns - static_cast<int>(right.size());
  return {{fitted(left, std::max(0, room - 1)) + " ", Colour::heading}, {fitted(right, std::min(columns, static_cast<int>(right.size())))}};
}

// A sentence over as many lines as it takes, broken at spaces: what to do stands at its end.
void sentence(std::vector<Line>& lines, std::string_view head, std::string_view words, Colour colour, int columns) {
  constexpr int lines_max = 4;
  std::size_t room = static_cast<std::size_t>(columns) - std::min(head.size(), static_cast<std::size_t>(columns));
  Line line{{std::string(head), colour}};
  for (int n = 1; n <= lines_max; ++n) {
    std::size_t length = words.size();
    if (length > room && n < lines_max) {
      const std::size_t space = words.rfind(' ', room);
      length = space == words.npos || space == 0 ? room : space;
    }
    line.push_back({fitted(words.substr(0, length), static_cast<int>(room)), head.empty() ? colour : Colour::none});
    lines.push_back(std::exchange(line, {}));
    words.remove_prefix(std::min(words.size(), length));
    if (words.starts_with(' ')) words.remove_prefix(1);
    if (words.empty()) return;
    room = static_cast<std::size_t>(columns);
  }
}

void health(std::vector<Line>& lines, const Shown& shown, int columns) {
  if (!shown.trouble.empty()) return sentence(lines, "", shown.trouble, Colour::bad, columns);
  const std::string health = text(at(shown.now->status, "health"));
  sentence(lines, health + ": ", text(at(shown.now->status, "explanation")), colour_of_health(health), columns);
}

// "label value" after each other, as many as there is room for.
class Figures {
 public:
  Figures(std::string_view label, int columns) : left_(columns - kLabel) { line_.push_back({fitted(label, kLabel), Colour::heading}); }
  void add(const std::string& words, Colour colour = Colour::none) {
    const int needed = static_cast<int>(words.size()) + kBetween;
    if (needed > left_) return;
    line_.push_back({words, colour});
    line_.push_back({std::string(kBetween, ' ')});
    left_ -= needed;
  }
  Line line() { return std::move(line_); }

 private:
  static constexpr int kLabel = 9, kBetween = 3;
  Line line_;
  int left_;
};

Line events(const Shown& shown, int columns) {
  const Samples& m = shown.now->metrics;
  Figures figures("events", columns);
  if (shown.before) {
    figures.add(short_number(rate(*shown.before, *shown.now, [](const Samples& s) { return s.sum(kEvents); })) + "/s");
    constexpr std::array<std::pair<const char*, const char*>, 4> kinds = {{{"routing-decision", "decisions"},
                                                                           {"task-start", "starts"},
                                                                           {"task-execution", "completions"},
                                                                           {"evaluation-outcome", "evaluations"}}};
    const double time = std::chrono::duration<double>(shown.now->at - shown.before->at).count();
    for (const auto& [kind, name] : kinds) {
      const std::string sample = std::string(kEvents) + "{type=\"" + kind + "\"}";
      const double grown = std::max(0.0, m.of(sample) - shown.before->metrics.of(sample));
      figures.add(std::string(name) + " " + short_number(time > 0 ? grown / time : 0));
    }
  }
  return figures.line();
}

Line losses(const Shown& shown, int columns) {
  const Samples& m = shown.now->metrics;
  Figures figures("lost", columns);
  const double growing = shown.before ? rate(*shown.before, *shown.now, lost) : 0;
  figures.add(short_number(growing) + "/s", growing > 0 ? Colour::bad : Colour::good);
  const auto total = [&](const char* word, double number) {
    figures.add(std::string(word) + " " + short_number(number), number > 0 ? Colour::doubtful : Colour::none);
  };
  total("dropped", m.sum("arbiter_events_dropped_total"));
  total("refused", m.sum("arbiter_events_refused_total"));
  total("set aside", m.of("arbiter_events_quarantined_total"));
  if (const double lanes = m.of("arbiter_lanes_unreadable"); lanes > 0) figures.add("unreadable lanes " + short_number(lanes), Colour::bad);
  return figures.line();
}

// What got worse and is not over; nothing where nothing has.
void anomalies(std::vector<Line>& lines, const Shown& shown, int columns) {
  constexpr std::string_view family = "arbiter_anomalies_open{type=\"";
  Figures figures("anomaly", columns);
  double open = 0;
  const auto& samples = shown.now->metrics.all();
  for (auto it = samples.lower_bound(family); it != samples.end() && it->first.starts_with(family); ++it) {
    if (it->second <= 0) continue;
    open += it->second;
    const std::string_view type = std::string_view(it->first).substr(family.size());
    figures.add(std::string(type.substr(0, type.find('"'))) + " " + short_number(it->second), Colour::bad);
  }
  if (open <= 0) return;
  figures.add("arbiterctl anomalies says more");
  lines.push_back(figures.line());
}

Line lanes(const Shown& shown, int columns) {
  const Samples& m = shown.now->metrics;
  Figures figures("lanes", columns);
  figures.add(short_number(m.of("arbiter_lanes")) + " of " + short_number(m.of("arbiter_segments")) + " producers");
  const double fill = m.of("arbiter_lane_fill_ratio_max");
  figures.add(printed("fullest %.0f%%", 100 * fill), fill > 0.8 ? Colour::bad : fill > 0.5 ? Colour::doubtful : Colour::none);
  if (shown.before)
    if (const auto lag = quantile(shown.before->metrics, m, "arbiter_event_lag_seconds", 0.99)) figures.add("lag p99 <= " + seconds(*lag));
  figures.add("open tasks " + short_number(m.of("arbiter_open_executions")));
  return figures.line();
}

Line keeps(const Shown& shown, int columns) {
  const Samples& m = shown.now->metrics;
  Figures figures("keeps", columns);
  figures.add(short_number(m.of("arbiter_events_retained")) + " events");
  figures.add("journal " + bytes(m.of("arbiter_journal_bytes")));
  figures.add("memory " + bytes(m.of("arbiter_memory_bytes{kind=\"anonymous\"}")));
  if (shown.before)
    figures.add(
        printed("cpu %.1f%%", 100 * rate(*shown.before, *shown.now, [](const Samples& s) { return s.of("process_cpu_seconds_total"); })));
  if (const auto age = real(at(shown.now->status, "newestSnapshotAgeSeconds"))) figures.add("snapshot " + printed("%.0f s old", *age));
  return figures.line();
}

Line titles(const Table& table, const Order& order, int columns, bool focused) {
  Line line;
  int left = columns;
  for (std::size_t i = 0; i < table.columns.size() && left > 0; ++i) {
    const bool last = i + 1 == table.columns.size();
    const int width = last ? left : std::min(left, table.columns[i].width + 1);
    std::string name(table.columns[i].name);
    if (i == order.sorted_by) name += order.falling ? " v" : " ^";
    line.push_back({last ? fitted(name, width) : fitted(name, width - 1, true) + " ", Colour::heading, focused});
    left -= width;
  }
  return line;
}

Line cells(const Table& table, const Row& row, int columns) {
  Line line;
  int left = columns;
  for (std::size_t i = 0; i < row.size() && left > 0; ++i) {
    const bool last = i + 1 == row.size();
    const int width = last ? left : std::min(left, table.columns[i].width + 1);
    line.push_back({last ? fitted(row[i].text, width) : fitted(row[i].text, width - 1, true) + " ", row[i].colour});
    left -= width;
  }
  return line;
}

// A table in `height` lines: its title, its columns, its rows.
void table_lines(std::vector<Line>& lines, const Table& table, const std::string& more, Order& order, bool focused, int columns,
                 int height) {
  const auto rows = chosen(table, order);
  const int room = std::max(0, height - 2);
  const std::size_t fit = static_cast<std::size_t>(room);
  order.first = rows.size() <= fit ? 0 : std::min(order.first, rows.size() - fit);
  std::string title = table.title + more + ": " + std::to_string(rows.size());
  if (rows.size() != table.rows.size()) title += " of " + std::to_string(table.rows.size()) + " with \"" + order.filter + "\"";
  if (rows.size() > fit && fit > 0) title += ", from the " + std::to_string(order.first + 1) + ".";
  lines.push_back({{fitted(title, columns), focused ? Colour::heading : Colour::none}});
  if (height < 2) return;
  lines.push_back(titles(table, order, columns, focused));
  for (std::size_t i = order.first; i < std::min(rows.size(), order.first + fit); ++i) lines.push_back(cells(table, *rows[i], columns));
}

void help(std::vector<Line>& lines, int columns) {
  constexpr std::array<const char*, 13> words = {"",
                                                 "  Tab         the other table: agents, producers",
                                                 "  s, S        sort it by the next column, by the one before",
                                                 "  r           turn the order around",
                                                 "  /           show only rows whose last column has what is typed; Enter ends it",
                                                 "  Esc         show all rows again",
                                                 "  up, down, PgUp, PgDn, Home, End   move in the table",
                                                 "  w           agents over the last 5m, 1h, 24h, 7d",
                                                 "  +, -        look more often, less often",
                                                 "  space       hold the picture, and let it go on",
                                                 "  q, Ctrl-C   leave",
                                                 "",
                                                 "  ok: share of runs that succeeded; 95%: its interval; fill: unread share"};
  for (const char* const line : words) lines.push_back({{fitted(line, columns)}});
}

}  // namespace

std::string fitted(std::string_view text, int columns, bool to_the_right) {
  std::string out;
  int taken = 0;
  std::mbstate_t state{};
  for (std::size_t i = 0; i < text.size();) {
    wchar_t wide = 0;
    const std::size_t length = std::mbrtowc(&wide, text.data() + i, text.size() - i, &state);
    const bool whole = length != 0 && length <= text.size() - i;
    const int width = whole ? ::wcwidth(wide) : 1;
    if (taken + std::max(0, width) > columns) break;
    if (!whole) state = {};
    out += whole && width >= 0 ? std::string(text.substr(i, length)) : std::string("?");
    taken += whole && width >= 0 ? width : 1;
    i += whole ? length : 1;
  }
  const std::string room(static_cast<std::size_t>(std::max(0, columns - taken)), ' ');
  return to_the_right ? room + out : out + room;
}

std::vector<Line> view(Shown& shown, int columns, int rows) {
  if (columns < kColumnsMin || rows < kRowsMin)
    return {{{fitted(printed("make this %d x %d", kColumnsMin, kRowsMin), std::max(0, columns))}}};
  std::vector<Line> lines;
  if (!shown.now) return {{{fitted(shown.trouble.empty() ? "asking " + shown.socket : shown.trouble, columns)}}};
  lines.push_back(first_line(shown, columns));
  health(lines, shown, columns);
  lines.push_back(events(shown, columns));
  lines.push_back(losses(shown, columns));
  anomalies(lines, shown, columns);
  lines.push_back(lanes(shown, columns));
  lines.push_back(keeps(shown, columns));
  if (shown.help) {
    help(lines, columns);
  } else {
    const int left = rows - static_cast<int>(lines.size()) - (shown.typing ? 1 : 0);
    constexpr int least = 4;
    const int other = std::max(least, left / 3), focused = left - other;
    const double time = shown.before ? std::chrono::duration<double>(shown.now->at - shown.before->at).count() : 0;
    table_lines(lines, agents_table(shown.agents), " in the last " + shown.window, shown.orders[kAgentsTable], shown.focus == kAgentsTable,
                columns, shown.focus == kAgentsTable ? focused : other);
    while (static_cast<int>(lines.size()) < rows - (shown.typing ? 1 : 0) - (shown.focus == kProducersTable ? focused : other))
      lines.emplace_back();
    table_lines(lines, producers_table(shown.now->status, shown.before ? &shown.before->status : nullptr, time), "",
                shown.orders[kProducersTable], shown.focus == kProducersTable, columns, shown.focus == kProducersTable ? focused : other);
  }
  if (shown.typing) {
    lines.resize(static_cast<std::size_t>(rows) - 1);
    lines.push_back({{fitted("show rows with: " + *shown.typing + "_", columns), Colour::heading}});
  }
  if (static_cast<int>(lines.size()) > rows) lines.resize(static_cast<std::size_t>(rows));
  return lines;
}

}  // namespace arbiter::ctl::top

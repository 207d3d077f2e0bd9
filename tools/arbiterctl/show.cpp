#include "tools/arbiterctl/show.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <span>
#include <vector>

#include "collector/control/json_line.hpp"
#include "tools/arbiterctl/rows.hpp"
#include "tools/arbiterctl/terminal.hpp"

namespace arbiter::ctl {
namespace {

namespace json = boost::json;

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto scaled = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (scaled >= 1024 && unit + 1 < units.size()) scaled /= 1024, ++unit;
  return printed(unit == 0 ? "%.0f %s" : "%.1f %s", scaled, units[unit]);
}

void counts(std::string& out, const json::object& object, std::string_view path) {
  const auto* value = at(object, path);
  if (value == nullptr || !value->is_object()) return;
  for (const auto& [name, count] : value->get_object()) row(out, harmless(name), text(&count));
}

void losses(std::string& out, const json::object& object) {
  const auto* value = at(object, "losses");
  if (value == nullptr || !value->is_object()) return;
  heading(out, "Lost");
  for (const auto& [name, count] : value->get_object()) {
    if (count.is_object()) {
      for (const auto& [reason, number] : count.get_object()) row(out, "  " + harmless(reason), text(&number));
    } else {
      row(out, harmless(name), text(&count), whole(&count).value_or(0) == 0 ? Colour::none : Colour::bad);
    }
  }
}

// What is wrong, since when, and what to do.
void problems(std::string& out, const json::object& status) {
  const auto* list = at(status, "problems");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) return;
  heading(out, "What is wrong");
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) continue;
    const auto& problem = item.get_object();
    const std::string severity = text(at(problem, "severity"));
    row(out, severity, text(at(problem, "what")), severity == "notice" || severity == "paused" ? Colour::doubtful : Colour::bad);
    row(out, "  since", text(at(problem, "since")));
    row(out, "  what to do", text(at(problem, "remedy")));
  }
}

}  // namespace

std::string status_text(const json::object& status) {
  std::string out;
  heading(out, "Collector");
  const std::string health = text(at(status, "health"));
  row(out, "health", health, health == "ok" ? Colour::good : health == "paused" ? Colour::doubtful : Colour::bad);
  static constexpr std::array<Row, 9> collector = {{{"", "explanation"},
                                                    {"version", "version"},
                                                    {"started", "startedAt"},
                                                    {"recording", "enabled"},
                                                    {"anonymising", "anonymizing"},
                                                    {"key", "keyFingerprint"},
                                                    {"lanes directory", "ringDir"},
                                                    {"state directory", "stateDir"},
                                                    {"export directory", "exportDir"}}};
  rows(out, status, collector);
  row(out, "pid", digits(at(status, "pid")));

  problems(out, status);
  heading(out, "Producers");
  static constexpr std::array<Row, 3> producers = {{{"segments", "segments"}, {"lanes", "lanes"}, {"files left alone", "filesLeftAlone"}}};
  rows(out, status, producers);
  if (const auto* list = at(status, "producers"); list != nullptr && list->is_array()) {
    for (const auto& item : list->get_array()) {
      if (!item.is_object()) continue;
      const auto& producer = item.get_object();
      const auto fill = real(at(producer, "fill"));
      std::string value =
          "pid " + digits(at(producer, "pid")) + ", uid " + digits(at(producer, "uid")) + ", lanes " + text(at(producer, "lanes"));
      if (fill) value += printed(", %.0f %% full", 100 * *fill);
      if (text(at(producer, "ended")) == "yes") value += ", ended";
      const bool quarantined = text(at(producer, "quarantined")) == "yes";
      if (quarantined) value += ", quarantined";
      row(out, "  " + text(at(producer, "process")), value, quarantined ? Colour::bad : Colour::none);
    }
  }
  losses(out, status);

  heading(out, "Journal");
  static constexpr std::array<Row, 2> journal = {{{"retained events", "journal.retainedEvents"}, {"segments", "journal.segments"}}};
  rows(out, status, journal);
  if (const auto bytes = whole(at(status, "journal.diskBytes"))) row(out, "on disk", bytes_text(*bytes));
  static constexpr std::array<Row, 2> join = {
      {{"open executions", "join.openExecutions"}, {"waiting completions", "join.waitingCompletions"}}};
  rows(out, status, join);
  for (const auto& [label, path] : {Row{"damaged blocks", "journal.damagedBlocks"}, Row{"failed writes", "journal.writeFailures"},
                                    Row{"failed syncs", "journal.syncFailures"}})
    if (const auto number = whole(at(status, path)); number && *number > 0) row(out, label, grouped(*number), Colour::bad);
  return out;
}

std::string stats_text(const json::object& stats) {
  std::string out;
  heading(out, "Retained");
  static constexpr std::array<Row, 4> totals = {{{"events", "retainedEvents"},
                                                 {"routing decisions", "totalRoutingDecisions"},
                                                 {"task executions", "totalTaskExecutions"},
                                                 {"evaluation outcomes", "totalEvaluationOutcomes"}}};
  rows(out, stats, totals);
  if (const auto rate = real(at(stats, "overallSuccessRate"))) {
    std::string value = printed("%.4f %%", 100 * *rate);
    if (const auto* successes = at(stats, "successes"); successes != nullptr)
      value += " (" + text(successes) + " of " + text(at(stats, "totalTaskExecutions")) + ")";
    row(out, "success rate", value);
  }
  if (const auto mean = real(at(stats, "averageCompletionTimeMs"))) row(out, "mean completion time", printed("%.3f ms", *mean));
  static constexpr std::array<Row, 2> times = {{{"collection started", "collectionStartedAt"}, {"last updated", "lastUpdatedAt"}}};
  rows(out, stats, times);

  heading(out, "By type");
  counts(out, stats, "eventsByType");
  losses(out, stats);

  heading(out, "Since the store was created");
  static constexpr std::array<Row, 5> lifetime = {{{"created", "lifetime.createdAt"},
                                                   {"attempted", "lifetime.attempted"},
                                                   {"events", "lifetime.recordedEvents"},
                                                   {"retained out", "lifetime.retainedOut"},
                                                   {"cleared", "lifetime.cleared"}}};
  rows(out, stats, lifetime);
  return out;
}

std::string event_line(std::string_view event_json) {
  json::error_code error;
  const json::value value = json::parse({event_json.data(), event_json.size()}, error);
  if (error || !value.is_object()) return harmless(event_json);
  const auto& event = value.get_object();
  std::string out = text(at(event, "timestamp"));
  const auto column = [&out](std::string_view word, std::size_t width) {
    out.append("  ").append(word);
    if (word.size() < width) out.append(width - word.size(), ' ');
  };
  column(text(at(event, "type")), 26);
  column(text(at(event, "agentId")), 12);
  column(text(at(event, "taskId")), 12);
  std::string data;
  if (const auto* fields = at(event, "data"); fields != nullptr && fields->is_object()) {
    for (const auto& [name, field] : fields->get_object()) {
      if (name == "agentId" || name == "taskId" || name == "eventType") continue;
      data.append(data.empty() ? "" : " ").append(harmless(name)).append("=").append(harmless(control::json_line(field)));
    }
  }
  column(data, 0);
  return out;
}

std::string task_text(const json::object& task) {
  std::string out;
  heading(out, "Task " + text(at(task, "taskId")));
  static constexpr std::array<Row, 7> head = {{{"type", "taskType"},
                                               {"agent", "agentId"},
                                               {"from", "startTime"},
                                               {"to", "endTime"},
                                               {"steps", "steps"},
                                               {"reward", "reward"},
                                               {"done", "done"}}};
  rows(out, task, head);
  if (const auto* list = at(task, "wentWrong"); list != nullptr && list->is_array() && !list->get_array().empty()) {
    heading(out, "What went wrong");
    for (const auto& item : list->get_array())
      if (item.is_object()) {
        const auto* time = at(item.get_object(), "timestamp");
        row(out, time == nullptr || time->is_null() ? std::string("in all") : text(time), text(at(item.get_object(), "what")), Colour::bad);
      }
  }
  if (const auto* list = at(task, "events"); list != nullptr && list->is_array()) {
    heading(out, "Events");
    for (const auto& event : list->get_array()) out.append("  ").append(event_line(control::json_line(event))).append("\n");
  }
  return out;
}

std::string export_progress_text(const json::object& status) {
  const auto* exporting = at(status, "export");
  if (exporting == nullptr || !exporting->is_object()) return {};
  const auto share = real(at(exporting->get_object(), "share")), left = real(at(exporting->get_object(), "secondsLeft"));
  std::string out = share ? printed(", %.0f %%", 100 * *share) : std::string();
  if (left) out += printed(", about %.0f s left", *left);
  return out;
}

std::string export_path(const json::object& exported) { return text(at(exported, "path")) + "\n"; }

std::string export_text(const json::object& exported) {
  std::string out = text(at(exported, "path")) + "\n";
  if (const auto* manifest = at(exported, "manifest"); manifest != nullptr && manifest->is_object()) {
    const auto* files = at(manifest->get_object(), "files");
    if (files != nullptr && files->is_array()) {
      for (const auto& item : files->get_array()) {
        if (!item.is_object()) continue;
        const auto& file = item.get_object();
        std::string value = text(at(file, "rows")) + " rows";
        if (const auto bytes = whole(at(file, "bytes"))) value += ", " + bytes_text(*bytes);
        row(out, text(at(file, "name")), value);
      }
    }
  }
  return out;
}

std::string config_text(const json::object& config) {
  std::string out;
  for (const auto& [name, value] : config) {
    if (!value.is_object()) {
      out.append(name).append(" = ").append(harmless(control::json_line(value))).append("\n");
      continue;
    }
    for (const auto& [key, item] : value.get_object())
      out.append(name).append(".").append(key).append(" = ").append(harmless(control::json_line(item))).append("\n");
  }
  return out;
}

std::string differing_text(const json::object& differing) {
  std::string out;
  for (const auto& [key, values] : differing) {
    if (!values.is_object()) continue;
    const auto value = [&of_key = values.get_object()](std::string_view which) {
      const auto* const found = at(of_key, which);
      return found == nullptr ? std::string("-") : harmless(control::json_line(*found));
    };
    out.append(harmless(key)).append(" = ").append(value("running")).append("   (default ").append(value("default")).append(")\n");
  }
  return out.empty() ? "everything is as it is by default\n" : out;
}

std::string applied_text(const json::object& applied) {
  const auto names = [&applied](std::string_view list) {
    std::string all;
    if (const auto* value = at(applied, list); value != nullptr && value->is_array())
      for (const auto& name : value->get_array()) all.append(all.empty() ? "" : ", ").append(text(&name));
    return all;
  };
  const std::string now = names("applied"), later = names("needs_restart");
  std::string out;
  if (!now.empty()) out += "changed: " + now + "\n";
  if (!later.empty())
    out += coloured("not changed: ", Colour::doubtful) + later + ": write it in the configuration file and restart the collector\n";
  if (out.empty()) out = "nothing to change: it is so already\n";
  return out;
}

}  // namespace arbiter::ctl

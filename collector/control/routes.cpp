#include "collector/control/routes.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "collector/config/nearest.hpp"
#include "collector/config/table.hpp"
#include "collector/control/json_line.hpp"
#include "collector/control/time_text.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::control {
namespace {

namespace json = boost::json;

Response json_response(const json::object& object) { return {200, "application/json", json_line(object) + "\n", {}}; }

Response from(const Result<json::object>& result) { return result ? json_response(*result) : error_response(result.error()); }

Response done(const Result<void>& result, std::string_view what, bool value = true) {
  return result ? json_response({{what, value}}) : error_response(result.error());
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Error bad(std::string message) { return {std::move(message), 400}; }

service::By by(const Call& call) { return {{"uid", call.peer.uid}, {"pid", call.peer.pid}}; }

// --- reading parameters

Result<bool> flag(const Target& target, std::string_view name, bool fallback) {
  const std::string* text = target.find(name);
  if (text == nullptr) return fallback;
  if (*text == "1" || *text == "true") return true;
  if (*text == "0" || *text == "false") return false;
  return bad(std::string(name) + "=" + *text + ": write 0 or 1");
}

Result<std::optional<std::int64_t>> time(const Target& target, std::string_view name) {
  const std::string* text = target.find(name);
  if (text == nullptr) return std::optional<std::int64_t>();
  const auto ns = parse_time(*text, now_ns());
  if (!ns) return Error{std::string(name) + ": " + ns.error().message, 400};
  return std::optional<std::int64_t>(*ns);
}

Result<std::uint64_t> whole(const std::string& limit) {
  std::uint64_t number = 0;
  const char* const end = limit.data() + limit.size();
  const auto [at, error] = std::from_chars(limit.data(), end, number);
  if (error != std::errc{} || at != end || number == 0) return bad("limit=" + limit + ": write a whole number from 1 up");
  return number;
}

Result<service::EventsQuery> events_query(const Target& target) {
  service::EventsQuery query;
  const auto since = time(target, "since"), until = time(target, "until");
  if (!since) return since.error();
  if (!until) return until.error();
  query.since_ns = *since, query.until_ns = *until;
  const auto text = [&target](std::string_view name) {
    const std::string* value = target.find(name);
    return value == nullptr ? std::string() : *value;
  };
  query.type = text("type"), query.agent = text("agent"), query.task = text("task");
  if (const std::string* limit = target.find("limit")) {
    const auto number = whole(*limit);
    if (!number) return number.error();
    query.limit = *number;
  }
  return query;
}

Result<json::object> body_object(const Call& call) {
  if (call.body.find_first_not_of(" \t\r\n") == std::string::npos) return json::object();
  json::error_code error;
  json::value value = json::parse(call.body, error);
  if (error) return bad("the body is not JSON: " + error.message());
  if (!value.is_object()) return bad("the body is to be one JSON object");
  return std::move(value.get_object());
}

// "time:" in any form people write becomes one that does not depend on when it is read.
Result<std::string> fixed_since(const std::string& since) {
  constexpr std::string_view prefix = "time:";
  using Text = Result<std::string>;
  if (!since.starts_with(prefix)) return Text(boost::system::in_place_value, since);  // the service knows what else there is
  const auto ns = parse_time(std::string_view(since).substr(prefix.size()), now_ns());
  if (!ns) return Error{"since: " + ns.error().message, 400};
  return Text(boost::system::in_place_value, std::string(prefix) + snapshot::time_text_ns(*ns));
}

Result<service::ExportRequest> export_request(const Call& call) {
  const auto body = body_object(call);
  if (!body) return body.error();
  service::ExportRequest request;
  request.by = by(call);
  for (const auto& [name, value] : *body) {
    if (name == "since" && value.is_string()) {
      const auto since = fixed_since(std::string(value.get_string()));
      if (!since) return since.error();
      request.since = *since;
    } else if (name == "formats" && value.is_array()) {
      for (const auto& item : value.get_array()) {
        const auto files = item.is_string() ? config::files_of_format(std::string_view(item.get_string())) : std::vector<std::string>();
        if (files.empty())
          return bad("formats: " + json::serialize(item) + " is none: write some of " +
                     config::allowed_text(*config::find_key("export.formats")));
        for (const auto& file : files)
          if (std::find(request.formats.begin(), request.formats.end(), file) == request.formats.end()) request.formats.push_back(file);
      }
    } else {
      return bad("\"" + std::string(name) +
                 "\" is not understood: write {\"since\": \"time:<when>\" or \"snapshot:<number>\" or \"cursor:<cursor>\", \"formats\": "
                 "[\"jsonl\"]}");
    }
  }
  return request;
}

// --- the answers

Response healthz(service::Service& service, const Call&) {
  const auto status = service.status();  // passes through the drain's thread: a stuck one is not healthy
  return status ? json_response({{"healthy", true}}) : error_response({status.error().message, 503});
}

Response metrics(service::Service& service, const Call&) {
  return {200, "text/plain; version=0.0.4; charset=utf-8", service.metrics(), {}};
}

Response status(service::Service& service, const Call&) { return from(service.status()); }

Response stats(service::Service& service, const Call& call) {
  const auto fresh = flag(call.target, "fresh", true);
  return fresh ? from(service.stats(*fresh)) : error_response(fresh.error());
}

Result<service::ProfilesQuery> profiles_query(const Target& target) {
  const auto text = [&target](std::string_view name) {
    const std::string* value = target.find(name);
    return value == nullptr ? std::string() : *value;
  };
  const auto fresh = flag(target, "fresh", true);
  if (!fresh) return fresh.error();
  return service::ProfilesQuery{text("window"), text("agent"), text("task_type"), *fresh};
}

Response window_stats(service::Service& service, const Call& call) {
  const auto query = profiles_query(call.target);
  return query ? from(service.window_stats(*query)) : error_response(query.error());
}

Response agents(service::Service& service, const Call& call) {
  const auto query = profiles_query(call.target);
  return query ? from(service.agents(*query)) : error_response(query.error());
}

Response agent(service::Service& service, const Call& call) {
  auto query = profiles_query(call.target);
  if (!query) return error_response(query.error());
  query->agent = call.target.path.back();
  return from(service.agents(*query));
}

Response anomalies(service::Service& service, const Call& call) {
  service::AnomaliesQuery query;
  const auto open_only = flag(call.target, "open", false);
  if (!open_only) return error_response(open_only.error());
  query.open_only = *open_only;
  if (const std::string* type = call.target.find("type")) query.type = *type;
  if (const std::string* agent = call.target.find("agent")) query.agent = *agent;
  if (const std::string* limit = call.target.find("limit")) {
    const auto number = whole(*limit);
    if (!number) return error_response(number.error());
    query.limit = *number;
  }
  return from(service.anomalies(query));
}

Result<void> events(service::Service& service, const Call& call, const Line& line) {
  const auto query = events_query(call.target);
  if (!query) return query.error();
  return service.events(*query, line);
}

Response task(service::Service& service, const Call& call) { return from(service.task(call.target.path.back())); }

Response export_snapshot(service::Service& service, const Call& call) {
  const auto request = export_request(call);
  return request ? from(service.export_snapshot(*request)) : error_response(request.error());
}

Response flush(service::Service& service, const Call&) { return done(service.flush(), "flushed"); }
Response pause(service::Service& service, const Call& call) { return done(service.set_enabled(false, by(call)), "enabled", false); }
Response resume(service::Service& service, const Call& call) { return done(service.set_enabled(true, by(call)), "enabled", true); }
Response clear(service::Service& service, const Call& call) { return done(service.clear(by(call)), "cleared"); }
Response config_get(service::Service& service, const Call& call) {
  using service::ConfigShown;
  const std::string* const show = call.target.find("show");
  if (show == nullptr || *show == "running") return from(service.config(ConfigShown::running));
  if (*show == "defaults") return from(service.config(ConfigShown::defaults));
  if (*show == "differing") return from(service.config(ConfigShown::differing));
  return error_response(bad("show=" + *show + ": write running, defaults or differing"));
}

Response config_set(service::Service& service, const Call& call) {
  const auto changes = body_object(call);
  return changes ? from(service.set_config(*changes, by(call))) : error_response(changes.error());
}

constexpr std::array<Route, 17> kRoutes = {{
    {"GET", "/healthz", Access::read, Effort::quick, "", healthz, nullptr},
    {"GET", "/metrics", Access::read, Effort::quick, "", metrics, nullptr},
    {"GET", "/v1/status", Access::read, Effort::quick, "", status, nullptr},
    {"GET", "/v1/stats", Access::read, Effort::heavy, "fresh window agent task_type", window_stats, nullptr, "window agent task_type"},
    {"GET", "/v1/stats", Access::read, Effort::quick, "fresh window agent task_type", stats, nullptr},
    {"GET", "/v1/agents", Access::read, Effort::heavy, "fresh window", agents, nullptr},
    {"GET", "/v1/agents/{id}", Access::read, Effort::heavy, "fresh window", agent, nullptr},
    {"GET", "/v1/anomalies", Access::read, Effort::quick, "type agent open limit", anomalies, nullptr},
    {"GET", "/v1/events", Access::read, Effort::stream, "since until type agent task limit", nullptr, events},
    {"GET", "/v1/tasks/{id}", Access::read, Effort::heavy, "", task, nullptr},
    {"POST", "/v1/export", Access::change, Effort::heavy, "", export_snapshot, nullptr},
    {"POST", "/v1/flush", Access::change, Effort::quick, "", flush, nullptr},
    {"POST", "/v1/pause", Access::change, Effort::quick, "", pause, nullptr},
    {"POST", "/v1/resume", Access::change, Effort::quick, "", resume, nullptr},
    {"GET", "/v1/config", Access::read, Effort::quick, "show", config_get, nullptr},
    {"PATCH", "/v1/config", Access::change, Effort::quick, "", config_set, nullptr},
    {"DELETE", "/v1/data", Access::change, Effort::heavy, "", clear, nullptr},
}};

// --- matching

std::vector<std::string_view> words(std::string_view text, char mark) {
  std::vector<std::string_view> list;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(mark), text.size());
    if (end > 0) list.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return list;
}

bool same_path(const Route& route, const Target& target) {
  const auto segments = words(route.path, '/');
  if (segments.size() != target.path.size()) return false;
  for (std::size_t i = 0; i < segments.size(); ++i)
    if (segments[i] == "{id}" ? target.path[i].empty() : segments[i] != target.path[i]) return false;
  return true;
}

bool meant(const Route& route, const Target& target) {
  const auto any = words(route.only_with, ' ');
  return any.empty() || std::any_of(any.begin(), any.end(), [&](std::string_view name) { return target.find(name) != nullptr; });
}

// Every parameter is one the route knows, and there once.
Result<void> check_parameters(const Route& route, const Target& target) {
  const auto known = words(route.parameters, ' ');
  for (auto at = target.query.begin(); at != target.query.end(); ++at) {
    if (std::find(known.begin(), known.end(), at->first) == known.end()) {
      const auto guess = config::nearest(at->first, known);
      return bad("no such parameter: " + at->first +
                 (guess.empty()
                      ? ": " + std::string(route.path) + (known.empty() ? " takes none" : " takes " + std::string(route.parameters))
                      : ": did you mean " + std::string(guess) + "?"));
    }
    if (std::any_of(target.query.begin(), at, [at](const auto& other) { return other.first == at->first; }))
      return bad("parameter " + at->first + ": is there twice");
  }
  return {};
}

}  // namespace

Response error_response(const Error& error) {
  const bool is_status = error.code >= 400 && error.code < 600;
  return {is_status ? static_cast<unsigned>(error.code) : 500U,
          "application/json",
          json::serialize(json::object{{"error", error.message}}) + "\n",
          {}};
}

std::span<const Route> routes() { return kRoutes; }

Matched match(std::string_view method, std::string_view text) {
  auto target = parse_target(text);
  if (!target) return {nullptr, {}, error_response(target.error())};
  std::string allow;
  for (const Route& route : kRoutes) {
    if (!same_path(route, *target) || !meant(route, *target)) continue;
    if (route.method != method) {
      allow.append(allow.empty() ? "" : ", ").append(route.method);
      continue;
    }
    if (const auto checked = check_parameters(route, *target); !checked) return {nullptr, {}, error_response(checked.error())};
    return {&route, {std::move(*target), {}}, {}};
  }
  if (!allow.empty()) {
    Response refusal = error_response({std::string(method) + " is not for this: use " + allow, 405});
    refusal.allow = allow;
    return {nullptr, {}, std::move(refusal)};
  }
  std::string all;
  for (const Route& route : kRoutes)
    if (route.only_with.empty()) all.append(all.empty() ? "" : ", ").append(route.method).append(" ").append(route.path);
  return {nullptr, {}, error_response({"no such thing here: there are " + all, 404})};
}

}  // namespace arbiter::control

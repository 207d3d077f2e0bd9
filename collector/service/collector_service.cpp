#include "collector/service/collector_service.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "collector/config/change.hpp"
#include "collector/config/print.hpp"
#include "collector/config/table.hpp"
#include "collector/log/log.hpp"
#include "collector/service/asked.hpp"
#include "collector/service/report.hpp"
#include "collector/snapshot/format.hpp"
#include "collector/snapshot/query.hpp"
#include "collector/snapshot/time_text.hpp"
#include "collector/thread.hpp"

namespace arbiter::service {
namespace {

namespace json = boost::json;

constexpr auto kCompletionsEvery = std::chrono::seconds(1);

snapshot::RewardFormula formula_of(const config::Config& config) {
  const auto& r = config.reward;
  return {{r.success, r.quality, r.efficiency, r.evaluation, r.compliance, r.latency, r.tokens},
          r.evaluation_scale,
          r.latency_scale.count(),
          r.tokens_scale};
}

// Where an export is to begin.
struct Since {
  std::optional<std::int64_t> time_ns;
  snapshot::Following following;
  bool given = false;
};

Result<Since> since_of(const std::string& text) {
  Since since;
  if (text.empty()) return since;
  since.given = true;
  const auto after = [&text](std::string_view word) {
    return text.starts_with(word) ? std::optional(std::string_view(text).substr(word.size())) : std::nullopt;
  };
  if (const auto time = after("time:")) since.time_ns = snapshot::parse_time_or_ms(*time);
  if (const auto cursor = after("cursor:")) since.following.cursor = journal::ViewCursor::parse(*cursor);
  if (const auto digits = after("snapshot:")) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), number);
    if (!digits->empty() && error == std::errc() && end == digits->data() + digits->size()) since.following.snapshot = number;
  }
  if (since.time_ns || since.following.cursor || since.following.snapshot) return since;
  return Error{"since " + text +
                   ": write time: and an RFC 3339 time or Unix milliseconds (time:2026-11-23T06:40:00Z), snapshot: and its number "
                   "(snapshot:7), or cursor: and a manifest's range.toCursor",
               400};
}

// What is asked for in so many words is made, or refused.
Result<void> check_formats(const std::vector<std::string>& asked, const Since& since) {
  if (!since.following.snapshot && !since.following.cursor) return {};
  for (const std::string& name : asked)
    if (const auto* format = snapshot::find_format(name); format != nullptr && format->rows != snapshot::Rows::events)
      return Error{name + " is not made of what has changed: a task's rows take all its events: leave since out, or ask for jsonl", 400};
  return {};
}

// When the newest snapshot was published; 0: there is none.
std::int64_t newest_published_ns(const std::string& export_dir) {
  struct stat manifest {};
  if (stat((export_dir + "/latest/manifest.json").c_str(), &manifest) != 0) return 0;
  return manifest.st_mtim.tv_sec * 1'000'000'000 + manifest.st_mtim.tv_nsec;
}

std::int64_t steady_now_ns() { return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

// Of the export that is under way: share done, and seconds that are left if it goes on like that; null where there is none.
json::value progress_json(const snapshot::Progress& progress, std::int64_t ran_ns) {
  if (progress.stages.load(std::memory_order_relaxed) == 0) return nullptr;
  const double share = progress.share(), seconds = static_cast<double>(ran_ns) / 1e9;
  return {{"share", share},
          {"seconds", seconds},
          {"secondsLeft", share > 0 ? json::value(seconds * (1 - share) / share) : json::value(nullptr)}};
}

// What the audit says of an export (audit.hpp).
json::object audit_line(const ExportRequest& request, const Result<snapshot::Published>& made) {
  json::array formats;
  for (const std::string& format : request.formats) formats.emplace_back(format);
  json::object line{
      {"action", "export"},
      {"by", request.by},
      {"asked", {{"since", request.since.empty() ? json::value(nullptr) : json::value(request.since)}, {"formats", std::move(formats)}}},
      {"outcome", made ? "published" : "failed"}};
  if (!made) {
    line["error"] = made.error().message;
    return line;
  }
  json::array files;
  std::uint64_t bytes = 0;
  for (const json::value& file : made->manifest.at("files").as_array()) {
    files.push_back({{"name", file.at("name")}, {"rows", file.at("rows")}, {"bytes", file.at("bytes")}});
    bytes += file.at("bytes").to_number<std::uint64_t>();
  }
  line["snapshot"] = made->number;
  line["path"] = made->path;
  line["range"] = made->manifest.at("range");
  line["events"] = made->manifest.at("events").at("total");
  line["bytes"] = bytes;
  line["files"] = std::move(files);
  return line;
}

aggregate::Follower::Options follower_options(const config::Config& config, const crypt::Keyring& keys) {
  aggregate::Follower::Options options;
  options.keys = keys;
  options.checkpoint = config.state_dir + "/figures";
  options.agents_max = config.limits.max_agents;
  options.orphans_max = config.limits.max_open_executions;
  options.keep = std::max(options.keep, Windows::longest(config));
  return options;
}

}  // namespace

CollectorService::CollectorService(Engine& engine, config::Options options)
    : engine_(engine),
      options_(std::move(options)),
      audit_(engine.config().state_dir),
      follower_(source(), follower_options(engine.config(), engine.keys())),
      windows_(engine, follower_, engine.config()),
      anomalies_(engine, follower_) {
  // Who wants neither pays for neither.
  if (Windows::longest(engine.config()).count() != 0 || engine.config().anomalies.enabled) follower_.add(anomalies_.detector());
  anomalies_.configure(engine.config());
}

aggregate::Follower::Source CollectorService::source() {
  return {[this] { return engine_.committed(); },
          [this](std::uint64_t frame) {
            return engine_.mailbox().ask([this, frame]() -> Result<journal::Increment> { return engine_.journal().since(frame); });
          },
          [this](std::uint64_t frame) { return engine_.durable(frame); },
          [this] {
            return aggregate::Follower::Times{engine_.lately_ns(), engine_.lately_kept_ns()};
          },
          [](const std::string& problem) { log::warning("aggregate", "{}", problem); }};
}

std::int64_t CollectorService::unix_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

CollectorService::~CollectorService() { stop(); }

void CollectorService::start() {
  if (auto cleaned = snapshot::clean_up(engine_.config().export_dir); !cleaned) log::warning("snapshot", "{}", cleaned.error().message);
  {
    const std::lock_guard lock(mutex_);
    exports_.newest_unix_ns = newest_published_ns(engine_.config().export_dir);
    configuration_.taken_unix_ns = unix_now_ns();
  }
  anomalies_.start();
  follower_.load();
  follower_.start();
  exporter_ = std::jthread([this](const std::stop_token& stopping) {
    begin_thread("export", Urgency::whenever);
    export_loop(stopping);
  });
}

void CollectorService::stop() {
  stopping_ = true;
  if (exporter_.joinable()) {
    exporter_.request_stop();
    exporter_.join();
  }
  follower_.stop();
}

void CollectorService::finish() {
  follower_.finish([this](std::uint64_t frame) { return engine_.journal().since(frame); });
  anomalies_.stop();
}

Result<json::object> CollectorService::status() {
  struct Found {
    std::vector<Problem> problems;
    json::object status;
    std::int64_t now_ns;
  };
  auto found = engine_.mailbox().ask([this]() -> Result<Found> {
    return Found{engine_.health().problems(), status_json(engine_), engine_.timeline().now_ns()};
  });
  if (!found) return found.error();
  json::value figures = windows_.status();
  const std::lock_guard lock(mutex_);
  if (!not_exported_.empty())
    found->problems.push_back({Severity::degraded, "the last export failed (" + not_exported_ + ")",
                               "mend that; the next one has everything", exports_.failing_since_ns});
  if (!configuration_.last_taken)
    found->problems.push_back({Severity::degraded, "the configuration file was refused: an older configuration is in force",
                               "arbiter-collector --check-config names the line; then SIGHUP", configuration_.refused_unix_ns});
  json::object status = health_json(std::move(found->problems), found->now_ns);
  for (auto& [name, value] : found->status) status[name] = std::move(value);
  if (exports_.newest_unix_ns != 0) status["newestSnapshotAgeSeconds"] = static_cast<double>(unix_now_ns() - exports_.newest_unix_ns) / 1e9;
  status["figures"] = std::move(figures);
  status["export"] = progress_json(progress_, steady_now_ns() - export_began_ns_.load(std::memory_order_relaxed));
  return status;
}

Result<json::object> CollectorService::stats(bool fresh) {
  return engine_.mailbox().ask([this, fresh]() -> Result<json::object> {
    if (fresh) {
      if (auto taken = engine_.catch_up(); !taken) return taken.error();
    } else {
      engine_.journal().retain(engine_.timeline().retention_now_ns());
    }
    return stats_json(engine_.journal().statistics(), losses(engine_.journal()));
  });
}

Result<CollectorService::Picture> CollectorService::picture() {
  return engine_.mailbox().ask([this]() -> Result<Picture> {
    if (auto taken = engine_.catch_up(); !taken) return taken.error();
    Picture picture{engine_.journal().view(), {}, engine_.config(), engine_.drain().counts().completions, engine_.timeline().now_ns()};
    picture.stats = stats_json(picture.view->statistics(), losses(engine_.journal()));
    return picture;
  });
}

Result<void> CollectorService::events(const EventsQuery& query, const std::function<bool(std::string_view)>& line) {
  auto now = picture();
  if (!now) return now.error();
  Asked agent, task;
  ask_for(agent, engine_.anonymizer(), query.agent, schema::Subject::agent);
  ask_for(task, engine_.anonymizer(), query.task, schema::Subject::task);
  return snapshot::query_events(*now->view, {query.since_ns, query.until_ns, query.type, agent.text, task.text}, query.limit, line);
}

Result<json::object> CollectorService::window_stats(const ProfilesQuery& query) { return windows_.stats(query); }

Result<json::object> CollectorService::agents(const ProfilesQuery& query) { return windows_.agents(query); }

Result<json::object> CollectorService::anomalies(const AnomaliesQuery& query) {
  if (!query.type.empty() && std::find(std::begin(detect::kTypes), std::end(detect::kTypes), query.type) == std::end(detect::kTypes)) {
    std::string all;
    for (const std::string_view type : detect::kTypes) all.append(all.empty() ? "" : ", ").append(type);
    return Error{"type " + query.type + ": write one of " + all, 400};
  }
  Asked agent;
  ask_for(agent, engine_.anonymizer(), query.agent, schema::Subject::agent);
  return anomalies_.json({query.type, agent.text ? agent.text->shown() : std::string(), query.open_only, query.limit});
}

Result<json::object> CollectorService::task(std::string_view task_id) {
  auto now = picture();
  if (!now) return now.error();
  Asked task;
  ask_for(task, engine_.anonymizer(), task_id, schema::Subject::task);
  if (!task.text) return Error{"an empty task id", 400};
  auto story = snapshot::task_story(*now->view, *task.text, formula_of(now->config));
  if (!story) return story.error();
  if (!*story) return Error{"no event of task " + std::string(task_id) + " is retained", 404};
  return std::move(**story);
}

Result<json::object> CollectorService::export_snapshot(const ExportRequest& request) {
  auto since = since_of(request.since);
  if (!since) return since.error();
  if (auto ok = check_formats(request.formats, *since); !ok) return ok.error();
  const std::lock_guard one_at_a_time(exporting_);
  if (stopping_) return Error{"the collector is stopping", 503};
  auto now = picture();
  if (!now) return now.error();
  snapshot::ExportOptions options;
  // A cursor that a power cut takes back would let the next increment miss what then comes under the same frame numbers.
  options.durable = engine_.journal().reach(now->view->reach().frame);
  if (!options.durable && (since->following.snapshot || since->following.cursor))
    return Error{"the journal cannot be synced, so that no increment can be made: look at the disk; a full snapshot can be made", 503};
  options.directory = now->config.export_dir;
  options.formats = request.formats.empty() ? now->config.export_.formats : request.formats;
  options.since_ns = since->time_ns;
  options.following = since->following;
  if (request.configured && options.durable) options.following.increments = now->config.export_.increments.value_or(0);
  options.keep = now->config.export_.keep;
  options.max_age = now->config.export_.max_age;
  options.reward = formula_of(now->config);
  const auto& e = now->config.export_;
  options.split = {e.validation_percent.value_or(0), e.split_seed, e.validation_age};
  options.file_bytes = e.file_bytes;
  options.key_fingerprint = engine_.key_fingerprint();
  options.cipher = engine_.keys().writing();
  options.stats = std::move(now->stats);
  if (!since->given) exported_completions_ = now->completions;  // also when it fails: the next try is not at once
  options.progress = &progress_;
  const std::int64_t began_ns = steady_now_ns();
  export_began_ns_.store(began_ns, std::memory_order_relaxed);
  // On a thread that gives way to the drain, whoever asks.
  Result<snapshot::Published> made = Error{"no thread could be begun"};
  std::jthread([&] {
    begin_thread("export", Urgency::whenever);
    made = snapshot::publish(*now->view, options);
  }).join();
  progress_.end();
  note_export(made, began_ns);
  note(audit_line(request, made));
  if (!made) return made.error();
  log::info("snapshot", "published {}", made->path);
  return json::object{{"path", made->path}, {"number", made->number}, {"manifest", std::move(made->manifest)}};
}

void CollectorService::note_export(const Result<snapshot::Published>& made, std::int64_t began_ns) {
  // A request that was wrong says nothing of the state of things.
  if (!made && made.error().code >= 400 && made.error().code < 500) return;
  const std::lock_guard lock(mutex_);
  not_exported_ = made ? std::string() : made.error().message;
  if (!made && !exports_.last_failed) exports_.failing_since_ns = unix_now_ns();
  exports_.last_failed = !made;
  if (!made) {
    ++exports_.failed;
    return;
  }
  ++exports_.published;
  exports_.duration_ns.add(static_cast<std::uint64_t>(steady_now_ns() - began_ns));
  exports_.newest_unix_ns = unix_now_ns();
  exports_.newest_events = made->manifest.at("events").at("total").to_number<std::uint64_t>();
  exports_.newest_bytes = 0;
  for (const json::value& file : made->manifest.at("files").as_array())
    exports_.newest_bytes += file.at("bytes").to_number<std::uint64_t>();
}

Result<void> CollectorService::flush() {
  return engine_.mailbox().ask([this] { return engine_.catch_up(); });
}

Result<void> CollectorService::set_enabled(bool enabled, const By& by) {
  auto set = engine_.mailbox().ask([this, enabled]() -> Result<void> {
    auto done = engine_.set_paused(!enabled);
    if (done) log::info("control", "recording {}", enabled ? "resumed" : "paused");
    return done;
  });
  note_change(enabled ? "resume" : "pause", by, set);
  return set;
}

Result<void> CollectorService::clear(const By& by) {
  auto cleared = engine_.mailbox().ask([this]() -> Result<void> {
    auto done = engine_.clear();
    if (done) log::warning("control", "every retained event was cleared");
    return done;
  });
  note_change("clear", by, cleared);
  return cleared;
}

void CollectorService::note(json::object line) {
  if (const auto noted = audit_.add(line); !noted)
    log::error("audit", "{}: \"{}\" is not in it", noted.error().message, std::string_view(line.at("action").as_string()));
}

void CollectorService::note_change(std::string_view action, const By& by, const Result<void>& made) {
  json::object line{{"action", action}, {"by", by}, {"outcome", made ? "done" : "failed"}};
  if (!made) line["error"] = made.error().message;
  note(std::move(line));
}

std::string CollectorService::metrics() {
  auto text = engine_.mailbox().ask([this]() -> Result<std::string> { return {boost::system::in_place_value, metrics_text(engine_)}; });
  if (!text) return {};
  const std::string of_agents = windows_.metrics();
  const Anomalies::Figures anomalies = anomalies_.figures();
  const std::lock_guard lock(mutex_);
  return *text + metrics_text(exports_, configuration_) + of_agents + metrics_text(anomalies);
}

void CollectorService::look_again() {
  {
    const std::lock_guard lock(mutex_);
    look_again_ = true;
  }
  wake_.notify_all();
}

void CollectorService::export_soon() {
  {
    const std::lock_guard lock(mutex_);
    soon_ = true;
  }
  wake_.notify_all();
}

void CollectorService::export_loop(const std::stop_token& stopping) {
  using Clock = std::chrono::steady_clock;
  struct Wanted {
    std::optional<config::Duration> interval;
    std::optional<std::uint64_t> completions;
    std::uint64_t completed = 0;  // since the collector started
  };
  const auto look = [this] {
    auto wanted = engine_.mailbox().ask([this]() -> Result<Wanted> {
      const auto& asked = engine_.config().export_;
      return Wanted{asked.interval, asked.after_completions, engine_.drain().counts().completions};
    });
    return wanted ? *wanted : Wanted{};
  };
  Clock::time_point last = Clock::now();
  while (!stopping.stop_requested()) {
    const Wanted wanted = look();
    // What asks for one now; null: nothing.
    const auto due = [&]() -> const char* {
      if (wanted.interval && Clock::now() >= last + *wanted.interval) return "interval";
      return wanted.completions && wanted.completed >= exported_completions_ + *wanted.completions ? "completions" : nullptr;
    };
    const char* trigger;
    {
      std::unique_lock lock(mutex_);
      const auto called = [this] { return soon_ || look_again_; };
      std::optional<Clock::time_point> until;
      if (wanted.interval) until = last + *wanted.interval;
      if (wanted.completions) until = std::min(until.value_or(Clock::time_point::max()), Clock::now() + kCompletionsEvery);
      if (until && due() == nullptr)
        wake_.wait_until(lock, stopping, *until, called);
      else if (!until)
        wake_.wait(lock, stopping, called);
      look_again_ = false;
      if (stopping.stop_requested()) return;
      trigger = std::exchange(soon_, false) ? "SIGUSR1" : due();
      if (trigger == nullptr) continue;
    }
    last = Clock::now();
    if (auto made = export_snapshot({.by = {{"trigger", trigger}}, .configured = true}); !made)
      log::error("snapshot", "{}", made.error().message);
  }
}

}  // namespace arbiter::service

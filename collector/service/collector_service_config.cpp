// What the service does with its configuration: shows it, and takes over another one.
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "collector/config/change.hpp"
#include "collector/config/load.hpp"
#include "collector/config/places.hpp"
#include "collector/config/print.hpp"
#include "collector/config/table.hpp"
#include "collector/log/log.hpp"
#include "collector/service/collector_service.hpp"

namespace arbiter::service {

namespace json = boost::json;

Result<json::object> CollectorService::config(ConfigShown which) {
  auto running = engine_.mailbox().ask([this]() -> Result<config::Config> { return engine_.config(); });
  if (!running) return running.error();
  if (which == ConfigShown::running) return config::json_of(*running);
  const auto places = config::places(config::surroundings(), options_.instance);
  if (!places) return places.error();
  config::Config defaults;
  config::fill(defaults, *places);
  if (which == ConfigShown::defaults) return config::json_of(defaults);
  json::object differing;
  for (const config::Key& key : config::keys())
    if (const auto has = key.get(key, *running), by_default = key.get(key, defaults); has != by_default)
      differing[key.path] = {{"running", config::json_of(key, has)}, {"default", config::json_of(key, by_default)}};
  return differing;
}

Result<json::object> CollectorService::take_over(const std::function<Result<config::Config>(const config::Config&)>& wanted,
                                                 std::string_view action, const By& by) {
  json::array changed;
  std::optional<config::Config> in_force;
  auto taken = engine_.mailbox().ask([&]() -> Result<json::object> {
    config::Config running = engine_.config();
    auto next = wanted(running);
    if (!next) return Error{next.error().message, 400};
    const auto changes = config::difference(running, *next);
    const config::Applied applied = config::apply(running, *next);
    engine_.configure(running);
    in_force = running;
    if (applied.has("log.level") || applied.has("log.format")) log::start(running.log.level, running.log.format);
    for (const config::Change& change : changes) {
      log::info("config", "{}: {} from {} to {}{}", action, change.key, change.from, change.to, change.live ? "" : ": takes a restart");
      changed.push_back(
          {{"key", change.key}, {"from", json::parse(change.from)}, {"to", json::parse(change.to)}, {"applied", change.live}});
    }
    {
      const std::lock_guard lock(mutex_);
      configuration_.taken_unix_ns = unix_now_ns();
    }
    look_again();
    return config::json_of(applied);
  });
  if (in_force) anomalies_.configure(*in_force);  // which may wait for the follower: not on the drain's thread
  json::object line{{"action", action}, {"by", by}, {"outcome", taken ? "done" : "failed"}};
  if (taken)
    line["changes"] = std::move(changed);
  else
    line["error"] = taken.error().message;
  note(std::move(line));
  return taken;
}

Result<json::object> CollectorService::set_config(const json::object& changes, const By& by) {
  return take_over([&](const config::Config& running) { return config::merged(running, changes); }, "config set", by);
}

void CollectorService::reload() {
  const By by{{"trigger", "SIGHUP"}};
  auto loaded = config::load(options_, config::surroundings());
  if (!loaded) {
    log::error("config", "{}: the running configuration stays as it is", loaded.error().message);
    note_change("reload", by, loaded.error());
    const std::lock_guard lock(mutex_);
    if (std::exchange(configuration_.last_taken, false)) configuration_.refused_unix_ns = unix_now_ns();
    return;
  }
  const auto taken = take_over([&](const config::Config&) -> Result<config::Config> { return loaded->config; }, "reload", by);
  if (!taken) return;  // stopping
  log::info("config", "{} is in force", loaded->file.empty() ? "the default configuration" : loaded->file);
  const std::lock_guard lock(mutex_);
  configuration_.last_taken = true;
  configuration_.waiting_for_restart = taken->at("needs_restart").as_array().size();
}

}  // namespace arbiter::service

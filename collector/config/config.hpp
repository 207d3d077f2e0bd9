// The configuration: what the keys mean lives in table.cpp (names, defaults, ranges, help), the values live here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/result.hpp"

namespace arbiter::config {

using Duration = std::chrono::nanoseconds;

enum class FreeText : std::uint8_t { keep, hash, drop };
enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class DetectorKind : std::uint8_t { sequential, threshold };
enum class LogFormat : std::uint8_t { automatic, text, json, journald };

struct Config {
  bool enabled = true;
  std::string ring_dir, state_dir, export_dir, socket;  // filled in by defaults for who runs it (places.hpp)
  std::string listen;                                   // "127.0.0.1:9464": reading over TCP as well; empty: not
  struct {
    std::optional<Duration> max_age = std::chrono::hours(24 * 7);
    std::optional<std::uint64_t> max_events;
    std::optional<std::uint64_t> max_bytes = 4ULL << 30;
  } retention;
  struct {
    std::uint64_t segment_bytes = 64ULL << 20;
    std::string sync = "100ms";  // "never", "always" (every frame), or an interval
  } journal;
  struct {
    bool enabled = true;
    std::string key_file;  // default <state_dir>/anonymization.key
    bool preserve_agent_ids = false;
    bool preserve_task_types = true;
    FreeText free_text = FreeText::drop;
  } anonymization;
  struct {
    std::string key_file, former_key_file;  // empty: nothing is encrypted; no former one
  } encryption;
  struct {
    std::optional<Duration> interval = std::chrono::minutes(15);
    std::optional<std::uint64_t> validation_percent;
    std::uint64_t split_seed = 0;
    std::optional<std::chrono::nanoseconds> validation_age;
    std::optional<std::uint64_t> file_bytes;
    std::optional<std::uint64_t> after_completions;
    std::vector<std::string> formats = {"events.jsonl.zst", "trajectories.jsonl.zst"};
    std::optional<std::uint64_t> increments;
    std::optional<std::uint64_t> keep = 24;
    std::optional<Duration> max_age;
  } export_;
  struct {
    // Weights; all 0: the evaluation's score where there is one, else success (snapshot/reward.hpp).
    std::uint64_t success = 0, quality = 0, efficiency = 0, evaluation = 0, compliance = 0, latency = 0, tokens = 0;
    std::uint64_t evaluation_scale = 1;
    Duration latency_scale = std::chrono::minutes(1);
    std::uint64_t tokens_scale = 10'000;
  } reward;
  std::vector<std::string> windows = {"5m/1m", "1h/15m", "24h/4h", "7d/1d"};  // windows.hpp
  struct {
    std::uint64_t max_agents = 10'000;
    std::uint64_t max_open_executions = 100'000;
    std::uint64_t max_producers = 10'000;
  } limits;
  struct {
    bool enabled = true;
    DetectorKind detector = DetectorKind::sequential;
    std::uint64_t false_alarms_per_month = 1;
    std::string hook, alertmanager;  // empty: none
    Duration hook_timeout = std::chrono::seconds(10);
    // Of the threshold detector:
    std::uint64_t latency_percent = 200, accuracy_points = 15, error_points = 10, compliance_points = 10;
    Duration latency_critical = std::chrono::seconds(5);
  } anomalies;
  struct {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::automatic;
  } log;
};

}  // namespace arbiter::config

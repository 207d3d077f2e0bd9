// The collector's answers as people read them.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace arbiter::ctl {

std::string status_text(const boost::json::object& status);
std::string stats_text(const boost::json::object& stats);
std::string profile_text(const boost::json::object& profile);  // of an agent, or of all in a window
std::string agents_text(const boost::json::object& agents);
std::string anomalies_text(const boost::json::object& anomalies);
std::string task_text(const boost::json::object& task);
std::string event_line(std::string_view event_json);  // one exported event; without its end
// ", 42 %, about 7 s left", of the export that a status says is under way; empty where none is.
std::string export_progress_text(const boost::json::object& status);
std::string export_path(const boost::json::object& exported);
std::string export_text(const boost::json::object& exported);
std::string config_text(const boost::json::object& config);
std::string differing_text(const boost::json::object& differing);  // of config get --diff
std::string applied_text(const boost::json::object& applied);

}  // namespace arbiter::ctl

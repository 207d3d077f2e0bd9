// Tells an Alertmanager (API v2) of anomalies, over loopback or a Unix socket: nothing else is asked, no proxy, no name server.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>

#include "collector/config/alertmanager.hpp"
#include "collector/detect/anomaly.hpp"
#include "shm/result.hpp"

namespace arbiter::service {

// As its API wants one: labels by which it is grouped and silenced, annotations for whoever reads it.
boost::json::object alert_of(const detect::Anomaly& anomaly);

// Waits at most `limit`. Error: it cannot be reached, or did not take them.
Result<void> post_alerts(const config::AlertmanagerPlace& place, const boost::json::array& alerts, std::chrono::milliseconds limit);

}  // namespace arbiter::service

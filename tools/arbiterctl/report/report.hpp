// What `arbiterctl report` says of a window: how everybody did, by time; the agents beside each other; what got worse meanwhile. One JSON
// document, from which the text and the page are made.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

#include "tools/arbiterctl/client.hpp"

namespace arbiter::ctl {

// {window, from, asOf, completeFrom, everybody, agents, anomalies}: the answers of /v1/stats and /v1/agents over the window, and the
// anomalies that were open at some time in it.
Result<boost::json::object> report(client::Client& collector, const client::ProfilesFilter& asked);

std::string report_text(const boost::json::object& report);

// One HTML file that needs no other and asks for none. `plots`: the script that draws (plots_script); empty: tables only.
std::string report_page(const boost::json::object& report, std::string_view plots);

// Beside the programs, as it is built and installed: ../share/arbiter/report-plots.js. Empty: built without npm.
std::string plots_script();

}  // namespace arbiter::ctl

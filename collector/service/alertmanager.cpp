#include "collector/service/alertmanager.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/serialize.hpp>

#include "collector/snapshot/time_text.hpp"

namespace arbiter::service {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
using beast::error_code;

constexpr std::size_t kAnswerBytesMax = 64 << 10;

// One request and its answer, on this thread.
template <class Protocol>
Result<unsigned> exchange(const typename Protocol::endpoint& where, const http::request<http::string_body>& request,
                          std::chrono::milliseconds limit) {
  asio::io_context context;
  beast::basic_stream<Protocol, asio::io_context::executor_type> stream(context.get_executor());
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> answer;
  answer.body_limit(kAnswerBytesMax);
  error_code outcome = asio::error::timed_out;
  stream.expires_after(limit);
  stream.async_connect(where, [&](error_code connected) {
    if (connected) return void(outcome = connected);
    http::async_write(stream, request, [&](error_code written, std::size_t) {
      if (written) return void(outcome = written);
      http::async_read(stream, buffer, answer, [&](error_code read, std::size_t) { outcome = read; });
    });
  });
  context.run_for(limit);
  if (outcome) return Error{outcome == beast::error::timeout ? "no answer in time" : outcome.message(), outcome.value()};
  return answer.get().result_int();
}

}  // namespace

json::object alert_of(const detect::Anomaly& a) {
  json::object labels{{"alertname", "Arbiter_" + std::string(name_of(a.type))}, {"severity", name_of(a.severity)}, {"anomaly", a.id}};
  if (!a.agent.empty()) labels["agent"] = a.agent;
  if (!a.task_type.empty()) labels["task_type"] = a.task_type;
  json::object annotations{{"summary", a.summary}};
  if (!a.causes.empty()) {
    std::string causes;
    for (const detect::Cause& c : a.causes)
      causes += (causes.empty() ? "" : ", ") + c.kind + " " + c.value + " (" + std::to_string(static_cast<int>(100 * c.explained)) + " %)";
    annotations["likely_causes"] = causes;
  }
  json::object alert{
      {"labels", std::move(labels)}, {"annotations", std::move(annotations)}, {"startsAt", snapshot::time_text(a.detected_ns)}};
  if (!a.open()) alert["endsAt"] = snapshot::time_text(a.resolved_ns);
  return alert;
}

Result<void> post_alerts(const config::AlertmanagerPlace& place, const json::array& alerts, std::chrono::milliseconds limit) {
  http::request<http::string_body> request{http::verb::post, place.prefix + "/api/v2/alerts", 11};
  request.set(http::field::host, place.unix_path.empty() ? place.address : "localhost");
  request.set(http::field::content_type, "application/json");
  request.set(http::field::connection, "close");
  request.body() = json::serialize(alerts);
  request.prepare_payload();
  const auto status = place.unix_path.empty() ? exchange<asio::ip::tcp>({asio::ip::make_address(place.address), place.port}, request, limit)
                                              : exchange<asio::local::stream_protocol>({place.unix_path}, request, limit);
  if (!status) return status.error().while_("Alertmanager");
  if (*status / 100 != 2) return Error{"Alertmanager: answered with status " + std::to_string(*status)};
  return {};
}

}  // namespace arbiter::service

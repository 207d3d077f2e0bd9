#include "tools/arbiterctl/client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <sys/un.h>

#include <array>
#include <optional>
#include <utility>

#include "collector/control/target.hpp"

namespace arbiter::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace json = boost::json;
using asio::local::stream_protocol;
using Milliseconds = std::chrono::milliseconds;

constexpr std::size_t kBodyMax = 64 << 20;  // of an answer in one piece: a task may have many events
constexpr std::size_t kLineMax = 4 << 20;   // of one event

http::verb verb_of(std::string_view method) { return http::string_to_verb({method.data(), method.size()}); }

// What the collector said was wrong.
Error refused(unsigned status, std::string_view body) {
  json::error_code error;
  const json::value value = json::parse({body.data(), body.size()}, error);
  if (!error && value.is_object())
    if (const auto* text = value.get_object().if_contains("error"); text != nullptr && text->is_string())
      return {std::string(std::string_view(text->get_string())), static_cast<int>(status)};
  return {"the collector answered " + std::to_string(status), static_cast<int>(status)};
}

void add_parameter(std::string& target, std::string_view name, std::string_view value) {
  if (!value.empty())
    target.append(target.find('?') == target.npos ? "?" : "&").append(name).append("=").append(control::percent_encoded(value));
}

}  // namespace

class Client::Connection {
 public:
  explicit Connection(std::string socket) : path(std::move(socket)) {}

  const std::string path;

  // Sends the request and reads the head of the answer. A connection kept from before may have gone meanwhile: then once more with a new
  // one; the collector has not seen the request, for it closes only what is idle.
  template <class Parser>
  Result<void> exchange(std::string_view method, std::string_view target, std::string_view body, Milliseconds within,
                        std::optional<Parser>& parser) {
    for (bool again = stream_.has_value();; again = false) {
      if (!stream_)
        if (const auto connected = connect(); !connected) return connected.error();
      const beast::error_code error = try_exchange(method, target, body, within, parser);
      if (!error) return {};
      const bool had_gone =
          error == http::error::end_of_stream || error == asio::error::broken_pipe || error == asio::error::connection_reset;
      stream_.reset();
      if (!again || !had_gone) return lost(error, within);
    }
  }

  // Reads on, in the way `parser` was made for, until `parser` is done or its buffer is full.
  template <class Parser>
  beast::error_code read_some(Parser& parser, Milliseconds within) {
    return run(within, [&](auto handler) { http::async_read_some(*stream_, buffer_, parser, std::move(handler)); });
  }

  Error lost(const beast::error_code& error, Milliseconds within) {
    stream_.reset();
    if (error == beast::error::timeout)
      return {path + ": the collector did not answer within " + std::to_string(within.count() / 1000) +
                  " s: see its log, or whether it is stopped (SIGSTOP)",
              ETIMEDOUT};
    if (error == http::error::partial_message || error == http::error::end_of_stream)
      return {path + ": the collector broke the answer off: see its log", EPIPE};
    return {path + ": talking to the collector: " + error.message(), error.value()};
  }

  template <class Parser>
  void finished(const Parser& parser) {
    if (!parser.keep_alive()) stream_.reset();
  }
  void drop() { stream_.reset(); }

 private:
  using Stream = beast::basic_stream<stream_protocol>;

  Result<void> connect() {
    if (path.size() >= sizeof(sockaddr_un::sun_path))
      return Error{path + ": is too long for a socket: name a shorter one with --socket", ENAMETOOLONG};
    buffer_.clear();
    stream_.emplace(context_);
    beast::error_code error;
    stream_->socket().connect(stream_protocol::endpoint(path), error);
    if (!error) return {};
    stream_.reset();
    const std::string what = path + ": " + error.message() + ": ";
    if (error == asio::error::access_denied) return Error{what + "ask as root or as the collector's own user", error.value()};
    return Error{what + "start arbiter-collector, or name the socket of a running one with --socket or ARBITER_SOCKET", error.value()};
  }

  template <class Parser>
  beast::error_code try_exchange(std::string_view method, std::string_view target, std::string_view body, Milliseconds within,
                                 std::optional<Parser>& parser) {
    http::request<http::string_body> request(verb_of(method), {target.data(), target.size()}, 11);
    request.set(http::field::host, "localhost");
    request.set(http::field::user_agent, "arbiterctl");
    if (!body.empty()) request.set(http::field::content_type, "application/json");
    request.body().assign(body);
    request.prepare_payload();
    const auto sent = run(within, [&](auto handler) { http::async_write(*stream_, request, std::move(handler)); });
    // A refusal may come before the request is sent; it is worth reading.
    if (sent && sent != asio::error::broken_pipe && sent != asio::error::connection_reset) return sent;
    parser.emplace();
    parser->body_limit(boost::none);
    const auto read = run(within, [&](auto handler) { http::async_read_header(*stream_, buffer_, *parser, std::move(handler)); });
    return read && sent ? sent : read;
  }

  // One asynchronous operation, to its end or the time limit.
  template <class Start>
  beast::error_code run(Milliseconds within, Start start) {
    beast::error_code result;
    stream_->expires_after(within);
    start([&result](beast::error_code error, std::size_t) { result = error; });
    context_.restart();
    context_.run();
    return result;
  }

  asio::io_context context_{1};
  std::optional<Stream> stream_;
  beast::flat_buffer buffer_{256 << 10};
};

Client::Client(std::string socket) : connection_(std::make_unique<Connection>(std::move(socket))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

const std::string& Client::socket() const { return connection_->path; }

Result<Reply> Client::request(std::string_view method, std::string_view target, std::string_view body, Milliseconds within) {
  std::optional<http::response_parser<http::string_body>> parser;
  if (const auto begun = connection_->exchange(method, target, body, within, parser); !begun) return begun.error();
  parser->body_limit(kBodyMax);
  while (!parser->is_done())
    if (const auto error = connection_->read_some(*parser, within)) return connection_->lost(error, within);
  connection_->finished(*parser);
  auto& response = parser->get();
  const auto type = response[http::field::content_type];
  return Reply{response.result_int(), {type.data(), type.size()}, std::move(response.body())};
}

Result<json::object> Client::ask(std::string_view method, std::string_view target, std::string_view body, Milliseconds within) {
  auto reply = request(method, target, body, within);
  if (!reply) return reply.error();
  if (reply->status != 200) return refused(reply->status, reply->body);
  answer_text_ = std::move(reply->body);
  json::error_code error;
  json::value value = json::parse(answer_text_, error);
  if (error || !value.is_object())
    return Error{socket() + ": answered with something else than a JSON object: is that an arbiter-collector?", EPROTO};
  return std::move(value.get_object());
}

Result<json::object> Client::window_stats(const ProfilesFilter& filter) {
  std::string target = "/v1/stats";
  add_parameter(target, "window", filter.window);
  add_parameter(target, "agent", filter.agent);
  add_parameter(target, "task_type", filter.task_type);
  if (!filter.fresh) add_parameter(target, "fresh", "0");
  return ask("GET", target, {}, kSlow);
}

Result<json::object> Client::agents(const ProfilesFilter& filter) {
  std::string target = "/v1/agents";
  if (!filter.agent.empty()) target += "/" + control::percent_encoded(filter.agent);
  add_parameter(target, "window", filter.window);
  if (!filter.fresh) add_parameter(target, "fresh", "0");
  return ask("GET", target, {}, kSlow);
}

Result<json::object> Client::anomalies(const AnomaliesFilter& filter) {
  std::string target = "/v1/anomalies";
  add_parameter(target, "type", filter.type);
  add_parameter(target, "agent", filter.agent);
  if (filter.open_only) add_parameter(target, "open", "1");
  if (filter.limit != 0) add_parameter(target, "limit", std::to_string(filter.limit));
  return ask("GET", target);
}

Result<json::object> Client::task(std::string_view task_id) {
  return ask("GET", "/v1/tasks/" + control::percent_encoded(task_id), {}, kSlow);
}

Result<json::object> Client::export_snapshot(std::string_view since, const std::vector<std::string>& formats) {
  json::object body;
  if (!since.empty()) body["since"] = since;
  if (!formats.empty()) {
    json::array list;
    for (const auto& format : formats) list.emplace_back(format);
    body["formats"] = std::move(list);
  }
  return ask("POST", "/v1/export", json::serialize(body), kSlow);
}

Result<json::object> Client::set_config(const json::object& changes) { return ask("PATCH", "/v1/config", json::serialize(changes)); }

Result<void> Client::events(const EventsFilter& filter, const std::function<bool(std::string_view)>& line) {
  std::string target = "/v1/events";
  const auto add = [&target](std::string_view name, const std::string& value) { add_parameter(target, name, value); };
  add("since", filter.since), add("until", filter.until), add("type", filter.type), add("agent", filter.agent), add("task", filter.task);
  if (filter.limit != 0) add("limit", std::to_string(filter.limit));

  std::optional<http::response_parser<http::buffer_body>> parser;
  if (const auto begun = connection_->exchange("GET", target, {}, kSlow, parser); !begun) return begun.error();
  const unsigned status = parser->get().result_int();
  std::array<char, 64 << 10> piece;
  std::string rest;  // the beginning of a line whose end has not come yet; of a refusal, all of it
  while (!parser->is_done()) {
    auto& body = parser->get().body();
    body.data = piece.data(), body.size = piece.size();
    const auto error = connection_->read_some(*parser, kSlow);
    if (error && error != http::error::need_buffer) return connection_->lost(error, kSlow);
    rest.append(piece.data(), piece.size() - body.size);
    if (status != 200) {
      if (rest.size() > kLineMax) break;
      continue;
    }
    std::size_t begin = 0;
    for (std::size_t end; (end = rest.find('\n', begin)) != rest.npos; begin = end + 1) {
      if (line(std::string_view(rest).substr(begin, end - begin))) continue;
      connection_->drop();
      return {};
    }
    rest.erase(0, begin);
    if (rest.size() > kLineMax) {
      connection_->drop();
      return Error{socket() + ": a line of over 4 MiB: is that an arbiter-collector?", EPROTO};
    }
  }
  connection_->finished(*parser);
  if (status != 200) return refused(status, rest);
  if (!rest.empty()) return Error{socket() + ": the last line has no end: is that an arbiter-collector?", EPROTO};
  return {};
}

}  // namespace arbiter::client

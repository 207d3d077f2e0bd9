#include "collector/control/session.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <utility>

#include "collector/log/log.hpp"

namespace arbiter::control {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::string_view kServer = "arbiter-collector";
constexpr std::chrono::seconds kLingerMax{2};
constexpr std::size_t kLingerBytesMax = 1 << 20;

Response unreadable(const beast::error_code& error, const ServerOptions& options) {
  if (error == http::error::body_limit)
    return error_response({"the body is over " + std::to_string(options.body_bytes_max) + " bytes", 413});
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return error_response({"the header is over " + std::to_string(options.header_bytes_max) + " bytes", 431});
  return error_response({"not HTTP/1.1: " + error.message(), 400});
}

Response forbidden(Access has, Access needs) {
  std::string message(access_text(needs));
  message += needs == Access::change ? " is for root and the collector's own user"
                                     : " is for root, the collector's own user and the group " + std::string(kReadersGroup);
  message.append("; this caller may do: ").append(access_text(has));
  return error_response({std::move(message), 403});
}

Response busy() { return error_response({"too many requests of this kind are under way: try again", 503}); }

}  // namespace

Session::Session(Hub& hub, Socket socket, Peer peer, Access access)
    : hub_(hub),
      peer_(std::move(peer)),
      access_(access),
      stream_(std::move(socket)),
      buffer_(hub.options.header_bytes_max + hub.options.body_bytes_max) {
  hub_.sessions.insert(this);
}

Session::~Session() {
  if (lines_) lines_->abort();
  hub_.sessions.erase(this);
}

void Session::run() { read(); }

void Session::refuse(Response response) {
  keep_ = false;
  respond(std::move(response));
}

void Session::stop() {
  if (lines_) lines_->abort();
  if (reading_) close();
}

void Session::read() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(hub_.options.header_bytes_max));
  parser_->body_limit(hub_.options.body_bytes_max);
  stream_.expires_after(hub_.options.request_max);
  reading_ = true;
  http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](Error_code error, std::size_t) { self->on_read(error); });
}

void Session::on_read(Error_code error) {
  reading_ = false;
  if (!error) return handle();
  const bool spoke_wrongly = error.category() == http::make_error_code(http::error::bad_method).category();
  if (error == http::error::end_of_stream || error == http::error::partial_message || !spoke_wrongly) return close();
  refuse(unreadable(error, hub_.options));
}

void Session::handle() {
  auto& request = parser_->get();
  keep_ = request.keep_alive() && request.version() >= 11;
  if (hub_.stopping) return respond(error_response({"the collector is stopping", 503}));
  const auto host = request[http::field::host];
  if (peer_.over_tcp && !names_loopback({host.data(), host.size()}))
    return respond(error_response({"the Host header is to name this machine: localhost, or an address of its own", 403}));
  const auto method = request.method_string(), target = request.target();
  Matched matched = match({method.data(), method.size()}, {target.data(), target.size()});
  if (matched.route == nullptr) return respond(std::move(matched.refusal));
  if (access_ < matched.route->needs) {
    if (peer_.over_tcp)
      log::warning("control", "{} {} over TCP: refused: reading alone is answered there", matched.route->method, matched.route->path);
    else
      log::warning("control", "{} {} by uid {} (pid {}): refused: it may read and not change", matched.route->method, matched.route->path,
                   peer_.uid, peer_.pid);
    return respond(forbidden(access_, matched.route->needs));
  }
  matched.call.body = std::move(request.body());
  matched.call.peer = peer_;
  if (matched.route->stream == nullptr) return call(*matched.route, std::move(matched.call));
  if (request.version() < 11) return respond(error_response({"an answer of many lines needs HTTP/1.1", 505}));
  call_stream(*matched.route, std::move(matched.call));
}

// --- answers in one piece

void Session::call(const Route& route, Call call) {
  auto work = [self = shared_from_this(), &route, call = std::move(call)]() mutable {
    Response response;
    try {
      response = route.answer(self->hub_.service, call);
    } catch (const std::exception& e) {
      log::error("control", "{} {}: {}", route.method, route.path, e.what());
      response = error_response({std::string("the collector could not answer: ") + e.what(), 500});
    }
    Session& session = *self;  // the last owner is to end on the control thread
    asio::post(session.stream_.get_executor(),
               [self = std::move(self), response = std::move(response)]() mutable { self->respond(std::move(response)); });
  };
  if (!hub_.workers.submit(route.effort, access_, std::move(work))) respond(busy());
}

void Session::respond(Response response) {
  if (hub_.stopping) keep_ = false;
  auto& out = response_.emplace();
  out.version(11);
  out.result(response.status);
  out.set(http::field::server, kServer);
  out.set(http::field::content_type, response.type);
  out.set(http::field::cache_control, "no-store");
  if (!response.allow.empty()) out.set(http::field::allow, response.allow);
  if (response.status == 503) out.set(http::field::retry_after, "1");
  out.keep_alive(keep_);
  out.body() = std::move(response.body);
  out.prepare_payload();
  stream_.expires_after(hub_.options.write_max);
  http::async_write(stream_, out, [self = shared_from_this()](Error_code error, std::size_t) {
    if (error) return self->close();
    self->after_answer();
  });
}

// --- answers of many lines

void Session::call_stream(const Route& route, Call call) {
  // The worker holds the session only while it tells it something: a session that ends cuts the stream off.
  const std::weak_ptr<Session> weak = weak_from_this();
  const auto executor = stream_.get_executor();
  const auto ready = [weak, executor] {
    asio::post(executor, [weak] {
      if (const auto self = weak.lock()) self->pump();
    });
  };
  lines_ = std::make_shared<Stream>(ready);
  lines_end_ = std::chrono::steady_clock::now() + hub_.options.stream_max;
  auto work = [lines = lines_, &service = hub_.service, &route, call = std::move(call), keep_session = shared_from_this(),
               executor]() mutable {
    try {
      lines->finish(route.stream(service, call, [&lines](std::string_view line) { return lines->push(line); }));
    } catch (const std::exception& e) {
      log::error("control", "{} {}: {}", route.method, route.path, e.what());
      lines->finish(Error{std::string("the collector could not answer: ") + e.what(), 500});
    }
    asio::post(executor, [keep_session = std::move(keep_session)] {});
  };
  if (!hub_.workers.submit(route.effort, access_, std::move(work))) {
    lines_.reset();
    respond(busy());
  }
}

void Session::pump() {
  if (sending_ || !lines_) return;
  const Stream::Next next = lines_->take(chunk_);
  if (next == Stream::Next::wait) return;
  const bool started = head_.has_value();
  if (next == Stream::Next::failed) {
    const Error error = lines_->error();
    if (started) return end_stream(false);  // the missing last chunk tells the caller
    lines_.reset();
    return respond(error_response(error));
  }
  if (std::chrono::steady_clock::now() > lines_end_) return end_stream(false);

  sending_ = true;
  stream_.expires_after(hub_.options.write_max);
  auto sent = [self = shared_from_this(), next](Error_code error, std::size_t) {
    self->sending_ = false;
    if (error) return self->end_stream(false);
    if (next == Stream::Next::end) return self->end_stream(true);
    self->pump();
  };
  auto send_piece = [this, next, sent = std::move(sent)](Error_code error) mutable {
    if (error) return sent(error, 0);
    if (next == Stream::Next::end)
      asio::async_write(stream_, http::make_chunk_last(), std::move(sent));
    else
      asio::async_write(stream_, http::make_chunk(asio::buffer(chunk_)), std::move(sent));
  };
  if (started) return send_piece({});

  if (hub_.stopping) keep_ = false;
  auto& head = head_.emplace();
  head.version(11);
  head.result(http::status::ok);
  head.set(http::field::server, kServer);
  head.set(http::field::content_type, "application/x-ndjson");
  head.set(http::field::cache_control, "no-store");
  head.keep_alive(keep_);
  head.chunked(true);
  head_serializer_.emplace(head);
  http::async_write_header(stream_, *head_serializer_,
                           [send_piece = std::move(send_piece)](Error_code error, std::size_t) mutable { send_piece(error); });
}

void Session::end_stream(bool complete) {
  lines_->abort();
  lines_.reset();
  head_serializer_.reset();
  head_.reset();
  if (complete)
    after_answer();
  else
    close();
}

// --- the end

void Session::after_answer() {
  if (keep_ && !hub_.stopping) return read();
  Error_code ignored;
  stream_.socket().shutdown(Socket::shutdown_send, ignored);
  buffer_.clear();
  stream_.expires_after(kLingerMax);  // for all of it, not for each read
  linger();
}

void Session::linger() {
  reading_ = true;
  stream_.async_read_some(buffer_.prepare(4096), [self = shared_from_this()](Error_code error, std::size_t bytes) {
    self->reading_ = false;
    self->lingered_bytes_ += bytes;
    if (error || self->lingered_bytes_ > kLingerBytesMax) return self->close();
    self->linger();
  });
}

void Session::close() { stream_.close(); }

}  // namespace arbiter::control

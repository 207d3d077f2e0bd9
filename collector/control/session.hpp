// One connection. Everything here runs on the control thread but the calls themselves.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "collector/control/routes.hpp"
#include "collector/control/server.hpp"
#include "collector/control/stream.hpp"
#include "collector/control/workers.hpp"

namespace arbiter::control {

class Session;

// What the sessions of one server share.
struct Hub {
  service::Service& service;
  const ServerOptions options;
  Workers workers;
  std::set<Session*> sessions;
  bool stopping = false;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  Session(Hub& hub, Socket socket, Peer peer, Access access);
  ~Session();

  Access access() const { return access_; }
  void run();                      // reads requests and answers them
  void refuse(Response response);  // answers without reading, and closes
  void stop();                     // closes now if no call is under way, else after its answer

 private:
  using Error_code = boost::beast::error_code;

  void read();
  void on_read(Error_code error);
  void handle();
  void call(const Route& route, Call call);
  void respond(Response response);

  void call_stream(const Route& route, Call call);
  void pump();  // sends what the stream has
  void end_stream(bool complete);

  void after_answer();
  void linger();  // reads and forgets what the caller still sends, so that it gets to read the answer
  void close();

  Hub& hub_;
  const Peer peer_;
  const Access access_;
  boost::beast::basic_stream<boost::asio::generic::stream_protocol> stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::optional<boost::beast::http::response<boost::beast::http::string_body>> response_;
  bool reading_ = false, keep_ = false;

  // An answer of many lines.
  std::shared_ptr<Stream> lines_;
  std::optional<boost::beast::http::response<boost::beast::http::empty_body>> head_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::empty_body>> head_serializer_;
  std::string chunk_;
  bool sending_ = false;
  std::chrono::steady_clock::time_point lines_end_;
  std::size_t lingered_bytes_ = 0;
};

}  // namespace arbiter::control

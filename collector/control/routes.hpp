// What can be asked for: one table. Knows the service, not the sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "collector/control/access.hpp"
#include "collector/control/target.hpp"
#include "collector/service/service.hpp"
#include "shm/result.hpp"

namespace arbiter::control {

struct Response {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body;
  std::string allow;  // of a 405
};

// {"error": "..."} with the error's code as status, 500 if that is none.
Response error_response(const Error& error);

struct Call {
  Target target;
  std::string body;
  Peer peer = {};  // who calls
};

// Takes one line without its end; false: nobody wants more.
using Line = std::function<bool(std::string_view)>;

enum class Effort : std::uint8_t {
  quick,   // waits for the drain at most
  heavy,   // reads or writes much of what is retained
  stream,  // heavy, and answers line by line as fast as the caller reads
};

struct Route {
  std::string_view method;
  std::string_view path;  // a last segment "{id}" stands for any one
  Access needs;
  Effort effort;
  std::string_view parameters;  // of the query, with spaces between
  Response (*answer)(service::Service&, const Call&);
  Result<void> (*stream)(service::Service&, const Call&, const Line&);
  std::string_view only_with = {};  // one of these parameters is given; else it is the route behind that is meant
};

std::span<const Route> routes();

struct Matched {
  const Route* route = nullptr;
  Call call;
  Response refusal;  // where route is null: 400, 404 or 405
};
Matched match(std::string_view method, std::string_view target);

}  // namespace arbiter::control

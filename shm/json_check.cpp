#include "shm/json_check.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>

#include "shm/json_listener.hpp"
#include "shm/schema.hpp"

namespace arbiter {

JsonCheck check_json_object(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return JsonCheck::bad;
  boost::json::parse_options options;
  options.max_depth = schema::kJsonDepthMax;
  boost::json::basic_parser<json::Listener> parser(options);
  boost::json::error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (error == boost::json::error::too_deep) return JsonCheck::too_deep;
  return !error && read == text.size() ? JsonCheck::ok : JsonCheck::bad;
}

}  // namespace arbiter

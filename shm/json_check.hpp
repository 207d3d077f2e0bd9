// Is this text one JSON object (RFC 8259), nested no deeper than 64? Boost.JSON's parser decides; it builds nothing and allocates nothing.
#pragma once

#include <string_view>

namespace arbiter {

enum class JsonCheck { ok, bad, too_deep };

JsonCheck check_json_object(std::string_view text) noexcept;

}  // namespace arbiter

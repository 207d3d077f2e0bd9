#include "producer/c_error.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <string_view>

#include "producer/call.hpp"
#include "shm/schema.hpp"

namespace arbiter::c {

constinit thread_local LastError last_error{};

arbiter_status wrong(const Misuse& misuse) noexcept {
  last_error.misuse = &misuse;
  return ARBITER_INVALID;
}

namespace {

// Of the static area that is set aside for libraries loaded later, too: kept small.
constinit thread_local char text[224] __attribute__((tls_model("initial-exec")));

void say(std::initializer_list<std::string_view> parts) noexcept {
  std::size_t size = 0;
  for (const std::string_view part : parts) {
    const std::size_t taken = std::min(part.size(), sizeof text - 1 - size);
    std::memcpy(text + size, part.data(), taken);
    size += taken;
  }
  text[size] = '\0';
}

// Tables and texts are literals: a NUL stands behind them.
const char* or_empty(std::string_view literal) noexcept { return literal.data() == nullptr ? "" : literal.data(); }

}  // namespace
}  // namespace arbiter::c

using namespace arbiter;

extern "C" {

const char* arbiter_last_error_field(void) {
  return c::last_error.misuse != nullptr ? c::last_error.misuse->what : c::or_empty(c::last_error.result.field());
}

const char* arbiter_last_error_rule(void) {
  if (c::last_error.misuse != nullptr) return c::last_error.misuse->why;
  if (c::last_error.result.status() == Status::disabled) return "recording is switched off";
  return c::or_empty(c::last_error.result.rule());
}

const char* arbiter_last_error(void) {
  const std::string_view field = arbiter_last_error_field();
  const std::string_view rule = arbiter_last_error_rule();
  const std::string_view between = field.empty() ? "" : ": ";
  if (c::last_error.misuse != nullptr) {
    c::say({"invalid call: ", field, between, rule});
  } else if (c::last_error.result.status() == Status::refused) {
    const std::string_view type = schema::info(producer::Internal::kind(c::last_error.result)).type;
    c::say({type.empty() ? "event" : type, ": ", field, between, rule});
  } else if (c::last_error.result.status() == Status::dropped) {
    c::say({"dropped: ", rule});
  } else {
    c::say({rule});
  }
  return c::text;
}

}  // extern "C"

#include "collector/control/time_text.hpp"

#include <doctest/doctest.h>

using arbiter::control::parse_time;

namespace {

constexpr std::int64_t kNow = 1'763'880'000'123'456'789;

std::int64_t at(std::string_view text) {
  const auto time = parse_time(text, kNow);
  return time ? *time : -1;
}

}  // namespace

TEST_CASE("a time is RFC 3339, Unix milliseconds, or back from now") {
  CHECK(at("2026-11-23T06:40:00Z") == 1'795'416'000'000'000'000);
  CHECK(at("2026-11-23t06:40:00.123z") == 1'795'416'000'123'000'000);
  CHECK(at("2026-11-23 06:40:00.123456789Z") == 1'795'416'000'123'456'789);
  CHECK(at("2026-11-23T06:40:00.1234567894Z") == 1'795'416'000'123'456'789);
  CHECK(at("2026-11-23T07:40:00+01:00") == 1'795'416'000'000'000'000);
  CHECK(at("2026-11-23T01:10:00-05:30") == 1'795'416'000'000'000'000);
  CHECK(at("2024-02-29") == 1'709'164'800'000'000'000);
  CHECK(at("1795416000123") == 1'795'416'000'123'000'000);
  CHECK(at("0") == 0);
  CHECK(at("now") == kNow);
  CHECK(at("-15m") == kNow - 900'000'000'000);
  CHECK(at("15m ago") == kNow - 900'000'000'000);
  CHECK(at("1h30m ago") == kNow - 5'400'000'000'000);
}

TEST_CASE("what is no time is refused with what is allowed") {
  for (const char* text : {"", "yesterday", "2026-02-29", "2026-13-01", "2026-11-23T24:00:00Z", "2026-11-23T06:40Z", "2026-11-23T06:40:00",
                           "2026-11-23T06:40:00.Z", "2026-11-23T06:40:00Z ", "15m", "--15m", "-15", "99999999999999999999", "9223372036855",
                           "0001-01-01", "9999-12-31"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text, kNow).has_value());
  }
  const auto wrong = parse_time("soon", kNow);
  CHECK(wrong.error().message == "\"soon\" is no time: write 2026-11-23T06:40:00Z, Unix milliseconds, -15m or \"15m ago\"");
  CHECK(wrong.error().code == 400);
}

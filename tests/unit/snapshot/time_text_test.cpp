#include "collector/snapshot/time_text.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace arbiter::snapshot;

TEST_CASE("times are written in UTC, milliseconds rounded down") {
  CHECK(time_text(0) == "1970-01-01T00:00:00.000Z");
  CHECK(time_text(1'728'601'365'278'000'000) == "2024-10-10T23:02:45.278Z");
  CHECK(time_text(1'728'601'365'278'999'999) == "2024-10-10T23:02:45.278Z");
  CHECK(time_text(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(time_text(-1'000'000) == "1969-12-31T23:59:59.999Z");
  CHECK(time_text(-1'000'001) == "1969-12-31T23:59:59.998Z");
  CHECK(time_text_ns(1'709'164'800'000'000'001) == "2024-02-29T00:00:00.000000001Z");
  CHECK(time_text_ns(INT64_MIN) == "1677-09-21T00:12:43.145224192Z");
  CHECK(time_text_ns(INT64_MAX) == "2262-04-11T23:47:16.854775807Z");
}

TEST_CASE("times are read in every form that RFC 3339 allows") {
  CHECK(parse_time("1970-01-01T00:00:00Z") == 0);
  CHECK(parse_time("2024-10-10T23:02:45.278Z") == 1'728'601'365'278'000'000);
  CHECK(parse_time("2024-10-10t23:02:45.278z") == 1'728'601'365'278'000'000);
  CHECK(parse_time("2024-10-10 23:02:45.278Z") == 1'728'601'365'278'000'000);
  CHECK(parse_time("2024-10-11T01:02:45.278+02:00") == 1'728'601'365'278'000'000);
  CHECK(parse_time("2024-10-10T17:32:45.278-05:30") == 1'728'601'365'278'000'000);
  CHECK(parse_time("2024-10-10T23:02:45.2Z") == 1'728'601'365'200'000'000);
  CHECK(parse_time("2024-10-10T23:02:45.123456789Z") == 1'728'601'365'123'456'789);
  CHECK(parse_time("2024-10-10T23:02:45.1234567899999Z") == 1'728'601'365'123'456'789);
  CHECK(parse_time("2016-12-31T23:59:60Z") == parse_time("2017-01-01T00:00:00Z"));
  CHECK(parse_time("2024-02-29") == 1'709'164'800'000'000'000);
  CHECK(parse_time("1969-12-31T23:59:59.999999999Z") == -1);
  CHECK(parse_time("1677-09-21T00:12:43.145224192Z") == INT64_MIN);
  CHECK(parse_time("2262-04-11T23:47:16.854775807Z") == INT64_MAX);
}

TEST_CASE("what is no time, or none that 64 bits of nanoseconds hold, is not read") {
  for (const char* text : {"",
                           "now",
                           "2024",
                           "2024-10",
                           "2024-13-01",
                           "2023-02-29",
                           "2024-00-10",
                           "2024-10-32",
                           "2024-10-10T",
                           "2024-10-10T24:00:00Z",
                           "2024-10-10T23:60:00Z",
                           "2024-10-10T23:02:61Z",
                           "2024-10-10T23:02Z",
                           "2024-10-10T23:02:45",
                           "2024-10-10T23:02:45.Z",
                           "2024-10-10T23:02:45+0200",
                           "2024-10-10T23:02:45+24:00",
                           "2024-10-10T23:02:45Z ",
                           " 2024-10-10",
                           "2024-1-1",
                           "+024-10-10",
                           "2024-10-10T23:02:45.1234",
                           "1677-09-21T00:12:43.145224191Z",
                           "2262-04-11T23:47:16.854775808Z",
                           "9999-12-31T23:59:59Z",
                           "0000-01-01"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text).has_value());
  }
}

TEST_CASE("any time is read back as it was written") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto ns = static_cast<std::int64_t>(random());
    CHECK(parse_time(time_text_ns(ns)) == ns);
  }
}

TEST_CASE("Unix milliseconds are read where people may write them") {
  CHECK(parse_time_or_ms("1728601365278") == 1'728'601'365'278'000'000);
  CHECK(parse_time_or_ms("0") == 0);
  CHECK(parse_time_or_ms("-1") == -1'000'000);
  CHECK(parse_time_or_ms("2024-10-10T23:02:45.278Z") == 1'728'601'365'278'000'000);
  CHECK_FALSE(parse_time_or_ms("9223372036854775807").has_value());
  CHECK_FALSE(parse_time_or_ms("99999999999999999999").has_value());
  CHECK_FALSE(parse_time_or_ms("12x").has_value());
}

#include "collector/config/units.hpp"

#include <doctest/doctest.h>

using namespace arbiter::config;
using std::chrono::nanoseconds;

TEST_CASE("a duration is whole numbers with units, from large to small") {
  CHECK(parse_duration("7d") == nanoseconds(604'800'000'000'000));
  CHECK(parse_duration("1w") == nanoseconds(604'800'000'000'000));
  CHECK(parse_duration("100ms") == nanoseconds(100'000'000));
  CHECK(parse_duration("1h30m") == nanoseconds(5'400'000'000'000));
  CHECK(parse_duration("1d2h3m4s5ms6us7ns") == nanoseconds(93'784'005'006'007));
  CHECK(parse_duration("0s") == nanoseconds(0));
  CHECK(parse_duration("90m") == nanoseconds(5'400'000'000'000));
}

TEST_CASE("what is no duration is refused") {
  for (const char* text :
       {"", "7", "d", "7 d", "7D", " 7d", "7d ", "-7d", "+7d", "1.5h", "7days", "1m1h", "1h1h", "1s1ms1s", "7d!", "\xc2\xb5s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("a duration that does not fit 63 bits of nanoseconds is refused, the largest that does is not") {
  CHECK(parse_duration("9223372036854775807ns") == nanoseconds::max());
  CHECK(parse_duration("106751d23h47m16s854ms775us807ns") == nanoseconds::max());
  CHECK_FALSE(parse_duration("9223372036854775808ns").has_value());
  CHECK_FALSE(parse_duration("106751d23h47m16s854ms775us808ns").has_value());
  CHECK_FALSE(parse_duration("99999999999999999999d").has_value());
}

TEST_CASE("a duration is written so that it parses back") {
  CHECK(duration_text(nanoseconds(604'800'000'000'000)) == "7d");
  CHECK(duration_text(nanoseconds(5'400'000'000'000)) == "1h30m");
  CHECK(duration_text(nanoseconds(0)) == "0s");
  for (const std::int64_t ns : {1LL, 999LL, 1'000'001LL, 59'999'999'999LL, 86'400'000'000'001LL, 9'223'372'036'854'775'807LL})
    CHECK(parse_duration(duration_text(nanoseconds(ns))) == nanoseconds(ns));
}

TEST_CASE("a size is one whole number with a binary unit") {
  CHECK(parse_size("64MiB") == 67'108'864);
  CHECK(parse_size("1KiB") == 1024);
  CHECK(parse_size("4GiB") == 4'294'967'296);
  CHECK(parse_size("2TiB") == 2'199'023'255'552);
  CHECK(parse_size("17B") == 17);
  CHECK(parse_size("18446744073709551615B") == UINT64_MAX);
  for (const char* text :
       {"", "64", "64MB", "64 MiB", "64mib", "MiB", "1GiB1MiB", "-1B", "1.5GiB", "18446744073709551616B", "16777216TiB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text).has_value());
  }
}

TEST_CASE("a size is written in the largest unit that divides it") {
  CHECK(size_text(67'108'864) == "64MiB");
  CHECK(size_text(67'108'865) == "67108865B");
  CHECK(size_text(1536) == "1536B");
  CHECK(size_text(2048) == "2KiB");
  CHECK(size_text(0) == "0B");
}

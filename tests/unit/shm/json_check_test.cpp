#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "shm/json_check.hpp"

using arbiter::check_json_object;
using arbiter::JsonCheck;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they have allocators of their own
#define ARBITER_COUNT_ALLOCATIONS
namespace {
std::size_t allocations = 0;
}
void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* const at = std::malloc(bytes)) return at;
  throw std::bad_alloc();
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
#endif

namespace {

std::string nested(std::string_view open, std::string_view close, std::size_t times, std::string_view inside) {
  std::string json;
  for (std::size_t i = 0; i < times; ++i) json += open;
  json += inside;
  for (std::size_t i = 0; i < times; ++i) json += close;
  return json;
}

}  // namespace

TEST_CASE("one JSON object passes, with any space around it, and numbers of any size in it") {
  for (const char* good : {"{}", " \t\r\n{ } \n", R"({"a":1,"b":[true,false,null,{}],"c":"\u00e9\n\ud83d\ude00"})", R"({"a":1,"a":2})",
                           R"({"n":123456789012345678901234567890.5e-3,"m":-0,"big":1e99999})", "{\"\":\"caf\xc3\xa9\"}"})
    CHECK_MESSAGE(check_json_object(good) == JsonCheck::ok, good);
}

TEST_CASE("anything else does not") {
  for (const char* bad : {"",
                          " ",
                          "[]",
                          "\"a\"",
                          "1",
                          "null",
                          "{",
                          "}",
                          "{}{}",
                          "{} x",
                          "{\"a\"}",
                          "{\"a\":}",
                          "{\"a\":1,}",
                          "{a:1}",
                          "{'a':1}",
                          "{\"a\":01}",
                          "{\"a\":+1}",
                          "{\"a\":.5}",
                          "{\"a\":NaN}",
                          "{\"a\":Infinity}",
                          "{\"a\":tru}",
                          "{\"a\":\"\n\"}",
                          "{\"a\":\"\\x\"}",
                          "{\"a\":\"\\ud800\"}",
                          "{/* */}",
                          "{}//",
                          "\xef\xbb\xbf{}",
                          "{\"a\":\"\xff\"}",
                          "{\"a\":\"\xed\xa0\x80\"}",
                          "{\"\xc0\x80\":1}"})
    CHECK_MESSAGE(check_json_object(bad) == JsonCheck::bad, bad);
  CHECK(check_json_object(std::string_view("{}\0", 3)) == JsonCheck::bad);
}

TEST_CASE("an object is nested 64 deep at most, objects and arrays alike") {
  CHECK(check_json_object(nested("{\"a\":", "}", 64, "1")) == JsonCheck::ok);
  CHECK(check_json_object(nested("{\"a\":", "}", 65, "1")) == JsonCheck::too_deep);
  CHECK(check_json_object("{\"a\":" + nested("[", "]", 63, "") + "}") == JsonCheck::ok);
  CHECK(check_json_object("{\"a\":" + nested("[", "]", 64, "") + "}") == JsonCheck::too_deep);
  CHECK(check_json_object(nested("{\"a\":", "}", 100000, "1")) == JsonCheck::too_deep);
}

#if defined(ARBITER_COUNT_ALLOCATIONS)
TEST_CASE("checking allocates nothing") {
  const std::string large =
      "{\"list\":[" + nested("{\"key\":\"", "\"},", 1, std::string(50000, 'x')) + "1e400,\"" + std::string(9000, '\\') + "\"]}";
  const std::string deep = nested("{\"a\":[", "]}", 32, "\"\\u00e9\"");
  const std::size_t before = allocations;
  const JsonCheck first = check_json_object(large), second = check_json_object(deep), third = check_json_object("{");
  CHECK(allocations == before);
  CHECK(first == JsonCheck::ok);
  CHECK(second == JsonCheck::ok);
  CHECK(third == JsonCheck::bad);
  CHECK(*std::make_unique<int>(1) == 1);
  CHECK(allocations > before);  // the count counts
}
#endif

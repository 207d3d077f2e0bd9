#include "tools/arbiter-replay/json_parts.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

namespace arbiter::replay {
namespace {

std::vector<std::pair<std::string, std::string>> members(std::string_view object) {
  std::vector<std::pair<std::string, std::string>> all;
  for (Members m(object); m.next();) all.emplace_back(m.key(), m.value());
  return all;
}

std::vector<std::string> elements(std::string_view array) {
  std::vector<std::string> all;
  for (Elements e(array); e.next();) all.emplace_back(e.value());
  return all;
}

}  // namespace

TEST_CASE("members are given as they are written, brackets and quotes inside strings taken for text") {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(members("{}").empty());
  CHECK(members(" { } ").empty());
  CHECK(members(R"({"a":1})") == Pairs{{"a", "1"}});
  CHECK(members(R"( { "a" : -1.50e+3 , "b" : "}\"]" , "c":{"d":[{"}":"{"}]},"e":[],"f":null } )") ==
        Pairs{{"a", "-1.50e+3"}, {"b", R"("}\"]")"}, {"c", R"({"d":[{"}":"{"}]})"}, {"e", "[]"}, {"f", "null"}});
  CHECK(members(R"({"\\":"\\","x":"\\\""})") == Pairs{{R"(\\)", R"("\\")"}, {"x", R"("\\\"")"}});
}

TEST_CASE("elements are given as they are written") {
  CHECK(elements("[]").empty());
  CHECK(elements("[ ]").empty());
  CHECK(elements(R"([1,"a,b",[2,[3]],{"x":[4]} , true])") == std::vector<std::string>{"1", R"("a,b")", "[2,[3]]", R"({"x":[4]})", "true"});
}

TEST_CASE("the text of a string has its escapes resolved") {
  std::string room;
  CHECK(text_of(R"("plain")", room) == "plain");
  CHECK(text_of(R"("a\"b\\c\n\u00e9\ud83d\ude00")", room) == "a\"b\\c\n\xc3\xa9\xf0\x9f\x98\x80");
  CHECK(quoted("a\"b\n") == R"("a\"b\n")");
}

TEST_CASE("what is not one JSON document is none") {
  CHECK(is_json("{}", 64));
  CHECK(is_json(R"([[1]])", 2));
  CHECK_FALSE(is_json(R"([[[1]]])", 2));
  for (const char* text : {"", "{", "{}}", "{\"a\":}", "nan", "{\"a\":\"\xff\"}", "{} {}"}) CHECK_FALSE_MESSAGE(is_json(text, 64), text);
}

}  // namespace arbiter::replay

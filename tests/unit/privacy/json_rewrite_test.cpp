#include "collector/privacy/json_rewrite.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "collector/privacy/json_text.hpp"
#include "shm/json_check.hpp"

using namespace arbiter;
using namespace arbiter::privacy;
using config::FreeText;

namespace {

const Prf prf{IdKey{1, 2, 3}};

std::string hash(std::string_view id) {
  std::array<char, 16> out;
  prf(id, out.data());
  return event::Text::hash(out.data()).shown();
}

std::string rewrite(std::string_view text, Rules rules = {}, std::span<const std::string_view> own_ids = {}) {
  JsonScratch scratch;
  std::string out = "before ";
  REQUIRE(rewrite_json(text, own_ids, rules, prf, scratch, out));
  REQUIRE(out.starts_with("before "));
  out.erase(0, 7);
  CHECK(check_json_object(out) == JsonCheck::ok);
  return out;
}

std::string minified(std::string_view text) {
  std::string out;
  minify_json(text, out);
  return out;
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }

constexpr Rules keep{.free_text = FreeText::keep};

}  // namespace

TEST_CASE("strings under a key with id, agent or task are hashed, others stay") {
  CHECK(rewrite(R"({"agentId":"a1","model":"gpt","provider":"x","task_id":"t1"})") ==
        R"({"agentId":)" + quoted(hash("a1")) + R"(,"model":"gpt","provider":"x","task_id":)" + quoted(hash("t1")) + "}");
}

TEST_CASE("hashing reaches every depth, and goes throughout what is under such a key") {
  CHECK(rewrite(R"({"a":{"b":[{"selectedAgent":"x"},"x"]}})") == R"({"a":{"b":[{"selectedAgent":)" + quoted(hash("x")) + R"(},"x"]}})");
  CHECK(rewrite(R"({"agent":{"name":"bob","tags":["p",{"q":["r"]}],"load":0.50,"on":true,"no":null}})") ==
        R"({"agent":{"name":)" + quoted(hash("bob")) + R"(,"tags":[)" + quoted(hash("p")) + R"(,{"q":[)" + quoted(hash("r")) +
            R"(]}],"load":0.50,"on":true,"no":null}})");
  CHECK(rewrite(R"({"parentTaskIds":["a","b"],"x":["a"]})") ==
        R"({"parentTaskIds":[)" + quoted(hash("a")) + "," + quoted(hash("b")) + R"(],"x":["a"]})");
}

TEST_CASE("keys and ids written with escapes are seen for what they are") {
  CHECK(rewrite(R"({"\u0061gent":"\u0062ob","task\u005Fid":"t\"1\\"})") ==
        R"({"agent":)" + quoted(hash("bob")) + R"(,"task_id":)" + quoted(hash("t\"1\\")) + "}");
  CHECK(rewrite(R"({"agentId":"J\u00fcrgen \ud83d\ude00"})") == R"({"agentId":)" + quoted(hash("J\u00fcrgen \U0001F600")) + "}");
}

TEST_CASE("other strings keep their characters, escaped where JSON wants it") {
  CHECK(rewrite("{\"x\":\"a\\u0000b\\n\\t\\\"\\\\ \\/ \\u007f \\u001f \\u00e9 \u00e9\"}") ==
        "{\"x\":\"a\\u0000b\\n\\t\\\"\\\\ / \x7f \\u001f \u00e9 \u00e9\"}");
  CHECK(rewrite(R"({"a\"b":"c"})") == R"({"a\"b":"c"})");
}

TEST_CASE("the text of numbers is kept as given") {
  const std::string numbers =
      R"({"a":[0,-0,1.0,1.50,1e5,1E+5,1e-300,123456789012345678901234567890,0.1000000000000000055511151231257827,-9223372036854775808]})";
  CHECK(rewrite(numbers) == numbers);
  // Numbers of many sizes, so that each path of the parser is met.
  for (std::size_t digits = 1; digits < 60; ++digits) {
    const std::string text = R"({"n":1)" + std::string(digits, '7') + R"(,"m":0.)" + std::string(digits, '3') + R"(,"e":-1.)" +
                             std::string(digits, '5') + "E-7}";
    CHECK(rewrite(text) == text);
  }
}

TEST_CASE("a number that is an id is hashed as its text, a number about a task is not") {
  CHECK(rewrite(R"({"taskId":42,"taskCount":42,"agentLoad":0.5,"ids":[1,{"x":2}],"n":1})") ==
        R"({"taskId":)" + quoted(hash("42")) + R"(,"taskCount":42,"agentLoad":0.5,"ids":[)" + quoted(hash("1")) + R"(,{"x":)" +
            quoted(hash("2")) + R"(}],"n":1})");
  CHECK(rewrite(R"({"task":{"id":-1.0,"difficulty":3}})") == R"({"task":{"id":)" + quoted(hash("-1.0")) + R"(,"difficulty":3}})");
}

TEST_CASE("what is already anonymised, or empty, is left") {
  const std::string shown = "anon-0123456789abcdef0123456789abcdef";
  CHECK(rewrite(R"({"agentId":"anon-0123456789abcdef0123456789abcdef","taskId":""})") ==
        R"({"agentId":)" + quoted(shown) + R"(,"taskId":""})");
  for (const char* near :
       {"anon-0123456789abcdef0123456789abcdeF", "anon-0123456789abcdef0123456789abcde", "Anon-0123456789abcdef0123456789abcdef"})
    CHECK(rewrite(R"({"agentId":")" + std::string(near) + R"("})") == R"({"agentId":)" + quoted(hash(near)) + "}");
}

TEST_CASE("rewriting twice changes nothing the second time") {
  const std::string once = rewrite(R"( { "agentId" : "a" , "list" : [ { "taskIds" : [ 1 , "b" ] , "reason" : "because" } ] } )");
  CHECK(rewrite(once) == once);
}

TEST_CASE("agents' ids and tasks' types can be kept") {
  const std::string text = R"({"agentId":"a","selectedAgent":"b","agents":["c"],"taskId":"t","taskType":"k","agentTask":"d","id":"e"})";
  const auto q = [](const char* id) { return quoted(hash(id)); };
  CHECK(rewrite(text, {.preserve_agent_ids = true}) == R"({"agentId":"a","selectedAgent":"b","agents":["c"],"taskId":)" + q("t") +
                                                           R"(,"taskType":"k","agentTask":)" + q("d") + R"(,"id":)" + q("e") + "}");
  CHECK(rewrite(text, {.preserve_task_types = false}) == R"({"agentId":)" + q("a") + R"(,"selectedAgent":)" + q("b") + R"(,"agents":[)" +
                                                             q("c") + R"(],"taskId":)" + q("t") + R"(,"taskType":)" + q("k") +
                                                             R"(,"agentTask":)" + q("d") + R"(,"id":)" + q("e") + "}");
  CHECK(rewrite(R"({"task":{"agentId":"a","agent":{"name":"n","task":"t"},"x":"y"}})", {.preserve_agent_ids = true}) ==
        R"({"task":{"agentId":"a","agent":{"name":"n","task":)" + q("t") + R"(},"x":)" + q("y") + "}}");
}

TEST_CASE("free text within is kept, hashed or dropped with all that it holds") {
  const std::string text =
      R"({"reason":"r","a":[{"message":{"text":["m",1]},"n":1},{"feedback":["f"]}],"rationale":7,"message":null,"z":{"reason":"r"}})";
  CHECK(rewrite(text, keep) == text);
  CHECK(rewrite(text, {.free_text = FreeText::drop}) == R"({"a":[{"n":1},{}],"rationale":7,"message":null,"z":{}})");
  CHECK(rewrite(text, {.free_text = FreeText::hash}) ==
        R"({"reason":)" + quoted(hash("r")) + R"(,"a":[{"message":{"text":[)" + quoted(hash("m")) + R"(,1]},"n":1},{"feedback":[)" +
            quoted(hash("f")) + R"(]}],"rationale":7,"message":null,"z":{"reason":)" + quoted(hash("r")) + "}}");
  // What is dropped may hold anything, braces in strings and keys with meanings too.
  CHECK(rewrite(R"({"reason":{"agentId":"x","l":[[["}"]]],"reason":{"a":1}},"after":1})") == R"({"after":1})");
}

TEST_CASE("white space between tokens goes, within strings it stays") {
  CHECK(rewrite(" {\n \"a b\" :\t[ 1 ,\r\n 2 ] , \"c\" : \" x y \" } \n") == R"({"a b":[1,2],"c":" x y "})");
  CHECK(minified(" {\n \"a b\" :\t[ 1 ,\r\n 2 ] , \"c\\\\\" : \" x \\\" y \\\\\" } \n") == R"({"a b":[1,2],"c\\":" x \" y \\"})");
  CHECK(minified(R"({"a":"\u0041"})") == R"({"a":"\u0041"})");
  CHECK(minified("{}") == "{}");
}

TEST_CASE("keys that are ids themselves are hashed: under such a key those that name no field, anywhere the event's own") {
  CHECK(rewrite(R"({"agentLoads":{"agent-7":0.5,"Claude 3.5":1,"7":2,"max_load2":3,"":4,"nested":{"a/b":[{"c.d":5}]}},"agent-7":6})") ==
        R"({"agentLoads":{)" + quoted(hash("agent-7")) + ":0.5," + quoted(hash("Claude 3.5")) + ":1," + quoted(hash("7")) +
            R"(:2,"max_load2":3,"":4,"nested":{)" + quoted(hash("a/b")) + ":[{" + quoted(hash("c.d")) + R"(:5}]}},"agent-7":6})");
  const std::string_view own[] = {"planner", "t1"};
  CHECK(rewrite(R"({"loads":{"planner":1,"planners":2,"t1":{"x":"planner"}}})", {}, own) ==
        R"({"loads":{)" + quoted(hash("planner")) + R"(:1,"planners":2,)" + quoted(hash("t1")) + R"(:{"x":"planner"}}})");
  const std::string once = rewrite(R"({"agentLoads":{"agent-7":{"model-x":"y"}}})");
  CHECK(rewrite(once) == once);
  CHECK(rewrite(R"({"agentLoads":{"agent-7":1}})", {.preserve_agent_ids = true}) == R"({"agentLoads":{"agent-7":1}})");
}

TEST_CASE("64 levels are rewritten, deeper or broken text is not taken") {
  std::string deep, shut;
  for (int i = 0; i < 63; ++i) deep += R"({"a":)", shut += '}';
  CHECK(rewrite(deep + "{}" + shut) == deep + "{}" + shut);
  JsonScratch scratch;
  std::string out;
  for (const std::string& bad :
       {deep + R"({"a":{}})" + shut, std::string(R"({"a":1)"), std::string(R"({"a":"x)"), std::string(), std::string("{}{}"),
        std::string("{\"a\":\"\xff\"}"), std::string(R"({"a":"\ud800"})"), std::string("{a:1}"), std::string("{,}")}) {
    CAPTURE(bad);
    CHECK_FALSE(rewrite_json(bad, {}, {}, prf, scratch, out));
  }
  // And what is left over of a broken text does not reach the next.
  CHECK(rewrite(R"({"x":"y"})") == R"({"x":"y"})");
}

TEST_CASE("taskId and agentId are found at the top level of an object, and only there") {
  TopLevelIds found;
  const auto find = [&](std::string_view text) {
    find_top_level_ids(text, found);
    return found.task + "|" + found.agent;
  };
  CHECK(find(R"({"taskId":"t","agentId":"a"})") == "t|a");
  CHECK(find(R"({"x":{"taskId":"t"},"y":[{"agentId":"a"}]})") == "|");
  CHECK(find(R"({"x":{"taskId":"t"},"agentId":"a","taskIdOfParent":"p","z":"w"})") == "|a");
  CHECK(find(R"({"taskId":5,"agentId":null,"w":"v"})") == "|");
  CHECK(find(R"({"taskId":["t"],"agentId":{"agentId":"x"},"v":"w"})") == "|");
  CHECK(find(R"({"task\u0049d":"t\u0041"})") == "tA|");
  CHECK(find(R"({"taskId":"t1","taskId":"t2"})") == "t2|");
  CHECK(find(R"({"taskId":"t1","taskId":7})") == "|");
  CHECK(find("{}") == "|");
}

TEST_CASE("text is escaped so that a parser reads the same text") {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
  all += "\u00e9\u20ac\U0001F600\u2028";
  std::string out;
  json::append_string(out, all);
  CHECK(boost::json::parse(out).as_string() == all);
  CHECK(out.find('\n') == std::string::npos);
}

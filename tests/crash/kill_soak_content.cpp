#include "tests/crash/kill_soak_content.hpp"

#include <charconv>
#include <cstring>

namespace arbiter::soak {
namespace {

namespace json = boost::json;

constexpr char kDigits[] = "0123456789abcdef";

void put_hex(char* out, std::size_t digits, std::uint64_t value) {
  for (; digits > 0; value >>= 4) out[--digits] = kDigits[value & 15];
}

std::optional<std::uint64_t> hex(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

std::uint64_t sum_of(std::uint64_t begin, std::string_view text) {
  std::uint64_t sum = mix(begin ^ text.size());
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), sizeof word);
    sum = mix(sum ^ word);
  }
  for (const char c : text) sum = mix(sum ^ static_cast<unsigned char>(c));
  return sum;
}

std::string_view text_at(const json::object& object, std::string_view key) {
  const json::value* const v = object.if_contains(key);
  return v != nullptr && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
}

const json::object& object_at(const json::object& object, std::string_view key) {
  static const json::object none;
  const json::value* const v = object.if_contains(key);
  return v != nullptr && v->is_object() ? v->get_object() : none;
}

std::optional<Attempt> attempt_of(std::string_view digits) {
  if (digits.size() < 24) return std::nullopt;
  const auto epoch = hex(digits.substr(0, 8)), chunk = hex(digits.substr(8, 8)), number = hex(digits.substr(16, 8));
  if (!epoch || !chunk || !number) return std::nullopt;
  return Attempt{static_cast<std::uint32_t>(*epoch), static_cast<std::uint32_t>(*chunk), static_cast<std::uint32_t>(*number)};
}

bool read_event_id(std::string_view id, Exported& out) {
  const std::size_t first = id.find('-'), second = id.find('-', first + 1);
  if (first != 32 || second == std::string_view::npos) return false;
  for (std::size_t i = 0; i < out.lane.segment.size(); ++i) {
    const auto byte = hex(id.substr(2 * i, 2));
    if (!byte) return false;
    out.lane.segment[i] = static_cast<std::uint8_t>(*byte);
  }
  const auto number = [](std::string_view text, auto& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  };
  return number(id.substr(first + 1, second - first - 1), out.lane.lane) && number(id.substr(second + 1), out.sequence);
}

}  // namespace

Content make_content(std::uint64_t seed, const Attempt& attempt, std::uint32_t filling_bytes) {
  Content c;
  put_hex(c.trace.data(), 8, attempt.epoch);
  put_hex(c.trace.data() + 8, 8, attempt.chunk);
  put_hex(c.trace.data() + 16, 8, attempt.number);
  put_hex(c.trace.data() + 24, 8, filling_bytes);
  // Each 16 bytes say where they belong.
  const std::uint64_t own = sum_of(seed, c.trace_id());
  c.filling.resize((filling_bytes + 15) / 16 * 16);
  for (std::size_t at = 0; at < c.filling.size(); at += 16) put_hex(c.filling.data() + at, 16, own + at);
  c.filling.resize(filling_bytes);
  put_hex(c.span.data(), 16, sum_of(own, c.filling));
  return c;
}

std::string execution_id(const Attempt& start) {
  std::string id(26, '-');
  id[0] = 'x';
  put_hex(id.data() + 2, 8, start.epoch);
  put_hex(id.data() + 10, 8, start.chunk);
  put_hex(id.data() + 18, 8, start.number);
  return id;
}

std::optional<Attempt> attempt_of_execution(std::string_view id) { return id.size() == 26 ? attempt_of(id.substr(2)) : std::nullopt; }

std::optional<Exported> check_exported(std::uint64_t seed, std::string_view line, std::string& why) {
  const auto bad = [&](const char* what) {
    why = std::string(what) + ": " + std::string(line.substr(0, 600));
    return std::nullopt;
  };
  json::error_code error;
  const json::value parsed = json::parse(line, error);
  if (error || !parsed.is_object()) return bad("not an object");
  const json::object& event = parsed.get_object();
  const json::object& data = object_at(event, "data");
  Exported out;
  out.type = text_at(event, "type");
  if (!read_event_id(text_at(event, "id"), out)) return bad("its id is none");
  const std::string_view time = text_at(event, "timestampNs");
  if (std::from_chars(time.data(), time.data() + time.size(), out.time_ns).ec != std::errc()) return bad("its time is none");

  const bool generic = out.type == "soak";
  const std::string_view trace = text_at(generic ? event : data, "traceId"), span = text_at(generic ? event : data, "spanId");
  const auto attempt = attempt_of(trace);
  const auto bytes = trace.size() == 32 ? hex(trace.substr(24)) : std::nullopt;
  if (!attempt || !bytes || *bytes > 65536) return bad("its trace id is none of ours");
  out.attempt = *attempt;

  const Content expected = make_content(seed, *attempt, static_cast<std::uint32_t>(*bytes));
  std::string_view filling;
  if (generic) {
    filling = text_at(data, "f");
  } else if (out.type == "routing-decision" || out.type == "task-start") {
    filling = text_at(object_at(data, "context"), "f");
  } else if (out.type == "evaluation-outcome") {
    filling = text_at(object_at(data, "evaluation"), "feedback");
  } else if (out.type == "task-execution") {
    const json::object& outcome = object_at(data, "outcome");
    filling = text_at(outcome, "errorType");
    if (const json::value* const v = outcome.if_contains("success"); v != nullptr && v->is_bool()) out.success = v->get_bool();
    out.joined = text_at(data, "joinState") == "complete";
    if (const json::value* const v = data.if_contains("durationMs"); v != nullptr && v->is_number())
      out.duration_ms = v->to_number<double>();
    if (text_at(event, "agentId") == "elsewhere") out.started_elsewhere = attempt_of_execution(text_at(data, "executionId"));
  } else {
    return bad("of a type that nobody recorded");
  }
  if (filling != expected.filling) return bad("its filling is not the one it was recorded with");
  if (span != expected.span_id()) return bad("its checksum does not fit its content");
  // A completion by its handle is of the start's task.
  const bool by_handle = out.type == "task-execution" && text_at(event, "agentId") == "agent" && data.contains("executionId");
  const auto handle = by_handle ? attempt_of_execution(text_at(data, "executionId")) : attempt;
  if (!handle || text_at(event, "taskId") != make_content(seed, *handle, 0).task_id()) return bad("its task is another's");
  if (out.type == "task-execution" && !out.joined) return bad("it has lost its start");
  if (out.type == "task-start") out.starts = attempt_of_execution(text_at(data, "executionId"));
  return out;
}

}  // namespace arbiter::soak

#include "tools/arbiterctl/rows.hpp"

#include "collector/control/json_line.hpp"

namespace arbiter::ctl {
namespace {

namespace json = boost::json;

constexpr std::size_t kLabelWidth = 26;

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t end = out.size(); end > 3;) out.insert(end -= 3, 1, ',');
  return out;
}

const json::value* at(const json::object& object, std::string_view path) {
  const json::object* within = &object;
  while (true) {
    const std::size_t dot = path.find('.');
    const json::value* const value = within->if_contains(path.substr(0, dot));
    if (dot == path.npos || value == nullptr) return value;
    if (!value->is_object()) return nullptr;
    within = &value->get_object();
    path.remove_prefix(dot + 1);
  }
}

std::optional<std::uint64_t> whole(const json::value* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  return std::nullopt;
}

std::optional<double> real(const json::value* value) {
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

std::string digits(const json::value* value) {
  const auto number = whole(value);
  return number ? std::to_string(*number) : "-";
}

std::string text(const json::value* value) {
  if (value == nullptr || value->is_null()) return "-";
  if (value->is_string()) return harmless(std::string_view(value->get_string()));
  if (const auto number = whole(value)) return grouped(*number);
  if (value->is_bool()) return value->get_bool() ? "yes" : "no";
  return harmless(control::json_line(*value));
}

void row(std::string& out, std::string_view label, std::string_view value, Colour colour) {
  out.append("  ").append(label);
  out.append(label.size() < kLabelWidth ? kLabelWidth - label.size() : 1, ' ');
  out.append(coloured(value, colour)).append("\n");
}

void heading(std::string& out, std::string_view words) {
  if (!out.empty()) out += "\n";
  out.append(coloured(words, Colour::heading)).append("\n");
}

void rows(std::string& out, const json::object& object, std::span<const Row> list) {
  for (const auto& [label, path] : list)
    if (const auto* value = at(object, path); value != nullptr) row(out, label, text(value));
}

}  // namespace arbiter::ctl

#include "collector/config/print.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "collector/config/table.hpp"
#include "collector/config/windows.hpp"

namespace arbiter::config {
namespace {

// `text` as comment lines of at most 120 columns.
void comment(std::string& out, std::string_view indent, std::string_view text) {
  constexpr std::size_t columns = 120;
  const std::size_t room = columns - indent.size() - 3;
  while (!text.empty()) {
    std::size_t length = text.size();
    if (length > room) {
      length = text.rfind(' ', room);
      if (length == text.npos || length == 0) length = std::min(text.find(' '), text.size());
    }
    out.append(indent).append("// ").append(text.substr(0, length)).append("\n");
    text.remove_prefix(std::min(length + 1, text.size()));
  }
}

void member(std::string& out, const Key& key, const Config& config, bool last) {
  const std::string_view indent = key.group().empty() ? "  " : "    ";
  const Config defaults;
  const Value fallback = key.get(key, defaults);
  comment(out, indent, key.help);
  std::string allowed = "Default ";
  if (std::holds_alternative<std::nullptr_t>(fallback))
    allowed.append("null: ").append(key.null_means);
  else
    allowed += boost::json::serialize(json_of(key, fallback));
  allowed.append(". Allowed: ").append(allowed_text(key)).append(key.live ? ". Changes while running." : ". Changes at the next start.");
  comment(out, indent, allowed);
  out.append(indent).append("\"").append(key.name()).append("\": ");
  out.append(boost::json::serialize(json_of(key, key.get(key, config)))).append(last ? "\n" : ",\n");
}

// --- the schema, written by hand of a small indenter: Boost.JSON has none
void pretty(std::string& out, const boost::json::value& value, std::size_t depth) {
  const std::string indent(2 * depth + 2, ' '), outer(2 * depth, ' ');
  if (value.is_object() && !value.get_object().empty()) {
    out += "{\n";
    bool first = true;
    for (const auto& [name, item] : value.get_object()) {
      out.append(first ? "" : ",\n").append(indent).append(boost::json::serialize(name)).append(": ");
      pretty(out, item, depth + 1);
      first = false;
    }
    out.append("\n").append(outer).append("}");
  } else {
    out += boost::json::serialize(value);
  }
}

boost::json::array strings(std::span<const std::string_view> words) {
  boost::json::array list;
  for (const auto word : words) list.emplace_back(word);
  return list;
}

constexpr std::string_view kDurationPattern = "^([0-9]+(w|d|h|m|s|ms|us|ns))+$";
constexpr std::string_view kWindowPattern = "^([0-9]+(w|d|h|m|s|ms|us|ns))+/([0-9]+(w|d|h|m|s|ms|us|ns))+$";
constexpr std::string_view kSizePattern = "^[0-9]+(B|KiB|MiB|GiB|TiB)$";

boost::json::object schema_of(const Key& key) {
  const auto type = [&key](std::string_view name) -> boost::json::value {
    if (!key.nullable) return boost::json::string(name);
    return boost::json::array({boost::json::string(name), "null"});
  };
  boost::json::object schema;
  schema["description"] = std::string(key.help) + " Allowed: " + allowed_text(key) + ".";
  switch (key.type) {
    case KeyType::boolean: schema["type"] = type("boolean"); break;
    case KeyType::count:
      schema["type"] = type("integer");
      schema["minimum"] = key.min;
      schema["maximum"] = key.max;
      break;
    case KeyType::duration:
      schema["type"] = type("string");
      schema["pattern"] = kDurationPattern;
      break;
    case KeyType::size: {
      boost::json::array types = {"string", "integer"};
      if (key.nullable) types.emplace_back("null");
      schema["type"] = types;
      schema["pattern"] = kSizePattern;
      schema["minimum"] = key.min;
      schema["maximum"] = key.max;
      break;
    }
    case KeyType::choice: schema["enum"] = strings(key.choices); break;
    case KeyType::choices: {
      schema["type"] = "array";
      boost::json::array names = strings(key.choices);
      for (const std::string_view brief : short_formats()) names.emplace_back(brief);
      schema["items"] = boost::json::object({{"enum", names}});
      schema["minItems"] = 1;
      schema["uniqueItems"] = true;
      break;
    }
    case KeyType::address:
      schema["type"] = type("string");
      schema["pattern"] = "^(127(\\.[0-9]{1,3}){3}|\\[::1\\]):[0-9]{1,5}$";
      break;
    case KeyType::windows:
      schema["type"] = "array";
      schema["items"] = boost::json::object({{"type", "string"}, {"pattern", kWindowPattern}});
      schema["maxItems"] = kWindowsMax;
      schema["uniqueItems"] = true;
      break;
    case KeyType::path:
      schema["type"] = type("string");
      schema["pattern"] = "^/";
      break;
    case KeyType::alertmanager:
      schema["type"] = type("string");
      schema["pattern"] = "^(unix:/|http://(localhost|127\\.[0-9.]+|\\[::1\\])(:|/|$))";
      break;
    case KeyType::sync:
      schema["anyOf"] = boost::json::array({boost::json::object({{"enum", strings(key.choices)}}),
                                            boost::json::object({{"type", "string"}, {"pattern", kDurationPattern}})});
      break;
  }
  schema["default"] = json_of(key, key.get(key, Config{}));
  return schema;
}

}  // namespace

std::string documented(const Config& config) {
  std::string out =
      "// Configuration of arbiter-collector. Every key is here with its default; a file needs only those it changes.\n"
      "// Comments and trailing commas are allowed, unknown keys are not. `arbiter-collector --check-config --config FILE` checks a file;\n"
      "// SIGHUP makes a running collector read it again.\n{\n";
  const auto all = keys();
  std::string_view group;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Key& key = all[i];
    if (i > 0 && key.group() == group) out += "\n";
    if (key.group() != group) {
      if (!group.empty()) out += "  },\n";
      out.append("\n  \"").append(key.group()).append("\": {\n");
      group = key.group();
    }
    member(out, key, config, i + 1 == all.size() || (!group.empty() && all[i + 1].group() != group));
  }
  if (!group.empty()) out += "  }\n";
  return out += "}\n";
}

boost::json::object json_of(const Config& config) {
  boost::json::object object;
  for (const Key& key : keys()) {
    auto value = json_of(key, key.get(key, config));
    if (key.group().empty())
      object[key.path] = std::move(value);
    else
      object.emplace(key.group(), boost::json::object()).first->value().as_object()[key.name()] = std::move(value);
  }
  return object;
}

std::string schema() {
  boost::json::object properties;
  properties["$schema"] = boost::json::object({{"type", "string"}});
  for (const Key& key : keys()) {
    if (key.group().empty()) {
      properties[key.path] = schema_of(key);
      continue;
    }
    auto& group = properties.emplace(key.group(), boost::json::object()).first->value().as_object();
    if (group.empty()) {
      group["type"] = "object";
      group["additionalProperties"] = false;
      group["properties"] = boost::json::object();
    }
    group["properties"].as_object()[key.name()] = schema_of(key);
  }
  const boost::json::object root = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                                    {"title", "Configuration of arbiter-collector"},
                                    {"type", "object"},
                                    {"additionalProperties", false},
                                    {"properties", std::move(properties)}};
  std::string out;
  pretty(out, root, 0);
  return out + "\n";
}

}  // namespace arbiter::config

// The table of kinds and fields as JSON: a line each, for what is not C++ to be compared with.
#include <cstdio>
#include <string>

#include "shm/schema.hpp"

namespace {

using namespace arbiter::schema;

const char* name_of(Type type) {
  switch (type) {
    case Type::boolean: return "boolean";
    case Type::count: return "count";
    case Type::real: return "real";
    case Type::time: return "time";
    case Type::id: return "id";
    case Type::word: return "word";
    case Type::text: return "text";
    case Type::hex: return "hex";
    case Type::json: return "json";
    case Type::list: return "list";
  }
  return "";
}

void print(int kind, const std::string& path, const Field& field) {
  std::printf(R"({"kind": %d, "path": "%s", "type": "%s", "required": %s, "hidden": %s})"
              "\n",
              kind, path.c_str(), name_of(field.type), field.required ? "true" : "false", field.hidden ? "true" : "false");
  if (field.list == nullptr) return;
  for (const Field& item : field.list->fields) print(kind, path + "[]." + std::string(item.path), item);
}

}  // namespace

int main() {
  for (const KindInfo& kind : kKindTable)
    for (const Field& field : kind.fields) print(static_cast<int>(kind.kind), std::string(field.path), field);
}

// A stored form for what somebody asks about by its raw id, and room for it.
#pragma once

#include <optional>
#include <string_view>

#include "collector/privacy/anonymizer.hpp"
#include "shm/event.hpp"
#include "shm/schema.hpp"

namespace arbiter::service {

struct Asked {
  privacy::HashStorage storage;
  std::optional<event::Text> text;  // nothing: nobody was named
};

inline void ask_for(Asked& asked, const privacy::Anonymizer& anonymizer, std::string_view id, schema::Subject subject) {
  if (!id.empty()) asked.text = anonymizer.hash_for_query(id, subject, asked.storage);
}

}  // namespace arbiter::service

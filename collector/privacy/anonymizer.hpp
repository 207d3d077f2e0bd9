// Stage 2: ids become keyed hashes, before the join, the journal and everything behind them see an event.
//
//   field of the kind's table (Subject)        what happens
//   agent, task, execution, decision, trace    hashed (agent: not with preserve_agent_ids)
//   task_type                                  kept; hashed without preserve_task_types
//   free_text                                  kept, hashed or dropped
//   none                                       kept
//   type json                                  rewritten: json_rewrite.hpp
//
// in lists item by item, by the same rules. A hashed field holds 16 bytes (event::Text::hash). An id that is already of the shown form
// ("anon-<32 hex digits>": a replayed export) is stored as the hash it shows, never hashed again, so that one id has one stored form.
//
// With anonymisation off only that last sentence holds, and JSON loses the white space between its tokens: exports are one line an event.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/privacy/json_rewrite.hpp"
#include "collector/privacy/prf.hpp"
#include "collector/recent_hashes.hpp"
#include "shm/event.hpp"

namespace arbiter::privacy {

// The most that an event may take when it has passed: hashes can be longer than the ids they stand for. What the journal takes, less what
// the join may still fill in (four ids and words of up to 255 bytes, and numbers).
inline constexpr std::size_t kEventBytesMax = event::kStoredEventBytesMax - 2048;

// What passing through has done, beside the replacing.
struct Applied {
  // A JSON object or a list grew over what a field holds (65,534 bytes), or the event over kEventBytesMax: that JSON is now {}, that
  // list is gone. It takes hundreds of short ids in one event. Count it and say so.
  bool oversize = false;
  bool changed = false;  // a field that was there has another value now
};

// Where hash_for_query puts a hash.
using HashStorage = std::array<char, event::kHashBytes>;

// One thread calls apply and lift_ids; hash_for_query is for any thread.
class Anonymizer {
 public:
  Anonymizer();  // switched off
  Anonymizer(const Rules& rules, const IdKey& key);

  bool enabled() const { return enabled_; }

  // Changes `values` in place. What they point to afterwards is theirs or the anonymizer's, and stays until the next call. `values` must
  // have been decoded and found valid. Allocates nothing once its buffers have grown; costs one short hash for each id that is not an
  // agent's or a type's seen lately.
  Applied apply(event::Values& values);

  // A generic event's taskId and agentId, from the top level of its data where they are strings that can be ids (1 to 255 bytes). To be
  // called before apply. Does nothing to other kinds.
  void lift_ids(event::Values& values);

  // The stored form of an id that somebody asks for, raw or as exports show it.
  event::Text hash_for_query(std::string_view id, schema::Subject subject, HashStorage& storage) const;

 private:
  // Which fields of a kind get what. Bit i is field i.
  struct Plan {
    std::uint32_t hash = 0;       // become hashes
    std::uint32_t recurring = 0;  // of those: agents and types of tasks, of which there are few
    std::uint32_t shown = 0;      // become hashes where they are of the shown form
    std::uint32_t drop = 0, json = 0, lists = 0;
    std::uint32_t grown = 0;    // JSON and lists
    std::uint32_t changed = 0;  // all that another value replaces
  };
  enum class Action : std::uint8_t { keep, keep_id, hash, drop };

  Action action(const schema::Field& field) const;
  Plan plan(const schema::KindInfo& kind) const;
  void replace(event::Text& text, char* hash) const;
  bool rewrite(event::Values& values, unsigned field, std::span<const std::string_view> own_ids);
  bool rebuild_list(event::Values& values, unsigned field);

  bool enabled_ = false;
  Rules rules_;
  Prf prf_;
  RecentHashes<HashStorage> recent_;
  std::array<Plan, kKinds> plans_;
  std::array<HashStorage, schema::kFieldsMax> hashes_;
  std::array<std::string, schema::kFieldsMax> rewritten_;
  JsonScratch scratch_;
  TopLevelIds lifted_;
};

}  // namespace arbiter::privacy

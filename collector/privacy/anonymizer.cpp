#include "collector/privacy/anonymizer.hpp"

#include <bit>

namespace arbiter::privacy {
namespace {

using schema::Subject;
using schema::Type;

constexpr std::size_t kFieldBytesMax = event::kHashed - 1;

template <class Visit>
void each_field(std::uint32_t mask, Visit visit) {
  for (; mask != 0; mask &= mask - 1) visit(static_cast<unsigned>(std::countr_zero(mask)));
}

}  // namespace

Anonymizer::Anonymizer() : prf_(IdKey{}) {
  for (std::size_t i = 0; i < kKinds; ++i) plans_[i] = plan(schema::kKindTable[i]);
}

Anonymizer::Anonymizer(const Rules& rules, const IdKey& key) : enabled_(true), rules_(rules), prf_(key) {
  for (std::size_t i = 0; i < kKinds; ++i) plans_[i] = plan(schema::kKindTable[i]);
}

Anonymizer::Action Anonymizer::action(const schema::Field& field) const {
  switch (field.subject) {
    case Subject::none: return Action::keep;
    case Subject::agent: return enabled_ && !rules_.preserve_agent_ids ? Action::hash : Action::keep_id;
    case Subject::task:
    case Subject::execution:
    case Subject::decision:
    case Subject::trace: return enabled_ ? Action::hash : Action::keep_id;
    case Subject::task_type: return enabled_ && !rules_.preserve_task_types ? Action::hash : Action::keep_id;
    case Subject::free_text:
      if (!enabled_ || rules_.free_text == config::FreeText::keep) return Action::keep;
      return rules_.free_text == config::FreeText::hash ? Action::hash : Action::drop;
  }
  return Action::keep;
}

Anonymizer::Plan Anonymizer::plan(const schema::KindInfo& kind) const {
  Plan plan;
  for (std::size_t i = 0; i < kind.fields.size(); ++i) {
    const schema::Field& field = kind.fields[i];
    const std::uint32_t bit = std::uint32_t{1} << i;
    if (field.type == Type::json) plan.json |= bit;
    if (field.type == Type::list) {
      for (const schema::Field& item : field.list->fields)
        if (const Action a = action(item); a == Action::hash || a == Action::drop) plan.lists |= bit;
    }
    switch (action(field)) {
      case Action::keep: break;
      case Action::keep_id: plan.shown |= bit; break;
      case Action::hash:
        plan.hash |= bit;
        if (field.subject == Subject::agent || field.subject == Subject::task_type) plan.recurring |= bit;
        break;
      case Action::drop: plan.drop |= bit; break;
    }
  }
  plan.grown = plan.json | plan.lists;
  plan.changed = plan.hash | plan.grown;
  return plan;
}

void Anonymizer::replace(event::Text& text, char* hash) const {
  if (text.hashed) return;
  if (text.size == event::kHashedShownBytes) {
    if (const auto shown = event::parse_hashed(text.bytes())) {
      std::memcpy(hash, shown->data(), shown->size());
      text = event::Text::hash(hash);
      return;
    }
  }
  prf_(text.bytes(), hash);
  text = event::Text::hash(hash);
}

Applied Anonymizer::apply(event::Values& values) {
  const Plan& plan = plans_[static_cast<std::size_t>(values.kind) - 1];
  Applied applied;
  applied.changed = (plan.changed & values.present) != 0;
  if ((plan.json & values.present) != 0) {  // before the ids are hashed: it looks for them
    std::array<std::string_view, schema::kFieldsMax> own_ids;
    std::size_t ids = 0;
    each_field(plan.hash & values.present, [&](unsigned f) {
      if (!values.text[f].hashed) own_ids[ids++] = values.text[f].bytes();
    });
    each_field(plan.json & values.present, [&](unsigned f) { applied.oversize |= !rewrite(values, f, {own_ids.data(), ids}); });
  }
  each_field(plan.hash & ~plan.recurring & values.present, [&](unsigned f) { replace(values.text[f], hashes_[f].data()); });
  each_field(plan.recurring & values.present, [&](unsigned f) {
    event::Text& text = values.text[f];
    if (text.hashed) return;
    hashes_[f] = recent_.of(text.bytes(), [&](std::string_view id) {
      HashStorage hash;
      event::Text replaced(id);
      replace(replaced, hash.data());
      return hash;
    });
    text = event::Text::hash(hashes_[f].data());
  });
  each_field(plan.shown & values.present, [&](unsigned f) {
    event::Text& text = values.text[f];
    if (text.size != event::kHashedShownBytes || text.hashed || !event::parse_hashed(text.bytes())) return;
    replace(text, hashes_[f].data());
    applied.changed = true;
  });
  values.present &= ~plan.drop;
  const std::uint32_t grown = plan.grown & values.present;
  if (grown == 0) return applied;

  each_field(plan.lists & values.present, [&](unsigned f) { applied.oversize |= !rebuild_list(values, f); });
  each_field(grown, [&](unsigned f) {
    if (event::encoded_bytes(values) <= kEventBytesMax) return;
    applied.oversize = true;
    if ((plan.json >> f & 1) != 0)
      values.text[f] = std::string_view("{}");
    else
      values.clear(f);
  });
  return applied;
}

// False: it no longer fits, and is now an empty object.
bool Anonymizer::rewrite(event::Values& values, unsigned f, std::span<const std::string_view> own_ids) {
  event::Text& text = values.text[f];
  if (!enabled_ && !has_white_space(text.bytes())) return true;
  std::string& out = rewritten_[f];
  out.clear();
  bool fits = true;
  if (enabled_)
    fits = rewrite_json(text.bytes(), own_ids, rules_, prf_, scratch_, out);
  else
    minify_json(text.bytes(), out);
  fits = fits && out.size() <= kFieldBytesMax;
  text = fits ? std::string_view(out) : std::string_view("{}");
  return fits;
}

// False: it no longer fits, and is gone.
bool Anonymizer::rebuild_list(event::Values& values, unsigned f) {
  const schema::List& list = *schema::info(values.kind).fields[f].list;
  std::string& out = rewritten_[f];
  out.clear();
  event::ListWriter writer(out);
  event::ListReader reader(list, values.text[f]);
  while (reader.next()) {
    writer.item();
    for (unsigned j = 0; j < list.fields.size(); ++j) {
      if (!reader.has(j)) continue;
      const schema::Field& field = list.fields[j];
      if (!field.string()) {
        writer.real(j, reader.real(j));
        continue;
      }
      const Action what = action(field);
      if (what == Action::drop) continue;
      event::Text text = reader.text(j);
      HashStorage hash;
      if (what == Action::hash) replace(text, hash.data());
      writer.text(j, text);
    }
  }
  if (out.size() <= kFieldBytesMax) {
    values.text[f] = std::string_view(out);
    return true;
  }
  values.clear(f);
  return false;
}

void Anonymizer::lift_ids(event::Values& values) {
  if (values.kind != Kind::generic) return;
  constexpr unsigned data = schema::field(Kind::generic, "data");
  constexpr unsigned task = schema::field(Kind::generic, "taskId");
  constexpr unsigned agent = schema::field(Kind::generic, "agentId");
  values.clear(task);
  values.clear(agent);
  find_top_level_ids(values.text[data].bytes(), lifted_);
  const auto lift = [&](unsigned f, const std::string& id) {
    if (!id.empty() && id.size() <= schema::kWordBytesMax) values.set_text(f, std::string_view(id));
  };
  lift(task, lifted_.task);
  lift(agent, lifted_.agent);
}

event::Text Anonymizer::hash_for_query(std::string_view id, Subject subject, HashStorage& storage) const {
  event::Text text(id);
  const bool hash = action(schema::id("", subject)) == Action::hash;
  if (hash || (text.size == event::kHashedShownBytes && event::parse_hashed(id))) replace(text, storage.data());
  return text;
}

}  // namespace arbiter::privacy

#include "tests/fuzz/made_snapshot.hpp"

#include "collector/snapshot/publish.hpp"
#include "tests/unit/snapshot/memory_view.hpp"

namespace arbiter::fuzz {

fs::path publish_sample(const fs::path& directory) {
  MemoryView view;
  for (std::uint64_t run = 0; run < 3; ++run) sample::add_run(view, run);
  event::Values v;
  v.kind = Kind::generic;
  v.stamp = 1'800'000'000'000'000'000;
  v.sequence = 1000;
  v.set_text(schema::field(Kind::generic, "type"), std::string_view("my-own"));
  v.set_text(schema::field(Kind::generic, "data"), std::string_view(R"({"nested":{"events":[1,{"id":"x"}]}})"));
  view.add(v);
  snapshot::ExportOptions options;
  options.directory = directory.string();
  options.formats = {"events.jsonl",     "events.jsonl.zst", "trajectories.jsonl", "trajectories.jsonl.zst",
                     "decisions.dsjson", "decisions.npy",    "decisions.parquet",  "events.parquet"};
  const auto published = snapshot::publish(view, options);
  if (!published) fail(published.error().message.c_str());
  return published->path;
}

}  // namespace arbiter::fuzz

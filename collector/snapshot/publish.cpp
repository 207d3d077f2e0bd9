#include "collector/snapshot/publish.hpp"

#include <algorithm>
#include <chrono>

#include "collector/snapshot/decisions.hpp"
#include "collector/snapshot/directory.hpp"
#include "collector/snapshot/event_json.hpp"
#include "collector/snapshot/event_record.hpp"
#include "collector/snapshot/format.hpp"
#include "collector/snapshot/manifest.hpp"
#include "collector/snapshot/pretty_json.hpp"
#include "collector/snapshot/readme.hpp"
#include "collector/snapshot/trajectories.hpp"
#include "collector/snapshot/writers.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::snapshot {
namespace {

struct Data {
  std::vector<FileInfo> files;
  EventSummary summary;
  std::optional<std::uint64_t> tasks;
  std::optional<DecisionSummary> decisions;
  std::uint64_t blocks_damaged = 0;
  bool has_events = false;
};

// Every event of the view that passes, in the total order: while they are read, as long as they come nearly in it.
template <class Take>
Result<std::uint64_t> in_order(const journal::View& view, journal::View::Filter filter, Sorter& sorter, Progress& progress, Take&& take) {
  EventRecord sorted;
  const Sorter::Take take_record = [&](std::string_view, std::string_view payload) -> Result<void> {
    if (!sorted.read(payload)) return damaged_while_sorting();
    return take(sorted.event());
  };
  Result<void> ok;
  std::string record;
  filter.settled = [&](std::int64_t floor_ns) {
    const EventKeyBytes bound = event_key_bytes(floor_ns);
    if (ok) ok = sorter.settle(snapshot::view(bound), take_record);
  };
  const auto scan = view.scan(filter, [&](const journal::StoredEvent& e) {
    if (!ok) return false;
    record.clear();
    append_event_record(record, e);
    const EventKeyBytes key = event_key_bytes(e);
    ok = sorter.add(snapshot::view(key), record);
    progress.step();
    return ok.has_value();
  });
  if (!ok) return ok.error();
  progress.read_all(scan.events);
  for (;;) {
    std::string_view key, payload;
    const auto more = sorter.next(key, payload);
    if (!more) return more.error();
    if (!*more) return scan.blocks_damaged;
    if (ok = take_record(key, payload); !ok) return ok.error();
  }
}

Result<DecisionSummary> write_decisions(Decisions& decisions, const Split& split, Writers& writers) {
  const auto totals = decisions.join();
  if (!totals) return totals.error();
  if (auto ok = writers.decisions(*totals); !ok) return ok.error();
  DecisionSummary summary;
  auto ok = decisions.each([&](const DecisionRow& row) {
    summary.add(row);
    return writers.give(Rows::decisions, split.of(row.task_id, row.decided_ns), [&](Format& writer) { return writer.decision(row); });
  });
  if (!ok) return ok.error();
  summary.beyond = decisions.beyond();
  return summary;
}

using Chosen = std::vector<const FormatInfo*>;

bool any_of_events(const Chosen& chosen) {
  return std::any_of(chosen.begin(), chosen.end(), [](const FormatInfo* format) { return format->rows == Rows::events; });
}

Result<Chosen> chosen_formats(const ExportOptions& options, bool increment) {
  auto chosen = choose_formats(options.formats);
  if (!chosen) return chosen;
  if (increment) {
    std::erase_if(*chosen, [](const FormatInfo* format) { return format->rows != Rows::events; });
    if (chosen->empty()) chosen->push_back(find_format("events.jsonl.zst"));
  }
  if (any_of_events(*chosen) && !options.since_ns && options.durable) chosen->push_back(find_format(kPlacesName));
  return chosen;
}

Result<Data> write_data(const journal::View& view, const ExportOptions& options, const std::optional<Predecessor>& follows,
                        const Split& split, const Place& place) {
  const auto chosen = chosen_formats(options, follows.has_value());
  if (!chosen) return chosen.error();
  auto writers = Writers::begin(*chosen, place, split.there(), options.file_bytes);
  if (!writers) return writers.error();
  std::optional<Trajectories> trajectories;
  if (writers->any(Rows::trajectories)) trajectories.emplace(place, options.sort_memory_bytes, options.reward, split);
  std::optional<Decisions> decisions;
  if (writers->any(Rows::decisions)) decisions.emplace(place, options.sort_memory_bytes, options.reward);
  Progress unseen;
  Progress& progress = options.progress != nullptr ? *options.progress : unseen;
  progress.begin(view.statistics().retained.events(), trajectories ? 3 : 2);
  Data data;
  {
    Sorter sorter(place, options.sort_memory_bytes);
    journal::View::Filter filter;
    if (options.since_ns) filter.since_ns = *options.since_ns;
    if (follows) filter.after = follows->reach;
    const bool lines = writers->any(Rows::events);
    std::string line;
    const auto damaged = in_order(view, filter, sorter, progress, [&](const journal::StoredEvent& e) -> Result<void> {
      const Side side = split.of(e);
      data.summary.add(e);
      progress.step();
      line.clear();
      if (lines) append_event_json(line, e);
      if (auto ok = writers->give(Rows::events, side, [&](Format& writer) { return writer.event(e, line); }); !ok) return ok.error();
      if (auto ok = writers->give(Rows::places, side, [&](Format& writer) { return writer.event(e, {}); }); !ok) return ok.error();
      if (trajectories)
        if (auto ok = trajectories->add(e); !ok) return ok.error();
      if (decisions)
        if (auto ok = decisions->add(e, side); !ok) return ok.error();
      return {};
    });
    if (!damaged) return damaged.error();
    data.blocks_damaged = *damaged;
  }
  if (trajectories) {
    std::uint64_t& tasks = data.tasks.emplace(0);
    auto ok = trajectories->each([&](std::string_view piece, Side side, bool ends) {
      ends ? static_cast<void>(++tasks) : progress.step();
      return writers->give(
          Rows::trajectories, side, [&](Format& writer) { return writer.trajectory(piece, ends); }, ends);
    });
    if (!ok) return ok.error();
    trajectories.reset();
  }
  if (decisions) {
    auto counted = write_decisions(*decisions, split, *writers);
    if (!counted) return counted.error();
    data.decisions = std::move(*counted);
  }
  if (auto ok = writers->finish(data.files); !ok) return ok.error();
  data.has_events = any_of_events(*chosen);
  if (follows) {
    auto retained = write_retained(place, view);
    if (!retained) return retained.error();
    data.files.push_back(std::move(*retained));
  }
  return data;
}

// Everything of the snapshot, into `directory`. The manifest comes after all that it describes, the sums last.
Result<Published> build(const journal::View& view, const ExportOptions& options, const std::optional<Predecessor>& follows,
                        std::uint64_t number, const std::string& directory) {
  const Split split(options.split, view.statistics().last_updated_ns);
  auto data = write_data(view, options, follows, split, Place(directory, options.cipher));
  if (!data) return data.error();
  ARBITER_TESTPOINT("snapshot.data");

  ManifestFacts facts;
  facts.files = data->files;
  const auto add = [&](std::string_view name, const std::string& text, const Place& place) -> Result<void> {
    auto file = write_output(place, std::string(name), text);
    if (!file) return file.error();
    facts.files.push_back(std::move(*file));
    return {};
  };
  if (auto ok = add(kStatsName, pretty_json(options.stats), Place(directory, options.cipher)); !ok) return ok.error();
  if (auto ok = add(kReadmeName, readme_text(data->files, options.cipher != nullptr), directory); !ok) return ok.error();

  ARBITER_TESTPOINT("snapshot.described");

  facts.number = number;
  facts.created_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  facts.since_ns = options.since_ns;
  facts.key_fingerprint = options.key_fingerprint;
  if (data->has_events && !options.since_ns && options.durable) facts.chain = chain_json(number, follows, view);
  if (follows) facts.from_cursor = follows->reach.text();
  facts.to_cursor = view.cursor();
  facts.watermark_ns = view.statistics().last_updated_ns;
  facts.blocks_damaged = data->blocks_damaged;
  facts.tasks = data->tasks;
  facts.decisions = data->decisions;
  facts.reward = options.reward;
  if (split.there()) facts.split = split.json();
  const boost::json::value* losses = options.stats.if_contains("losses");
  if (losses != nullptr && losses->is_object())
    facts.losses = losses->get_object();
  else
    facts.losses["total"] = view.losses_before();

  Published published;
  published.number = number;
  published.manifest = manifest_json(facts, data->summary);
  published.blocks_damaged = data->blocks_damaged;
  if (auto ok = add(kManifestName, pretty_json(published.manifest), directory); !ok) return ok.error();
  ARBITER_TESTPOINT("snapshot.manifest");
  std::string sums;
  for (const FileInfo& file : facts.files) sums += file.stored_sha256 + "  " + file.stored_name + "\n";
  if (auto file = write_output(directory, std::string(kSumsName), sums); !file) return file.error();
  return published;
}

}  // namespace

Result<Published> publish(const journal::View& view, const ExportOptions& options) {
  const auto doing = [&](const Error& e) { return e.while_("snapshot in " + options.directory); };
  const auto directory = Directory::open(options.directory, Directory::Wait::yes);
  if (!directory) return doing(directory.error());
  const auto numbers = directory->numbers();
  if (!numbers) return doing(numbers.error());
  const std::uint64_t number = numbers->empty() ? 1 : numbers->back() + 1;

  const auto follows = find_predecessor(options.directory, *numbers, options.following, view, options.key_fingerprint);
  if (!follows) return follows.error();

  const auto building = directory->begin(number);
  if (!building) return doing(building.error());
  auto published = build(view, options, *follows, number, *building);
  if (published)
    if (auto ok = directory->complete(number); !ok) published = ok.error();
  if (!published) {
    directory->abandon(number);
    return doing(published.error());
  }
  published->path = directory->path_of(number_text(number));
  // The snapshot is there; that an older one could not be removed is for the next export to say again.
  static_cast<void>(directory->let_go(options.keep, options.max_age, [&](std::uint64_t kept) { return base_of(options.directory, kept); }));
  return published;
}

Result<void> clean_up(const std::string& directory) {
  const auto opened = Directory::open(directory, Directory::Wait::no);
  if (!opened) return opened.error().code == EWOULDBLOCK ? Result<void>() : Result<void>(opened.error());
  return opened->remove_leftovers();
}

}  // namespace arbiter::snapshot

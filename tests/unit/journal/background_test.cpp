// What waits for the background can be called off.
#include "collector/journal/background.hpp"

#include <fcntl.h>

#include <future>
#include <thread>

#include "collector/journal/raw_segment.hpp"
#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

// A raw segment with one frame of one event, ready to be sealed.
SealJob job_of(const std::string& directory, std::uint64_t index) {
  const auto maker = SegmentMaker::begin(directory, {index, {}, 64 << 10, 1, std::nullopt});
  must(maker);
  const auto made = (*maker)->finish(Table{});
  must(made);
  FrameWriter frame;
  const MadeEvent event(execution(1, 1000, true, std::nullopt));
  frame.event(lane(1), event.values);
  const auto bytes = frame.finish({.key = made->header.key, .previous = made->previous, .number = 1, .written_unix_ns = 1});
  must(made->file->write(bytes, made->end));
  SealJob job;
  job.directory = directory;
  job.raw = *made;
  job.frames_end = made->end + bytes.size();
  return job;
}

}  // namespace

TEST_CASE("a seal that is called off while it waits is never done; those before and behind it are") {
  const TempDir dir;
  must(make_directory(dir.journal()));
  Syncer syncer(dir.journal(), SyncPolicy::never, std::chrono::hours(1));
  Background background(dir.journal(), {}, nullptr, syncer);
  const std::string obstacle = dir.journal() + "/" + sealed_name(1) + ".tmp";
  std::filesystem::create_directory(obstacle);  // the first cannot be written, and nothing overtakes it
  for (const std::uint64_t index : {1u, 2u, 3u}) background.seal(job_of(dir.journal(), index));
  CHECK(background.cancel(2));
  CHECK_FALSE(background.cancel(2));  // it is not there any more
  CHECK_FALSE(background.cancel(7));  // this one never was
  std::filesystem::remove(obstacle);
  background.finish();
  std::vector<std::uint64_t> done;
  for (const Background::Done& d : background.take_done()) {
    CHECK(d.sealed.has_value());
    CHECK_FALSE(d.cancelled);
    done.push_back(d.index);
    // The chain leaves the one out that was called off.
    if (d.index == 3 && d.sealed) CHECK(d.sealed->previous_index == 1);
  }
  CHECK(done == std::vector<std::uint64_t>{1, 3});
  CHECK(files(dir.journal(), ".sealed") ==
        std::vector<std::string>{dir.journal() + "/" + sealed_name(1), dir.journal() + "/" + sealed_name(3)});
  for (const std::uint64_t index : {1u, 2u, 3u}) CHECK_FALSE(background.cancel(index));  // what is done is done
  background.seal(job_of(dir.journal(), 4));  // and to call it off has stopped nothing that came later
  background.finish();
  const auto later = background.take_done();
  REQUIRE(later.size() == 1);
  CHECK(later[0].sealed.has_value());
}

TEST_CASE("a raw file that is read while it is sealed stays until nobody reads it, and is used again then; retention takes it along") {
  const TempDir dir;
  Options options;
  options.keys = test_keys();
  options.directory = dir.journal();
  options.segment_bytes = 32 << 10;
  Recorder recorder;
  const auto journal = open(options, recorder);
  std::uint64_t n = 0;
  const auto ends_with = [&](const char* ending) { return files(options.directory, ending).size(); };
  const auto until = [&](const auto& there) {
    for (int i = 0; i < 5000 && !there(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      journal->retain(1'000'000);
      must(journal->commit());
    }
    return there();
  };
  const auto fill_one = [&] {
    for (const auto before = journal->statistics().segments; journal->statistics().segments == before;) {
      for (int i = 0; i < 20; ++i, ++n)
        put(*journal, lane(1), execution(n + 1, static_cast<std::int64_t>(1000 + n), true, std::nullopt), &recorder);
      must(journal->commit());
    }
  };
  const std::string first = options.directory + "/" + raw_name(1), spare = options.directory + "/" + spare_name(0);
  put(*journal, lane(1), execution(++n, 1000, true, std::nullopt), &recorder);
  must(journal->commit());

  auto reader = journal->view();
  fill_one();
  REQUIRE(until([&] { return ends_with(".sealed") == 1; }));
  int turns = 0;
  until([&] { return ++turns > 50; });  // what is sealed has been taken in
  CHECK(std::filesystem::exists(first));
  CHECK_FALSE(std::filesystem::exists(spare));
  reader.reset();
  CHECK(until([&] { return std::filesystem::exists(spare); }));
  CHECK_FALSE(std::filesystem::exists(first));

  const std::string second = options.directory + "/" + raw_name(2);
  reader = journal->view();
  fill_one();
  REQUIRE(until([&] { return ends_with(".sealed") == 2; }));
  CHECK(std::filesystem::exists(second));
  put(*journal, lane(1), execution(n + 1, 900'000, true, std::nullopt), &recorder);  // into the third
  must(journal->commit());
  Retention newest;
  newest.max_events = 1;
  journal->set_retention(newest);
  CHECK(until([&] { return ends_with(".sealed") == 0; }));
  CHECK_FALSE(std::filesystem::exists(second));
}

TEST_CASE("what is abandoned is not done later: a clear leaves no checkpoint of before it") {
  const TempDir dir;
  must(make_directory(dir.journal()));
  Syncer syncer(dir.journal(), SyncPolicy::never, std::chrono::hours(1));
  Background background(dir.journal(), {}, nullptr, syncer);
  std::filesystem::create_directory(checkpoint_path(dir.journal()) + ".tmp");
  background.checkpoint("of before", 0);
  background.finish();
  CHECK(background.take_trouble().episodes != 0);  // finish() begins another, if it was tried before
  background.abandon();
  std::filesystem::remove(checkpoint_path(dir.journal()) + ".tmp");
  background.finish();
  CHECK_FALSE(std::filesystem::exists(checkpoint_path(dir.journal())));
  background.checkpoint("of after", 0);
  background.finish();
  CHECK(std::filesystem::file_size(checkpoint_path(dir.journal())) == 8);
}

TEST_CASE("what is asked for before a finish is tried in it, whatever was failing just then") {
  const TempDir dir;
  must(make_directory(dir.journal()));
  Syncer syncer(dir.journal(), SyncPolicy::interval, std::chrono::milliseconds(1));
  const auto unsyncable = File::open("/dev/null", O_RDWR);
  must(unsyncable);
  syncer.written(*unsyncable, {}, 1, 1, false);
  syncer.flush();
  Background background(dir.journal(), {}, nullptr, syncer);
  for (std::uint64_t index = 1; index <= 20; ++index) {
    SealJob job = job_of(dir.journal(), index);
    background.checkpoint("never written: what comes before it is not synced", 1);
    while (!std::filesystem::exists(checkpoint_path(dir.journal()) + ".tmp")) std::this_thread::yield();
    background.seal(std::move(job));
    background.finish();
    REQUIRE(background.take_done().size() == 1);
  }
}

TEST_CASE("a file that is let go of is closed by the thread, also while nothing is to be sealed") {
  const TempDir dir;
  must(make_directory(dir.journal()));
  Syncer syncer(dir.journal(), SyncPolicy::never, std::chrono::hours(1));
  Background background(dir.journal(), {}, nullptr, syncer);
  const auto opened = File::open(dir.journal() + "/file", O_RDWR | O_CREAT);
  must(opened);
  std::promise<std::thread::id> closed;
  std::shared_ptr<const SegmentFile> file(new SegmentFile{*opened, {}, 1, false, nullptr}, [&](const SegmentFile* last) {
    delete last;
    closed.set_value(std::this_thread::get_id());
  });
  background.close(std::move(file));
  auto by = closed.get_future();
  REQUIRE(by.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK(by.get() != std::this_thread::get_id());
}

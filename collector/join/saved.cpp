// The join's state as bytes: the seed of its keys, the counts, then each table from its oldest entry to its newest. Read back untrusted.
#include <cstring>
#include <type_traits>
#include <vector>

#include "collector/join/join.hpp"

namespace arbiter::join {
namespace {

constexpr std::uint32_t kFormat = 3;

using Words = decltype(Decision::words);
using Out = std::function<void(std::string_view piece)>;

// What Writer::put() writes of a value.
template <class T>
requires std::is_trivially_copyable_v<T> std::uint64_t written_bytes(const T&) { return sizeof(T); }
std::uint64_t written_bytes(const Words& words) { return sizeof(std::uint32_t) + words.size(); }

// Gathers what is small: a table has some million fields, and the drain waits for it. Room is asked for once for each entry.
class Writer {
 public:
  explicit Writer(const Out& out) : out_(out), gathered_(kGathered) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { flush(); }

  static constexpr std::size_t kEntryBytes = 256;
  // What is put until the next call has room: values of kEntryBytes in all, and these words.
  void begin_entry(const Words* words = nullptr) {
    const std::size_t wanted = kEntryBytes + (words != nullptr ? words->size() : 0);
    if (gathered_.size() - used_ >= wanted) return;
    flush();
    if (gathered_.size() < wanted) gathered_.resize(wanted);
  }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(const T& value) {
    std::memcpy(gathered_.data() + used_, &value, sizeof value);
    used_ += sizeof value;
  }
  void put(const Words& words) {
    put(static_cast<std::uint32_t>(words.size()));
    std::memcpy(gathered_.data() + used_, words.data(), words.size());
    used_ += words.size();
  }

 private:
  static constexpr std::size_t kGathered = 16 << 10;

  void flush() {
    out_({gathered_.data(), used_});
    used_ = 0;
  }

  const Out& out_;
  std::vector<char> gathered_;
  std::size_t used_ = 0;
};

const Words* words_of(const auto& entry) {
  if constexpr (requires { entry.decision.words; })
    return &entry.decision.words;
  else
    return nullptr;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  template <class T>
  requires std::is_trivially_copyable_v<T>
  bool get(T& value) {
    if (left_.size() < sizeof value) return false;
    std::memcpy(&value, left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
    return true;
  }
  bool get(Words& words) {
    std::uint32_t size = 0;
    if (!get(size) || left_.size() < size) return false;
    words.assign(left_.begin(), left_.begin() + size);
    left_.remove_prefix(size);
    return true;
  }
  bool done() const { return left_.empty(); }

 private:
  std::string_view left_;
};

template <class Stream, class E>
bool each_ref(Stream&& field, E& ref) {
  return field(ref.lane.segment) && field(ref.lane.lane) && field(ref.sequence) && field(ref.time_ns) && field(ref.retention_ns) &&
         field(ref.location.frame);
}

// One description of an entry serves both ways: `field` writes or reads what it is given.
template <class Stream, class E>
bool each_start(Stream&& field, E& e) {
  return field(e.keys[0]) && each_ref(field, e.ref) && field(e.decision);
}
template <class Stream, class E>
bool each_waiting(Stream&& field, E& e) {
  return field(e.keys[0]) && field(e.keys[1]) && field(e.keys[2]) && each_ref(field, e.ref) && field(e.not_after_ns) && field(e.decided_ns);
}
template <class Stream, class E>
bool each_made(Stream&& field, E& e) {
  auto& d = e.decision;
  return field(e.keys[0]) && field(e.keys[1]) && field(d.time_ns) && field(d.present) && field(d.confidence) && field(d.propensity) &&
         field(d.hashed) && field(d.size) && field(d.words);
}

// The words are as long as their sizes say; a hash that is not 16 bytes long would be read past its end.
bool sound(const Decision& d) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < Decision::kWords; ++i) {
    if ((d.hashed >> i & 1) != 0 && d.size[i] != event::kHashBytes) return false;
    bytes += d.size[i];
  }
  return bytes == d.words.size();
}

template <class Table, class Each>
void put_table(Writer& out, const Table& table, Each each) {
  out.begin_entry();
  out.put(static_cast<std::uint64_t>(table.size()));
  table.each([&](const auto& entry) {
    out.begin_entry(words_of(entry));
    each(
        [&](const auto& value) {
          out.put(value);
          return true;
        },
        entry);
  });
}

}  // namespace

void Join::save(const Out& out) const {
  // No entry has more to put than it has itself.
  static_assert(sizeof(Start) <= Writer::kEntryBytes && sizeof(Waiting) <= Writer::kEntryBytes && sizeof(Made) <= Writer::kEntryBytes);
  static_assert(sizeof kFormat + sizeof(KeyHash::Seed) + sizeof(Counts) <= Writer::kEntryBytes);
  Writer w(out);
  w.begin_entry();
  w.put(kFormat);
  w.put(key_of_.seed());
  w.put(counts_);
  put_table(w, starts_, [](auto field, const Start& e) { each_start(field, e); });
  put_table(w, waiting_, [](auto field, const Waiting& e) { each_waiting(field, e); });
  put_table(w, decidable_, [](auto field, const Waiting& e) { each_waiting(field, e); });
  put_table(w, decisions_, [](auto field, const Made& e) { each_made(field, e); });
}

// Entries are of one size but for the words of the decisions, so that nobody has to be visited.
std::uint64_t Join::saved_bytes() const {
  const auto table = [](std::size_t entries, auto entry, auto each) {
    std::uint64_t bytes = 0;
    each([&](const auto& value) { return bytes += written_bytes(value), true; }, entry);
    return sizeof(std::uint64_t) + entries * bytes;
  };
  const auto waiting = [](auto field, const Waiting& e) { each_waiting(field, e); };
  return sizeof kFormat + sizeof(KeyHash::Seed) + sizeof counts_ + words_bytes_ +
         table(starts_.size(), Start{}, [](auto field, const Start& e) { each_start(field, e); }) +
         table(waiting_.size(), Waiting{}, waiting) + table(decidable_.size(), Waiting{}, waiting) +
         table(decisions_.size(), Made{}, [](auto field, const Made& e) { each_made(field, e); });
}

bool Join::load(std::string_view bytes) {
  const auto forget = [this] {
    starts_.clear();
    decisions_.clear();
    words_bytes_ = 0;
    replay_clear();
  };
  forget();
  recent_.clear();
  Reader r(bytes);
  std::uint32_t format = 0;
  KeyHash::Seed seed;
  if (!r.get(format) || format != kFormat || !r.get(seed) || !r.get(counts_)) return false;
  key_of_ = KeyHash(seed);
  const auto get_table = [&](auto entry, auto each, auto put) {
    std::uint64_t size = 0;
    if (!r.get(size)) return false;
    for (; size != 0; --size) {
      decltype(entry) e{};
      if (!each([&](auto& value) { return r.get(value); }, e)) return false;
      put(e);
    }
    return true;
  };
  const auto into = [](auto& table) {
    return [&table](auto& entry) {
      if (table.full()) table.erase(table.oldest());  // the limit was lowered since
      table.insert(std::move(entry));
    };
  };
  const auto start = [](auto field, Start& e) { return each_start(field, e); };
  const auto waiting = [](auto field, Waiting& e) { return each_waiting(field, e); };
  const auto made = [](auto field, Made& e) { return each_made(field, e) && sound(e.decision); };
  const bool good = get_table(Start{}, start, into(starts_)) && get_table(Waiting{}, waiting, into(waiting_)) &&
                    get_table(Waiting{}, waiting, into(decidable_)) && get_table(Made{}, made, [this](Made& e) { remember(std::move(e)); });
  if (!good || !r.done()) {
    forget();
    return false;
  }
  return true;
}

}  // namespace arbiter::join

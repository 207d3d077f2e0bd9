// The join's state as bytes: the seed of its keys, then what the tables tell of their entries, and last the counts. Read back untrusted.
//
//   u32 format, KeyHash::Seed | record | record | ... | u32 kEnd, Counts
//   record   u32 tag: what it tells and of which table; then kPut: the entry | kPutAgain: u32 which, the entry | kGone: u32 which
#include <cstring>
#include <type_traits>
#include <vector>

#include "collector/join/join.hpp"

namespace arbiter::join {
namespace {

constexpr std::uint32_t kFormat = 4;

enum Tag : std::uint32_t { kPut = 0, kPutAgain = 4, kGone = 8, kEnd = 12 };  // beside it, but for kEnd: the table

using Words = decltype(Decision::words);
using Out = journal::Participant::Out;

// What Writer::put() writes of a value.
template <class T>
requires std::is_trivially_copyable_v<T> std::uint64_t written_bytes(const T&) { return sizeof(T); }
std::uint64_t written_bytes(const Words& words) { return sizeof(std::uint32_t) + words.size(); }

const Words* words_of() { return nullptr; }
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
  std::size_t left() const { return left_.size(); }

 private:
  std::string_view left_;
};

template <class Stream, class E>
bool each_ref(Stream&& field, E& ref) {
  return field(ref.lane.segment) && field(ref.lane.lane) && field(ref.sequence) && field(ref.time_ns) && field(ref.retention_ns) &&
         field(ref.location.frame);
}

// One description of an entry serves both ways: `field` writes or reads what it is given.
template <class Stream, class Entry>
bool each_field(Stream&& field, Entry& e) {
  if constexpr (requires { e.decision.words; }) {
    auto& d = e.decision;
    return field(e.keys[0]) && field(e.keys[1]) && field(d.time_ns) && field(d.present) && field(d.confidence) && field(d.propensity) &&
           field(d.hashed) && field(d.size) && field(d.words);
  } else if constexpr (requires { e.decided_ns; }) {
    return field(e.keys[0]) && field(e.keys[1]) && field(e.keys[2]) && each_ref(field, e.ref) && field(e.not_after_ns) &&
           field(e.decided_ns);
  } else {
    return field(e.keys[0]) && each_ref(field, e.ref) && field(e.decision);
  }
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

void put_entry(auto& out, const auto& entry) {
  each_field(
      [&](const auto& value) {
        out.put(value);
        return true;
      },
      entry);
}

constexpr std::uint32_t kTables = 4;

// Where the entries of a table begin that are there in the end, by age.
using Offsets = std::vector<std::size_t>;
constexpr std::size_t kLeft = SIZE_MAX;

// Applies one record to what is known of its table, and passes over the entry in it. False: it makes no sense.
template <class Entry>
bool look_at(Reader& in, std::uint32_t told, std::size_t all, Offsets& offsets) {
  std::uint32_t which = 0;
  if (told != kPut && (!in.get(which) || which >= offsets.size() || offsets[which] == kLeft)) return false;
  if (told == kGone) return offsets[which] = kLeft, true;
  const std::size_t at = all - in.left();
  if (told == kPut)
    offsets.push_back(at);
  else
    offsets[which] = at;
  Entry entry{};
  return each_field([&](auto& value) { return in.get(value); }, entry);
}

}  // namespace

// Gathers what is small: there may be some million fields, and the drain waits for them. Room is asked for once for each entry.
class Join::Writer {
 public:
  explicit Writer(const Out& out) : out_(out), gathered_(kGathered) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { flush(); }

  static constexpr std::size_t kEntryBytes = 256;  // no entry has more to put than it has itself
  static_assert(sizeof(Made) + 2 * sizeof(std::uint32_t) <= kEntryBytes && sizeof(Made) >= sizeof(Waiting) &&
                sizeof(Made) >= sizeof(Start));
  static_assert(sizeof kFormat + sizeof(KeyHash::Seed) <= kEntryBytes && sizeof(std::uint32_t) + sizeof(Counts) <= kEntryBytes);
  std::size_t written() const { return written_ + used_; }
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
    written_ += used_;
    used_ = 0;
  }

  const Out& out_;
  std::vector<char> gathered_;
  std::size_t used_ = 0, written_ = 0;
};

template <class Self, class Visit>
void Join::each_table(Self& self, Visit&& visit) {
  visit(0u, self.starts_);
  visit(1u, self.waiting_);
  visit(2u, self.decidable_);
  visit(3u, self.decisions_);
}

// --- saving

void Join::begin(Writer& out) const {
  out.begin_entry();
  out.put(kFormat);
  out.put(key_of_.seed());
}

void Join::end(Writer& out) const {
  out.begin_entry();
  out.put(std::uint32_t{kEnd});
  out.put(counts_);
}

bool Join::tell(Writer& out, std::size_t bytes) {
  bool all = true;
  each_table(*this, [&](std::uint32_t number, auto& table) {
    const auto begin = [&](Tag tag, const auto&... what) {
      out.begin_entry(words_of(what...));
      out.put(tag | number);
    };
    all &= table.save_some(
        [&](const auto& entry) {
          begin(kPut, entry);
          put_entry(out, entry);
        },
        [&](std::uint32_t which, const auto& entry) {
          begin(kPutAgain, entry);
          out.put(which);
          put_entry(out, entry);
        },
        [&](std::uint32_t which) {
          begin(kGone);
          out.put(which);
        },
        [&] { return out.written() < bytes; });
  });
  return all;
}

void Join::save(const Out& out) const {
  Writer w(out);
  begin(w);
  each_table(*this, [&](std::uint32_t number, const auto& table) {
    table.each([&](const auto& entry) {
      w.begin_entry(words_of(entry));
      w.put(kPut | number);
      put_entry(w, entry);
    });
  });
  end(w);
}

void Join::begin_saving(const Out& out) {
  Writer w(out);
  begin(w);
  each_table(*this, [](std::uint32_t, auto& table) { table.begin_saving(); });
}

bool Join::save_some(const Out& out, std::size_t bytes) {
  Writer w(out);
  return tell(w, bytes);
}

void Join::finish_saving(const Out& out) {
  Writer w(out);
  tell(w, SIZE_MAX);
  end(w);
  give_up_saving();
}

void Join::give_up_saving() {
  each_table(*this, [](std::uint32_t, auto& table) { table.end_saving(); });
}

// Entries of one table are of one size but for the words of the decisions, so that nobody has to be visited.
std::uint64_t Join::saved_bytes() const {
  std::uint64_t bytes = sizeof kFormat + sizeof(KeyHash::Seed) + sizeof(std::uint32_t) + sizeof counts_ + words_bytes_;
  each_table(*this, [&]<class Entry, std::size_t Indexes>(std::uint32_t, const OldestOut<Entry, Indexes>& table) {
    std::uint64_t each = sizeof(std::uint32_t);
    const Entry entry{};
    each_field([&](const auto& value) { return each += written_bytes(value), true; }, entry);
    bytes += table.size() * each;
  });
  return bytes;
}

// --- loading

bool Join::load(std::string_view bytes) {
  const bool good = load_entries(bytes);
  if (!good) forget();
  return good;
}

void Join::forget() {
  starts_.clear();
  decisions_.clear();
  words_bytes_ = 0;
  replay_clear();
  recent_.clear();
}

bool Join::load_entries(std::string_view bytes) {
  forget();
  Reader in(bytes);
  std::uint32_t format = 0, tag = 0;
  KeyHash::Seed seed;
  if (!in.get(format) || format != kFormat || !in.get(seed)) return false;
  key_of_ = KeyHash(seed);
  Offsets offsets[kTables];
  while (in.get(tag) && tag < kEnd) {
    bool good = false;
    each_table(*this, [&]<class Entry, std::size_t Indexes>(std::uint32_t number, const OldestOut<Entry, Indexes>&) {
      if (number == tag % kTables) good = look_at<Entry>(in, tag - number, bytes.size(), offsets[number]);
    });
    if (!good) return false;
  }
  if (tag != kEnd || !in.get(counts_) || in.left() != 0) return false;

  bool good = true;
  each_table(*this, [&]<class Entry, std::size_t Indexes>(std::uint32_t number, OldestOut<Entry, Indexes>& table) {
    table.reserve(offsets[number].size());
    for (const std::size_t at : offsets[number]) {
      if (at == kLeft) continue;
      Entry entry{};
      Reader one(bytes.substr(at));
      each_field([&](auto& value) { return one.get(value); }, entry);
      if constexpr (requires { entry.decision.words; }) {
        good = good && sound(entry.decision);
        if (good) remember(std::move(entry));
      } else {
        if (table.full()) table.erase(table.oldest());  // the limit was lowered since
        table.insert(std::move(entry));
      }
    }
  });
  return good;
}

}  // namespace arbiter::join

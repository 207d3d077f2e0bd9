#include "tools/arbiter-inspect/report.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace arbiter::inspect {
namespace {

bool plain(const boost::json::value& v) { return !v.is_object() && !v.is_array(); }

std::string shown(const boost::json::value& v) {
  if (v.is_string()) return std::string(v.get_string());
  return boost::json::serialize(v);
}

void write(std::string& out, const boost::json::object& facts, std::size_t indent) {
  std::size_t widest = 0;
  for (const auto& fact : facts)
    if (plain(fact.value())) widest = std::max(widest, fact.key().size());
  for (const auto& fact : facts) {
    out.append(indent, ' ');
    out.append(fact.key().data(), fact.key().size());
    const boost::json::value& value = fact.value();
    if (plain(value)) {
      out.append(widest - fact.key().size() + 2, ' ');
      out += shown(value) + "\n";
    } else if (value.is_object()) {
      out += "\n";
      write(out, value.get_object(), indent + 2);
    } else {
      out += "\n";
      for (const boost::json::value& item : value.get_array()) {
        if (!item.is_object()) {
          out.append(indent + 2, ' ');
          out += shown(item) + "\n";
          continue;
        }
        std::string block;
        write(block, item.get_object(), indent + 4);
        if (block.size() > indent + 2) block.replace(indent + 2, 1, "-");
        out += block;
      }
    }
  }
}

}  // namespace

std::string as_text(const boost::json::object& facts) {
  std::string out;
  write(out, facts, 0);
  return out;
}

std::string time_text(std::int64_t unix_ns) {
  namespace c = std::chrono;
  const c::sys_time<c::nanoseconds> time{c::nanoseconds(unix_ns)};
  const auto day = c::floor<c::days>(time);
  const c::year_month_day date{day};
  const c::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09lldZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                static_cast<long long>(clock.subseconds().count()));
  return text.data();
}

std::string hex_text(const void* bytes, std::size_t count) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto byte = static_cast<const unsigned char*>(bytes)[i];
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

}  // namespace arbiter::inspect

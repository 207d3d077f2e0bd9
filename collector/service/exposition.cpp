#include "collector/service/exposition.hpp"

#include <array>

namespace arbiter::service {
namespace {

void escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

// A bound of a histogram, with at most nine digits: 0.0025 and not what the multiplication has left of it.
std::string bound_text(double bound) {
  std::array<char, 32> text;
  constexpr int digits = 9;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), bound, std::chars_format::general, digits).ptr};
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  out_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Exposition::line(std::string_view suffix, Labels labels, std::string_view number) {
  out_.append(name_).append(suffix);
  char before = '{';
  for (const auto& [name, value] : labels) {
    out_.append(1, before).append(name).append("=\"");
    escaped(out_, value);
    out_ += '"';
    before = ',';
  }
  if (labels.size() != 0) out_ += '}';
  out_.append(" ").append(number).append("\n");
}

void Exposition::histogram(std::string_view name, std::string_view help, const Meter& meter, double unit) {
  family(name, "histogram", help);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < meter.bounds().size(); ++i) {
    below += meter.at(i);
    line("_bucket", {{"le", bound_text(static_cast<double>(meter.bounds()[i]) * unit)}}, std::to_string(below));
  }
  const std::string count = std::to_string(below + meter.at(meter.bounds().size()));
  line("_bucket", {{"le", "+Inf"}}, count);
  line("_sum", {}, bound_text(meter.sum() * unit));
  line("_count", {}, count);
}

}  // namespace arbiter::service

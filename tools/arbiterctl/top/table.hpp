// The tables of `arbiterctl top`: what stands in their columns, in which order, and which rows are left out.
#pragma once

#include <boost/json/object.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/arbiterctl/terminal.hpp"

namespace arbiter::ctl::top {

struct Column {
  std::string_view name;
  int width;            // in columns of the terminal; the last takes what is left
  bool falling = true;  // how people want it sorted first
};

struct Cell {
  std::string text;
  std::optional<double> number;  // that it is sorted by; nothing: by its text, behind all numbers
  Colour colour = Colour::none;
};
using Row = std::vector<Cell>;  // as many as there are columns; the last is what the row is about

struct Table {
  std::string title;
  std::span<const Column> columns;
  std::vector<Row> rows;
};

// How somebody looks at a table.
struct Order {
  std::size_t sorted_by = 0;
  bool falling = true;
  std::string filter;     // rows of which no cell has it are left out; small and large letters are one
  std::size_t first = 0;  // row at the top
};

// Those rows, in that order.
std::vector<const Row*> chosen(const Table& table, const Order& how);

// `answer` of GET /v1/agents.
Table agents_table(const boost::json::object& answer);
// `status`'s producers; `before`: an earlier one, for the rates, `seconds` ago.
Table producers_table(const boost::json::object& status, const boost::json::object* before, double seconds);

std::string short_number(double number);  // 999, 12.3k, 4.56M
std::string bytes(double number);         // 12.3 MiB
std::string seconds(double number);       // 2.5 ms, 1.2 s

}  // namespace arbiter::ctl::top

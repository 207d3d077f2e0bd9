// The labels that are compiled into the product, as its sources say them.
#pragma once

#include <set>
#include <string>

namespace arbiter::crash {

std::set<std::string> labels_in_the_tree();
// Of the matrix, by the first word of the label.
std::string part_of(const std::string& label);

}  // namespace arbiter::crash

// decisions.dsjson: contextual-bandit examples for Vowpal Wabbit (--dsjson), one decision a line.
//
//   {"_label_cost":-0.9,"_label_probability":0.5,"_label_Action":2,"_labelIndex":1,"Timestamp":"2026-11-23T06:40:00.123Z","Version":"1",
//    "EventId":"..","a":[2,1],"c":{"task":{"taskType":".."},"context":{..},"_multi":[{"agent":{"id":"..","score":0.5}},..]},
//    "p":[0.5,0.5],"VWState":{"m":".."}}
//
// cost = -reward. a: the actions' numbers from 1 on, the chosen first; p: their probabilities in the same order, where all are known. The
// actions are the alternatives; a chosen agent that is none of them is added as the last. EventId is the id of the decision's event.
//
// Left out, and counted: decisions whose propensity is not known or 0, since what they weigh is not known, and those without a reward.
#include <algorithm>

#include "collector/privacy/json_text.hpp"
#include "collector/snapshot/event_json.hpp"
#include "collector/snapshot/format.hpp"
#include "collector/snapshot/quality.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::snapshot {
namespace {

class DecisionsDsjson : public Format {
 public:
  explicit DecisionsDsjson(std::string_view name) : name_(name) {}

  Result<void> begin(const Place& place) override {
    auto file = OutputFile::create(place, name_);
    if (!file) return file.error();
    file_ = std::move(*file);
    return {};
  }

  Result<void> decision(const DecisionRow& row) override {
    if (!row.propensity) return ++without_propensity_, Result<void>();
    if (!(*row.propensity > 0)) return ++zero_propensity_, Result<void>();
    if (!row.reward.value) return ++without_reward_, Result<void>();
    ++rows_;
    quality_.add(row);
    line_.clear();
    append_line(row);
    return file_->write(line_);
  }

  Result<FileInfo> finish() override {
    auto file = file_->finish(rows_);
    if (file) {
      file->left_out = {
          {"withoutPropensity", without_propensity_}, {"zeroPropensity", zero_propensity_}, {"withoutReward", without_reward_}};
      file->quality = quality_.json();
    }
    return file;
  }
  std::uint64_t bytes() const override { return file_->bytes(); }

 private:
  void append_line(const DecisionRow& row) {
    const bool among = row.chosen_index.has_value();
    const std::size_t actions = row.candidates.size() + (among ? 0 : 1), chosen = among ? *row.chosen_index : actions - 1;
    line_ += "{\"_label_cost\":";
    append_real(line_, *row.reward.value == 0 ? 0 : -*row.reward.value);  // no -0
    line_ += ",\"_label_probability\":";
    append_real(line_, *row.propensity);
    line_ += ",\"_label_Action\":" + std::to_string(chosen + 1) + ",\"_labelIndex\":" + std::to_string(chosen) + ",\"Timestamp\":\"";
    append_time_ms(line_, row.decided_ns);
    line_ += "\",\"Version\":\"1\",\"EventId\":\"" + row.id + "\",\"a\":[" + std::to_string(chosen + 1);
    for (std::size_t i = 0; i < actions; ++i)
      if (i != chosen) line_ += ',' + std::to_string(i + 1);
    line_ += "],\"c\":{\"task\":{";
    if (row.task_type) {
      line_ += "\"taskType\":";
      json::append_string(line_, *row.task_type);
    }
    line_ += "},";
    if (row.context) line_ += "\"context\":" + *row.context + ',';
    line_ += "\"_multi\":[";
    for (const Candidate& candidate : row.candidates) append_action(candidate.agent, candidate.score);
    if (!among) append_action(row.selected_agent, std::nullopt);
    line_.back() = ']';
    line_ += '}';
    append_probabilities(row, chosen);
    if (row.policy_version) {
      line_ += ",\"VWState\":{\"m\":";
      json::append_string(line_, *row.policy_version);
      line_ += '}';
    }
    line_ += "}\n";
  }

  void append_action(std::string_view agent, std::optional<double> score) {
    line_ += "{\"agent\":{\"id\":";
    json::append_string(line_, agent);
    if (score) {
      line_ += ",\"score\":";
      append_real(line_, *score);
    }
    line_ += "}},";
  }

  void append_probabilities(const DecisionRow& row, std::size_t chosen) {
    for (std::size_t i = 0; i < row.candidates.size(); ++i)
      if (i != chosen && !row.candidates[i].probability) return;
    line_ += ",\"p\":[";
    append_real(line_, *row.propensity);
    for (std::size_t i = 0; i < row.candidates.size(); ++i) {
      if (i == chosen) continue;
      line_ += ',';
      append_real(line_, *row.candidates[i].probability);
    }
    line_ += ']';
  }

  std::string name_, line_;
  std::unique_ptr<OutputFile> file_;
  DecisionQuality quality_;
  std::uint64_t rows_ = 0, without_propensity_ = 0, zero_propensity_ = 0, without_reward_ = 0;
};

}  // namespace

std::unique_ptr<Format> make_decisions_dsjson(std::string_view file_name) { return std::make_unique<DecisionsDsjson>(file_name); }

}  // namespace arbiter::snapshot

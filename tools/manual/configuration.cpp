#include <boost/json/serialize.hpp>

#include "collector/config/config.hpp"
#include "collector/config/table.hpp"
#include "tools/manual/programs.hpp"

namespace arbiter::manual {
namespace {

std::string default_of(const config::Key& key, const config::Config& defaults) {
  const config::Value value = key.get(key, defaults);
  std::string text = boost::json::serialize(config::json_of(key, value));
  if (text == "null" && !key.null_means.empty()) text.append(": ").append(key.null_means);
  return text;
}

std::string sentence(std::string text) {
  if (!text.ends_with('.')) text += '.';
  return text;
}

}  // namespace

std::string configuration_page() {
  const config::Config defaults;
  std::string out = heading(kConfigurationName, kConfigurationSection, "configuration of arbiter-collector");
  out += ".Sh DESCRIPTION\n" +
         paragraph(
             "One JSON document. Comments and trailing commas are allowed. A key that is not known is refused, with the nearest one that "
             "exists. What is not written has its default, and so an empty document, or no file, is a good configuration.") +
         ".Pp\n" +
         paragraph(
             "Durations are text such as \"7d\" or \"1h30m\", sizes are text such as \"64MiB\"; null means no limit, or the usual place. "
             "A key below is written with its group: retention.max_age stands for max_age in the object retention.") +
         ".Pp\nThe file is checked with\n.Ql arbiter\\-collector \\-\\-check\\-config ,\n" +
         paragraph(
             "read again on SIGHUP, and taken over as a whole or not at all. Keys that change while running say so; the others are taken "
             "over at "
             "the next start.") +
         ".Sh KEYS\n.Bl -tag -width Ds\n";
  for (const config::Key& key : config::keys()) {
    out += ".It Cm " + escaped(key.path) + "\n" + paragraph(sentence(std::string(key.help))) + ".Pp\n" +
           paragraph("Default: " + sentence(default_of(key, defaults)) + " Allowed: " + sentence(config::allowed_text(key)) + " " +
                     (key.live ? "Changes while running." : "Changes at the next start."));
  }
  out += ".El\n" + list_of("FILES", "Pa",
                           {{"/etc/arbiter/collector.json", "That of the service; of an instance, /etc/arbiter-NAME/collector.json."},
                            {"/usr/share/arbiter/collector.json", "Every key with its default, documented."},
                            {"/usr/share/arbiter/collector.schema.json", "JSON Schema of the file, for editors."}});
  return out + see_also({"arbiterctl 1", "arbiter-collector 8"});
}

}  // namespace arbiter::manual

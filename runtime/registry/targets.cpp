// Which kind of target a place is.
#include "base/error.hpp"
#include "base/url.hpp"
#include "files/json_lines.hpp"
#include "postgres/place.hpp"
#include "postgres/target.hpp"

namespace lugger {

namespace {

bool is_json_lines(std::string_view place) {
  if (place == "-") return true;
  if (!url_scheme(place).empty()) return false;
  if (place.ends_with(".gz")) place.remove_suffix(3);
  return place.ends_with(".jsonl") || place.ends_with(".ndjson") || place.ends_with(".json");
}

}  // namespace

std::span<const OptionSpec> target_options(const std::string& place) {
  if (is_postgres_place(place)) return pg_target_options();
  if (is_json_lines(place)) return json_lines_options();
  throw Error(Code::kConfig,
              fmt::format("cannot tell what kind of target {} is", mask_secrets(place)),
              "give a PostgreSQL URL, local:DIR for a private server, a file that ends in .jsonl "
              "or .jsonl.gz, or -");
}

std::shared_ptr<Target> open_target(const std::string& place, const Options& options) {
  options.check("target", target_options(place));
  return is_postgres_place(place) ? make_pg_target(place, options)
                                  : make_json_lines_target(place, options);
}

}  // namespace lugger

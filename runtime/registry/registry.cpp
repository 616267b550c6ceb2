#include "registry/registry.hpp"

#include <algorithm>
#include <iterator>

#include "base/error.hpp"
#include "base/url.hpp"
#include "files/json_lines.hpp"
#include "files/place.hpp"
#include "mongo/client.hpp"
#include "mongo/place.hpp"
#include "pinecone/address.hpp"
#include "pinecone/source.hpp"
#include "pinecone/target.hpp"
#include "postgres/place.hpp"
#include "postgres/source.hpp"
#include "postgres/target.hpp"
#include "weaviate/address.hpp"
#include "weaviate/source.hpp"
#include "weaviate/target.hpp"

namespace lugger {
namespace {

bool any(const std::string&) { return true; }

constexpr PlaceKind kKinds[] = {
    {"postgresql", is_postgres_place, true, pg_source_options, make_postgres_source,
     look_at_postgres, any, pg_target_options, make_pg_target},
    {"mongodb", is_mongo_place, false, mongo_options, make_mongo_source, look_at_mongo},
    {"weaviate", is_weaviate_place, false, weaviate_source_options, make_weaviate_source,
     look_at_weaviate, any, weaviate_target_options, make_weaviate_target},
    {"pinecone", is_pinecone_place, false, pinecone_source_options, make_pinecone_source,
     look_at_pinecone, any, pinecone_target_options, make_pinecone_target},
    {"files", any, false, file_options, open_files, look_at_files,
     [](const std::string& place) { return is_json_lines(place); }, json_lines_options,
     make_json_lines_target},
};

const PlaceKind& kind_of_target(const std::string& place) {
  const PlaceKind& kind = kind_of(place);
  if (kind.takes_rows != nullptr && kind.takes_rows(place)) return kind;
  throw Error(Code::kConfig,
              fmt::format("cannot tell what kind of target {} is", mask_secrets(place)),
              "give a PostgreSQL URL, local:DIR for a private server, weaviate://HOST:PORT/CLASS, "
              "pinecone://INDEX, a file that ends in .jsonl or .jsonl.gz, or -");
}

}  // namespace

const PlaceKind& kind_of(const std::string& place) {
  return *std::find_if(std::begin(kKinds), std::prev(std::end(kKinds)),
                       [&](const PlaceKind& kind) { return kind.is(place); });
}

std::unique_ptr<Source> open_source(const std::string& place, const Options& options) {
  const PlaceKind& kind = kind_of(place);
  options.check("source", kind.source_options());
  return kind.open_source(place, options);
}

PlaceInfo look_at_place(const std::string& place, const Options& options) {
  return kind_of(place).look(place, options);
}

std::shared_ptr<Target> open_target(const std::string& place, const Options& options) {
  const PlaceKind& kind = kind_of_target(place);
  options.check("target", kind.target_options());
  return kind.open_target(place, options);
}

std::span<const OptionSpec> source_options(const std::string& place) {
  return kind_of(place).source_options();
}

std::span<const OptionSpec> target_options(const std::string& place) {
  return kind_of_target(place).target_options();
}

namespace {

std::vector<OptionSpec> every(std::span<const OptionSpec> (*PlaceKind::*options)()) {
  std::vector<OptionSpec> out;
  for (const PlaceKind& kind : kKinds) {
    if (kind.*options == nullptr) continue;
    for (const OptionSpec& option : (kind.*options)()) {
      if (std::ranges::find(out, option.name, &OptionSpec::name) == out.end())
        out.push_back(option);
    }
  }
  return out;
}

}  // namespace

std::vector<OptionSpec> every_source_option() { return every(&PlaceKind::source_options); }
std::vector<OptionSpec> every_target_option() { return every(&PlaceKind::target_options); }

}  // namespace lugger

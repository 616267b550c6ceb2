// The table of all kinds of places. No other code asks which kind a place is.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "place/source.hpp"
#include "place/target.hpp"

namespace lugger {

struct PlaceKind {
  std::string_view name;                           // "postgresql", "files"
  bool (*is)(const std::string& place) = nullptr;  // the first kind that says yes is taken
  bool sql = false;                                // SQL sessions, migrations and fixes can use it
  std::span<const OptionSpec> (*source_options)() = nullptr;
  std::unique_ptr<Source> (*open_source)(const std::string&, const Options&) = nullptr;
  PlaceInfo (*look)(const std::string&, const Options&) = nullptr;
  // The rest is not set for kinds that can only be read.
  bool (*takes_rows)(const std::string& place) = nullptr;  // which of its places rows can go to
  std::span<const OptionSpec> (*target_options)() = nullptr;
  std::shared_ptr<Target> (*open_target)(const std::string&, const Options&) = nullptr;
};

/// Every place has a kind: a place that no other kind recognises is a file, whether it exists or
/// not.
const PlaceKind& kind_of(const std::string& place);

/// Opens a place. options.collection ("db.name" or "name") chooses one of several collections;
/// Error{config} lists them when it is missing.
std::unique_ptr<Source> open_source(const std::string& place, const Options& options);
/// What a place holds, after its oplog has been applied; a single file holds one collection.
PlaceInfo look_at_place(const std::string& place, const Options& options);
/// Error{config} when rows cannot go to this place.
std::shared_ptr<Target> open_target(const std::string& place, const Options& options);
/// The options that a place accepts, by its kind, for checks and help.
std::span<const OptionSpec> source_options(const std::string& place);
std::span<const OptionSpec> target_options(const std::string& place);
/// The options of all kinds of places, each name once.
std::vector<OptionSpec> every_source_option();
std::vector<OptionSpec> every_target_option();

}  // namespace lugger

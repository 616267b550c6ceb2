// The kinds of places there are: the one table of them, and the only code that asks which kind a
// place is.
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
  bool (*is)(const std::string& place) = nullptr;  // kinds are asked in their order
  bool sql = false;                                // SQL sessions, migrations and fixes go there
  std::span<const OptionSpec> (*source_options)() = nullptr;
  std::unique_ptr<Source> (*open_source)(const std::string&, const Options&) = nullptr;
  PlaceInfo (*look)(const std::string&, const Options&) = nullptr;
  // Nothing from here on for a kind that is only read.
  bool (*takes_rows)(const std::string& place) = nullptr;  // of its places, those rows can go to
  std::span<const OptionSpec> (*target_options)() = nullptr;
  std::shared_ptr<Target> (*open_target)(const std::string&, const Options&) = nullptr;
};

/// Every place is of some kind: what nothing else claims is a file, there or not.
const PlaceKind& kind_of(const std::string& place);

/// Opens a place. With several collections in it, options.collection ("db.name" or "name") chooses;
/// Error{config} lists them when it is missing.
std::unique_ptr<Source> open_source(const std::string& place, const Options& options);
/// What a place holds, at the end of its oplog; one collection for a single file.
PlaceInfo look_at_place(const std::string& place, const Options& options);
/// Error{config} when the place is none that rows can go to.
std::shared_ptr<Target> open_target(const std::string& place, const Options& options);
/// The options a place takes, by its kind, for checks and help.
std::span<const OptionSpec> source_options(const std::string& place);
std::span<const OptionSpec> target_options(const std::string& place);

}  // namespace lugger

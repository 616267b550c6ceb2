#include "bindings/census_tables.hpp"

#include "bindings/tables.hpp"

namespace lugger {

static void push(lua_State* L, const CensusType& type) {
  lua_newtable(L);
  set(L, "type", type_word(type.type));
  set(L, "values", type.values);
  set(L, "examples", type.examples);
}

static void set_range(lua_State* L, const CensusRange& range) {
  if (range.least.empty()) return;
  set(L, "least", range.least);
  set(L, "greatest", range.greatest);
}

static void set_lengths(lua_State* L, const CensusLengths& lengths) {
  set(L, "least", lengths.least);
  set(L, "greatest", lengths.greatest);
  set(L, "mean", lengths.mean);
  set(L, "empty", lengths.empty);
}

static void push(lua_State* L, const CensusLengths& lengths) {
  lua_newtable(L);
  set_lengths(L, lengths);
}

static void set_digits(lua_State* L, const CensusDigits& digits) {
  set(L, "looked_at", digits.looked_at);
  set(L, "precision", digits.precision);
  set(L, "scale", digits.scale);
}

static void push(lua_State* L, const CensusIntegers& integers) {
  lua_newtable(L);
  set_range(L, integers);
  set(L, "beyond_double", integers.beyond_double);
}

static void push(lua_State* L, const CensusDoubles& doubles) {
  lua_newtable(L);
  set_range(L, doubles);
  set(L, "values", doubles.values);
  set(L, "whole", doubles.whole);
  set(L, "nan", doubles.nan);
  set(L, "infinite", doubles.infinite);
  set_digits(L, doubles.digits);
}

static void push(lua_State* L, const CensusDecimals& decimals) {
  lua_newtable(L);
  set_range(L, decimals);
  set(L, "values", decimals.values);
  set(L, "special", decimals.special);
  set_digits(L, decimals.digits);
}

static void push(lua_State* L, const CensusDates& dates) {
  lua_newtable(L);
  set_range(L, dates);
  set(L, "outside", dates.outside);
}

static void push(lua_State* L, const TextLooks& looks) {
  lua_newtable(L);
  set(L, "looked_at", looks.looked_at);
  set(L, "number", looks.number);
  set(L, "integer", looks.integer);
  set(L, "padded", looks.padded);
  set(L, "date", looks.date);
  set(L, "bool", looks.boolean);
  set(L, "uuid", looks.uuid);
  set(L, "object_id", looks.object_id);
  set(L, "json", looks.json);
  set(L, "precision", looks.digits.precision());
  set(L, "scale", looks.digits.scale);
}

static void push(lua_State* L, const CensusTexts& texts) {
  lua_newtable(L);
  set_lengths(L, texts);
  set(L, "values", texts.values);
  set(L, "with_nul", texts.with_nul);
  set(L, "bad_utf8", texts.bad_utf8);
  if (texts.with_nul != 0) set(L, "nul_example", texts.nul_example);
  if (texts.bad_utf8 != 0) set(L, "utf8_example", texts.utf8_example);
  set(L, "looks", texts.looks);
}

static void push(lua_State* L, const CensusTop& top) {
  lua_newtable(L);
  set(L, "value", top.value);
  set(L, "type", top.type);
  set(L, "count", top.count);
}

static void push(lua_State* L, const CensusSubtype& subtype) {
  lua_newtable(L);
  set(L, "subtype", subtype.subtype);
  set(L, "values", subtype.values);
}

static void push(lua_State* L, const CensusPath& path) {
  lua_newtable(L);
  set(L, "path", path.path);
  set(L, "name", path.name);
  set(L, "kind", kPathKindWords[static_cast<size_t>(path.kind)]);
  if (path.parent >= 0) set(L, "parent", path.parent + 1);
  set(L, "depth", path.depth);
  set(L, "documents", path.documents);
  set(L, "parents", path.parents);
  set(L, "present", path.present);
  set(L, "nulls", path.nulls);
  set(L, "missing", path.missing);
  set_list(L, "types", path.types);
  set(L, "null_examples", path.null_examples);
  const auto set_some = [&](const char* name, const auto& some) {
    if (!some) return;
    push(L, *some);
    lua_setfield(L, -2, name);
  };
  set_some("integers", path.integers);
  set_some("doubles", path.doubles);
  set_some("decimals", path.decimals);
  set_some("dates", path.dates);
  set_some("texts", path.texts);
  set_some("binaries", path.binaries);
  set_some("arrays", path.arrays);
  if (!path.subtypes.empty()) set_list(L, "subtypes", path.subtypes);
  set(L, "distinct", path.distinct);
  set(L, "distinct_exact", path.distinct_exact);
  set_list(L, "top", path.top);
  set(L, "top_error", path.top_error);
  if (path.names != 0) set(L, "names", path.names);
  if (path.not_walked != 0) set(L, "not_walked", path.not_walked);
  if (path.repeated != 0) {
    set(L, "repeated", path.repeated);
    set(L, "repeated_example", path.repeated_example);
  }
  if (!path.same_but_case.empty()) set(L, "same_but_case", path.same_but_case);
  set(L, "type", path.type);
}

static void push(lua_State* L, const CensusDiscriminator::Kind& kind) {
  lua_newtable(L);
  set(L, "value", kind.value);
  set(L, "documents", kind.documents);
  set(L, "always", kind.always);
  set(L, "never", kind.never);
}

static void push(lua_State* L, const CensusDiscriminator& found) {
  lua_newtable(L);
  set(L, "path", found.path);
  set(L, "decides", found.decides);
  set_list(L, "kinds", found.kinds);
}

static void push(lua_State* L, const CensusFaultText& fault) {
  lua_newtable(L);
  set(L, "document", fault.document);
  set(L, "id", fault.id);
  set(L, "path", fault.path);
  set(L, "what", fault.what);
  set(L, "at", fault.at);
  set(L, "inside", fault.inside);
}

static void push(lua_State* L, const CensusBreak& found) {
  lua_newtable(L);
  set(L, "message", found.message);
  set(L, "hint", found.hint);
  set(L, "documents", found.documents);
}

void push(lua_State* L, const SurveySnapshot& snapshot) {
  lua_newtable(L);
  set(L, "documents", snapshot.documents);
  set(L, "bytes", snapshot.bytes);
  set(L, "total_bytes", snapshot.total_bytes);
  set(L, "seconds", snapshot.seconds);
}

void push(lua_State* L, const CollectionCensus& census) {
  lua_newtable(L);
  set(L, "info", census.info);
  set(L, "documents", census.documents);
  set(L, "malformed", census.malformed);
  set(L, "bytes", census.bytes);
  lua_newtable(L);
  set_lengths(L, census.sizes);
  lua_setfield(L, -2, "sizes");
  set(L, "largest", census.largest);
  set(L, "complete", census.complete);
  if (census.sample) {
    lua_newtable(L);
    set(L, "documents", census.sample->documents);
    set(L, "chance", census.sample->chance);
    lua_setfield(L, -2, "sample");
  }
  set_list(L, "paths", census.paths);
  set_list(L, "discriminators", census.discriminators);
  set_list(L, "faults", census.faults);
  set_list(L, "breaks", census.breaks);
  set(L, "tolerated", census.tolerated);
  set(L, "seconds", census.seconds);
  set(L, "workers", census.workers);
}

}  // namespace lugger

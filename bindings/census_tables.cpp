#include "bindings/census_tables.hpp"

#include "bindings/tables.hpp"
#include "census/collector.hpp"
#include "engine/job_impl.hpp"

namespace lugger {

static constexpr Field<CensusType> kType[] = {
    field<[](const CensusType& type) { return type_word(type.type); }>(
        "type", "\"int32\", \"string\", ..."),
    field<&CensusType::values>("values"),
    field<&CensusType::examples>("examples",
                                 "ids of the first three documents; \"#17\" is the 17th document, "
                                 "where there is no _id"),
};
Record<CensusType> record_of(const CensusType*) { return {"lugger.census_type", "", kType}; }

static constexpr Field<CensusLengths> kLengths[] = {
    field<&CensusLengths::least>("least"),
    field<&CensusLengths::greatest>("greatest"),
    field<&CensusLengths::mean>("mean"),
    field<&CensusLengths::empty>("empty", "how many were empty"),
};
Record<CensusLengths> record_of(const CensusLengths*) {
  return {"lugger.census_lengths", "bytes of texts and binaries, elements of arrays", kLengths};
}

// The ends of a range; an empty range has none.
static std::optional<std::string> least_of(const CensusRange& range) {
  return when(!range.least.empty(), range.least);
}
static std::optional<std::string> greatest_of(const CensusRange& range) {
  return when(!range.least.empty(), range.greatest);
}
static constexpr std::string_view kAsText = "as text, so that no digit is lost";

static constexpr Field<CensusIntegers> kIntegers[] = {
    field<least_of>("least", kAsText),
    field<greatest_of>("greatest", kAsText),
    field<&CensusIntegers::beyond_double>("beyond_double", "that a double cannot hold"),
};
Record<CensusIntegers> record_of(const CensusIntegers*) {
  return {"lugger.census_integers", "", kIntegers};
}

static constexpr Field<CensusDoubles> kDoubles[] = {
    field<least_of>("least", kAsText),
    field<greatest_of>("greatest", kAsText),
    field<&CensusDoubles::values>("values"),
    field<&CensusDoubles::whole>("whole", "without a fraction"),
    field<&CensusDoubles::nan>("nan"),
    field<&CensusDoubles::infinite>("infinite"),
    field<[](const CensusDoubles& doubles) { return doubles.digits.looked_at; }>(
        "looked_at", "values whose digits were counted"),
    field<[](const CensusDoubles& doubles) { return doubles.digits.precision; }>(
        "precision", "digits that numeric needs to hold them"),
    field<[](const CensusDoubles& doubles) { return doubles.digits.scale; }>(
        "scale", "of these behind the point"),
};
Record<CensusDoubles> record_of(const CensusDoubles*) {
  return {"lugger.census_doubles", "", kDoubles};
}

static constexpr Field<CensusDecimals> kDecimals[] = {
    field<least_of>("least", kAsText),
    field<greatest_of>("greatest", kAsText),
    field<&CensusDecimals::values>("values"),
    field<&CensusDecimals::special>("special", "NaN and infinities"),
    field<[](const CensusDecimals& decimals) { return decimals.digits.looked_at; }>(
        "looked_at", "values whose digits were counted"),
    field<[](const CensusDecimals& decimals) { return decimals.digits.precision; }>(
        "precision", "digits that numeric needs to hold them"),
    field<[](const CensusDecimals& decimals) { return decimals.digits.scale; }>(
        "scale", "of these behind the point"),
};
Record<CensusDecimals> record_of(const CensusDecimals*) {
  return {"lugger.census_decimals", "", kDecimals};
}

static constexpr Field<CensusDates> kDates[] = {
    field<least_of>("least"),
    field<greatest_of>("greatest"),
    field<&CensusDates::outside>("outside", "of PostgreSQL's years"),
};
Record<CensusDates> record_of(const CensusDates*) { return {"lugger.census_dates", "", kDates}; }

static constexpr Field<TextLooks> kLooks[] = {
    field<&TextLooks::looked_at>("looked_at",
                                 "texts examined; fewer than texts.values where only a part was"),
    field<&TextLooks::number>("number"),
    field<&TextLooks::integer>("integer", "of the numbers, those without a fraction"),
    field<&TextLooks::padded>(
        "padded", "of the integers, those a number would not give back: \"007\", \"+1\""),
    field<&TextLooks::date>("date"),
    field<&TextLooks::boolean>("bool", "\"true\" and \"false\""),
    field<&TextLooks::uuid>("uuid"),
    field<&TextLooks::object_id>("object_id", "24 hex digits"),
    field<&TextLooks::json>("json", "documents and arrays as JSON text"),
    field<[](const TextLooks& looks) { return looks.digits.precision(); }>(
        "precision", "digits that numeric needs to hold the numbers"),
    field<[](const TextLooks& looks) { return looks.digits.scale; }>("scale",
                                                                     "of these behind the point"),
};
Record<TextLooks> record_of(const TextLooks*) {
  return {"lugger.census_looks", "texts that another type could hold", kLooks};
}

static constexpr Field<CensusTexts> kTexts[] = {
    field<&CensusTexts::least>("least", "bytes"),
    field<&CensusTexts::greatest>("greatest"),
    field<&CensusTexts::mean>("mean"),
    field<&CensusTexts::empty>("empty", "how many were empty"),
    field<&CensusTexts::values>("values"),
    field<&CensusTexts::with_nul>("with_nul", "texts with NUL"),
    field<&CensusTexts::bad_utf8>("bad_utf8", "texts that are not UTF-8"),
    field<[](const CensusTexts& texts) { return when(texts.with_nul != 0, texts.nul_example); }>(
        "nul_example", "id of a document"),
    field<[](const CensusTexts& texts) { return when(texts.bad_utf8 != 0, texts.utf8_example); }>(
        "utf8_example", "id of a document"),
    field<&CensusTexts::looks>("looks"),
};
Record<CensusTexts> record_of(const CensusTexts*) { return {"lugger.census_texts", "", kTexts}; }

static constexpr Field<CensusTop> kTop[] = {
    field<&CensusTop::value>("value", "at most 40 bytes, \"...\" behind a longer one"),
    field<&CensusTop::type>("type"),
    field<&CensusTop::count>("count"),
};
Record<CensusTop> record_of(const CensusTop*) { return {"lugger.census_top", "", kTop}; }

static constexpr Field<CensusSubtype> kSubtype[] = {
    field<&CensusSubtype::subtype>("subtype"),
    field<&CensusSubtype::values>("values"),
};
Record<CensusSubtype> record_of(const CensusSubtype*) {
  return {"lugger.census_subtype", "", kSubtype};
}

static constexpr Field<CensusVectors> kVectors[] = {
    field<&CensusVectors::values>("values"),
    field<&CensusVectors::least>("least", "dimensions"),
    field<&CensusVectors::greatest>("greatest", "dimensions"),
    field<&CensusVectors::zeros>("zeros", "vectors that are all zeros"),
    field<&CensusVectors::non_finite>("non_finite", "vectors with NaN or infinities"),
    field<&CensusVectors::duplicates>("duplicates", "vectors that were there before"),
    field<&CensusVectors::exact>("exact", "false: duplicates are an estimate"),
    field<&CensusVectors::zero_examples>("zero_examples", "ids of the first three documents"),
    field<&CensusVectors::non_finite_examples>("non_finite_examples"),
    field<&CensusVectors::duplicate_examples>("duplicate_examples"),
};
Record<CensusVectors> record_of(const CensusVectors*) {
  return {"lugger.census_vectors", "", kVectors};
}

/// A list that is left out when it is empty, as it is for most paths.
template <typename List>
static std::optional<List> unless_empty(const List& list) {
  return when(!list.empty(), list);
}

/// Set by Lua: stdlib/inner/census/advice.lua.
static std::optional<bool> added_later(const CensusPath&) { return {}; }

static constexpr Field<CensusPath> kPath[] = {
    field<&CensusPath::path>("path", "\"lines[].price\", as a column's `from` takes it"),
    field<&CensusPath::name>(
        "name", "the last name as it is in the data; \"[]\" for elements, \"*\" for folded names"),
    field<[](const CensusPath& path) { return kPathKindWords[static_cast<size_t>(path.kind)]; }>(
        "kind", "", R"("field"|"element"|"folded")"),
    field<[](const CensusPath& path) { return when(path.parent >= 0, path.parent + 1); }>(
        "parent", "place of the path above in paths, from 1; nil: the document itself"),
    field<&CensusPath::depth>("depth", "from 1"),
    field<&CensusPath::documents>("documents", "that have the path, whatever its value"),
    field<&CensusPath::parents>(
        "parents",
        "documents, at any depth, that could have the field; 0 for elements and folded names"),
    field<&CensusPath::present>("present", "values, null left out"),
    field<&CensusPath::nulls>("nulls"),
    field<&CensusPath::missing>("missing", "of the parents, those without the field"),
    field<&CensusPath::types>("types", "most frequent first, without null"),
    field<&CensusPath::null_examples>("null_examples"),
    field<&CensusPath::integers>("integers"),
    field<&CensusPath::doubles>("doubles"),
    field<&CensusPath::decimals>("decimals"),
    field<&CensusPath::dates>("dates"),
    field<&CensusPath::texts>("texts"),
    field<&CensusPath::binaries>("binaries"),
    field<&CensusPath::arrays>("arrays"),
    field<&CensusPath::vectors>("vectors", "lists of at least eight numbers, and vectors by type"),
    field<[](const CensusPath& path) { return unless_empty(path.subtypes); }>("subtypes",
                                                                              "of binaries"),
    field<&CensusPath::distinct>(
        "distinct", "distinct scalars; an estimate (standard error 2.3 %) unless distinct_exact"),
    field<&CensusPath::distinct_exact>("distinct_exact"),
    field<&CensusPath::top>("top", "the most frequent values"),
    field<&CensusPath::top_error>("top_error", "counts in top may be too small by this"),
    field<[](const CensusPath& path) { return when(path.names != 0, path.names); }>(
        "names", "folded: how many names there were, an estimate"),
    field<[](const CensusPath& path) { return when(path.not_walked != 0, path.not_walked); }>(
        "not_walked", "documents and arrays nested too deep to look into"),
    field<[](const CensusPath& path) { return when(path.repeated != 0, path.repeated); }>(
        "repeated", "times the name came twice in one document"),
    field<[](const CensusPath& path) { return when(path.repeated != 0, path.repeated_example); }>(
        "repeated_example"),
    field<[](const CensusPath& path) { return unless_empty(path.same_but_case); }>(
        "same_but_case", "names beside it that differ by case alone"),
    field<&CensusPath::type>("type",
                             "narrowest column type that holds every value; jsonb otherwise"),
    field<added_later>("suggests", "added by census_advice", "lugger.census_suggestion|nil"),
    field<added_later>("notes", "added by census_advice", "string[]|nil"),
};
Record<CensusPath> record_of(const CensusPath*) { return {"lugger.census_path", "", kPath}; }

static constexpr Field<CensusDiscriminator::Kind> kKind[] = {
    field<&CensusDiscriminator::Kind::value>("value"),
    field<&CensusDiscriminator::Kind::documents>("documents"),
    field<&CensusDiscriminator::Kind::always>("always"),
    field<&CensusDiscriminator::Kind::never>("never"),
};
Record<CensusDiscriminator::Kind> record_of(const CensusDiscriminator::Kind*) {
  return {"lugger.census_kind", "documents with one value of a discriminator", kKind};
}

static constexpr Field<CensusDiscriminator> kDiscriminator[] = {
    field<&CensusDiscriminator::path>("path"),
    field<&CensusDiscriminator::decides>("decides", "names of the fields whose presence it tells"),
    field<&CensusDiscriminator::kinds>("kinds", "most documents first"),
};
Record<CensusDiscriminator> record_of(const CensusDiscriminator*) {
  return {"lugger.census_discriminator",
          "a text field whose value tells which other fields a document has", kDiscriminator};
}

static constexpr Field<CensusFaultText> kFault[] = {
    field<&CensusFaultText::document>("document", "from 1"),
    field<&CensusFaultText::id>("id", "\"\" when it could not be read"),
    field<&CensusFaultText::path>(
        "path", "the document or array with the fault; \"\" is the document itself"),
    field<&CensusFaultText::what>("what"),
    field<&CensusFaultText::at>("at", "byte of the (unpacked) source where the document begins"),
    field<&CensusFaultText::inside>("inside", "byte of the document where the fault is"),
};
Record<CensusFaultText> record_of(const CensusFaultText*) {
  return {"lugger.census_fault",
          "a document that is not valid BSON; what stands before the fault was counted", kFault};
}

static constexpr Field<CensusBreak> kBreak[] = {
    field<&CensusBreak::message>("message"),
    field<&CensusBreak::hint>("hint"),
    field<&CensusBreak::documents>("documents", "that were read in front of it"),
};
Record<CensusBreak> record_of(const CensusBreak*) {
  return {"lugger.census_break", "where reading ended before the end", kBreak};
}

static constexpr Field<CensusSample> kSample[] = {
    field<&CensusSample::documents>("documents", "passed by"),
    field<&CensusSample::chance>("chance", "that each had to be taken"),
};
Record<CensusSample> record_of(const CensusSample*) {
  return {"lugger.census_sample", "", kSample};
}

static constexpr Field<CollectionCensus> kCensus[] = {
    field<&CollectionCensus::info>("info"),
    field<&CollectionCensus::documents>("documents"),
    field<&CollectionCensus::malformed>("malformed"),
    field<&CollectionCensus::bytes>("bytes", "of the documents as BSON or rows"),
    field<&CollectionCensus::sizes>("sizes", "bytes of a document"),
    field<&CollectionCensus::largest>("largest", "id of the largest document"),
    field<&CollectionCensus::complete>("complete",
                                       "false: stopped at the limit, at a break, or by the user"),
    field<&CollectionCensus::sample>("sample"),
    field<&CollectionCensus::paths>("paths", "each behind its parent"),
    field<&CollectionCensus::discriminators>("discriminators", "those that decide most first"),
    field<&CollectionCensus::faults>("faults", "the first ten"),
    field<&CollectionCensus::breaks>("breaks"),
    field<&CollectionCensus::tolerated>("tolerated", "documents that were not standard JSON"),
    field<&CollectionCensus::seconds>("seconds"),
    field<&CollectionCensus::workers>("workers"),
};
Record<CollectionCensus> record_of(const CollectionCensus*) {
  return {"lugger.collection_census", "", kCensus};
}

static constexpr Field<SurveySnapshot> kSnapshot[] = {
    field<&SurveySnapshot::documents>("documents"),
    field<&SurveySnapshot::bytes>("bytes"),
    field<&SurveySnapshot::total_bytes>("total_bytes", "0: unknown"),
    field<&SurveySnapshot::seconds>("seconds"),
};
Record<SurveySnapshot> record_of(const SurveySnapshot*) {
  return {"lugger.census_snapshot", "", kSnapshot};
}

static constexpr Field<ReferenceCandidate> kCandidate[] = {
    field<[](const ReferenceCandidate& found) { return found.collection + 1; }>(
        "collection", "its place in the list"),
    field<[](const ReferenceCandidate& found) { return found.target + 1; }>("target",
                                                                            "as collection"),
    field<&ReferenceCandidate::path>("path"),
    field<&ReferenceCandidate::by>("by", "", R"("values"|"name")"),
    field<&ReferenceCandidate::values>("values"),
    field<&ReferenceCandidate::looked_at>("looked_at"),
    field<&ReferenceCandidate::found>("found"),
};
Record<ReferenceCandidate> record_of(const ReferenceCandidate*) {
  return {"lugger.reference_candidate", "a path that may refer to a collection", kCandidate};
}

static constexpr Field<ReferenceCount::Example> kExample[] = {
    field<&ReferenceCount::Example::document>("document"),
    field<&ReferenceCount::Example::value>("value"),
};
Record<ReferenceCount::Example> record_of(const ReferenceCount::Example*) {
  return {"lugger.dangling_value", "", kExample};
}

static constexpr Field<ReferenceCount> kCount[] = {
    field<&ReferenceCount::path>("path"),
    field<&ReferenceCount::values>("values"),
    field<&ReferenceCount::found>("found"),
    field<&ReferenceCount::dangling>("dangling"),
    field<&ReferenceCount::examples>("examples", "of dangling values, the first three"),
};
Record<ReferenceCount> record_of(const ReferenceCount*) {
  return {"lugger.reference_count", "", kCount};
}

static constexpr Field<LoadTrial> kTrial[] = {
    field<&LoadTrial::documents>("documents"),
    field<&LoadTrial::bytes>("bytes", "of the documents in the source's form"),
    field<&LoadTrial::refused>("refused"),
    field<&LoadTrial::row_bytes>("row_bytes", "of the values as they would be stored"),
    field<&LoadTrial::columns>("columns"),
    field<&LoadTrial::seconds>("seconds", "on one core"),
    field<[](const LoadTrial&) { return connection_seconds_per_byte(); }>(
        "connection_seconds_per_byte"),
};
Record<LoadTrial> record_of(const LoadTrial*) { return {"lugger.load_trial", "", kTrial}; }

static constexpr Field<UpdateCounts::Collection> kUpdates[] = {
    field<&UpdateCounts::Collection::inserts>("inserts"),
    field<&UpdateCounts::Collection::updates>("updates"),
    field<&UpdateCounts::Collection::replacements>("replacements"),
    field<&UpdateCounts::Collection::deletes>("deletes"),
    field<&UpdateCounts::Collection::paths>("paths", "updates that touched a path"),
    field<&UpdateCounts::Collection::other_paths>("other_paths",
                                                  "updates of paths beyond the first 10,000"),
};
Record<UpdateCounts::Collection> record_of(const UpdateCounts::Collection*) {
  return {"lugger.update_counts", "", kUpdates};
}

}  // namespace lugger

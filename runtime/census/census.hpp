// The census of one collection in the form that is shown: on the terminal, as JSON, to the
// scaffold.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "census/collector.hpp"
#include "place/source.hpp"

namespace lugger {

struct CensusType {
  ValueType type = ValueType::kMissing;
  uint64_t values = 0;
  std::vector<std::string> examples;  // ids of documents, the first three
};

/// Ends of a range as text, so that no digit is lost.
struct CensusRange {
  std::string least, greatest;
};

struct CensusLengths {
  uint64_t least = 0, greatest = 0, empty = 0;
  double mean = 0;
};

struct CensusDigits {
  uint64_t looked_at = 0;
  int precision = 0, scale = 0;
};

struct CensusIntegers : CensusRange {
  uint64_t beyond_double = 0;
};

struct CensusDoubles : CensusRange {
  uint64_t values = 0, whole = 0, nan = 0, infinite = 0;
  CensusDigits digits;
};

struct CensusDecimals : CensusRange {
  uint64_t values = 0, special = 0;
  CensusDigits digits;
};

struct CensusDates : CensusRange {
  uint64_t outside = 0;
};

struct CensusTexts : CensusLengths {
  uint64_t values = 0, with_nul = 0, bad_utf8 = 0;
  std::string nul_example, utf8_example;
  TextLooks looks;
};

struct CensusSubtype {
  int subtype = 0;
  uint64_t values = 0;
};

struct CensusTop {
  std::string value, type;
  uint64_t count = 0;
};

struct CensusVectors {
  uint64_t values = 0;
  uint64_t least = 0, greatest = 0;  // dimensions
  uint64_t zeros = 0, non_finite = 0;
  uint64_t duplicates = 0;  // vectors that were there before
  bool exact = true;        // false: duplicates are an estimate
  std::vector<std::string> zero_examples, non_finite_examples, duplicate_examples;  // ids
};

struct CensusPath {
  std::string path;  // "lines[].price", as a column's `from` takes it
  std::string name;  // the last name, as it is in the data; "[]" and "*"
  PathKind kind = PathKind::kField;
  int parent = -1;  // place in CollectionCensus::paths; -1: the document itself
  int depth = 1;
  uint64_t documents = 0;  // that have the path, whatever its value
  uint64_t parents = 0;    // documents (at any depth) that could have the field
  uint64_t present = 0, nulls = 0, missing = 0;
  std::vector<CensusType> types;           // most frequent first, without null
  std::vector<std::string> null_examples;  // ids
  std::optional<CensusIntegers> integers;
  std::optional<CensusDoubles> doubles;
  std::optional<CensusDecimals> decimals;
  std::optional<CensusDates> dates;
  std::optional<CensusTexts> texts;
  std::optional<CensusLengths> binaries;
  std::vector<CensusSubtype> subtypes;
  std::optional<CensusLengths> arrays;
  std::optional<CensusVectors> vectors;
  uint64_t distinct = 0;
  bool distinct_exact = true;
  std::vector<CensusTop> top;
  uint64_t top_error = 0;  // a count may be too small by this
  uint64_t names = 0;      // kFolded: how many names, an estimate
  uint64_t not_walked = 0;
  uint64_t repeated = 0;
  std::string repeated_example;
  std::vector<std::string> same_but_case;  // names beside it that differ by case alone
  std::string type;                        // narrowest_type()
};

/// A text field whose value tells which other fields a document has.
struct CensusDiscriminator {
  struct Kind {
    std::string value;
    uint64_t documents = 0;
    std::vector<std::string> always;  // fields that differ between kinds and are always here
    std::vector<std::string> never;
  };
  std::string path;
  std::vector<Kind> kinds;           // most documents first
  std::vector<std::string> decides;  // fields whose presence it tells
};

struct CensusFaultText {
  uint64_t document = 0;  // from 1
  std::string id, path, what;
  std::optional<uint64_t> at;  // byte of the source where the document begins
  uint64_t inside = 0;
};

/// A place where reading failed before the end of a partition.
struct CensusBreak {
  std::string message, hint;
  uint64_t documents = 0;  // read before the failure
};

struct CensusSample {
  uint64_t documents = 0;  // seen while sampling; the census took `documents` of these
  double chance = 1;
};

/// Hashes of the values of a path that may be keys or refer to keys.
struct CensusKeys {
  int path;  // place in CollectionCensus::paths
  uint64_t values;
  SmallestHashes hashes;
};

struct CollectionCensus {
  SourceInfo info;
  uint64_t documents = 0, malformed = 0;
  uint64_t bytes = 0;  // of the documents counted
  CensusLengths sizes;
  std::string largest;   // id
  bool complete = true;  // false: stopped at a limit, at a break, or by the user
  std::optional<CensusSample> sample;
  std::vector<CensusPath> paths;  // each behind its parent
  std::vector<CensusDiscriminator> discriminators;
  std::vector<CensusFaultText> faults;
  std::vector<CensusBreak> breaks;
  std::vector<CensusKeys> keys;
  uint64_t tolerated = 0;
  double seconds = 0;
  int workers = 1;
};

/// Fills in what a collector knows. The caller adds the rest (info, breaks, seconds).
CollectionCensus tell(const Collector& collector);
std::vector<CensusDiscriminator> find_discriminators(const Collector& collector);
/// An example as shown: its _id, or "#17" for the 17th document.
std::string example_text(const CensusExample& example);

}  // namespace lugger

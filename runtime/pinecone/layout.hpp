// What becomes of each column of a mapping in a record of Pinecone.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "pinecone/id_text.hpp"
#include "pinecone/index.hpp"
#include "pinecone/metadata.hpp"
#include "plan/plan.hpp"

namespace lugger {

enum class RecordForm : uint8_t {
  kId,         // as the record's id, or a part of it
  kNamespace,  // as the namespace that the record is in
  kValues,
  kSparse,
  kMetadata,  // a JSON object whose members are fields of the metadata, or of the document
  kBool,      // the others are a field of the metadata each
  kNumber,
  kText,
  kList,  // of strings
  kJson,
  kNone,  // nothing can hold it
};

struct RecordSlot {
  RecordForm form = RecordForm::kNone;
  std::string name = {};   // of the field
  uint64_t dimension = 0;  // of kValues; 0: not known
};

struct RecordOptions {
  std::string index;
  std::optional<std::string>
      name_space;        // as the user spells it; nullopt: a column says it, or the default one
  std::string metadata;  // the column whose members are the metadata
  std::string metric, cloud, region;  // of an index to be made
  bool schema_words = false;          // it is made in the words of 2026-07
  bool documents = false;             // what is made is a document index
  PineconeIds ids{false};
  MetadataPolicy policy;

  static RecordOptions of(const Options& options, const std::string& version);
  /// "index docs, namespace acme at https://..."
  std::string told(const std::string& server) const;
};

struct RecordLayout {
  std::vector<RecordSlot> slots;    // one for each column of the table
  std::vector<size_t> id;           // slots of the id, in the order of the key
  std::optional<size_t> by_column;  // the slot of the namespace
  std::string name_space;           // of all records, as Pinecone has it, where no column says it
  bool documents = false;           // of a document index, whose records are their fields
  std::vector<std::string> problems, warnings;

  /// The first slot of that form; nullopt: there is none.
  std::optional<size_t> of(RecordForm form) const noexcept;
  /// A field of the metadata is a column's.
  bool owns(std::string_view field) const noexcept;
};

/// "" for the default one, by whatever name.
std::string namespace_name(std::string_view spelled, const PineconeIds& ids);

/// `there` is the index as it is; nullptr: it is to be made.
RecordLayout record_layout(const PlanShape& plan, const PineconeIndex* there,
                           const RecordOptions& options);
/// The JSON by which the index is made. Error{config} when nothing says of how many dimensions.
std::string index_definition(const PlanShape& plan, const RecordLayout& layout,
                             const RecordOptions& options);

}  // namespace lugger

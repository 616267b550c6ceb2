// The sources that read files, made by the registry once it knows what a file is.
#pragma once
#include <memory>

#include "files/csv_records.hpp"
#include "files/input.hpp"
#include "place/source.hpp"
#include "value/json_reader.hpp"

namespace lugger {

/// How a file's one collection is called, and what is known of it beside the file.
struct CollectionName {
  std::string database, collection;
  std::string metadata_json;
  std::vector<std::string> warnings;
  std::vector<std::string> advice = {};
};

/// One collection's .bson, plain (mapped, can be split) or gzip or standard input (streamed).
std::unique_ptr<Source> make_bson_source(std::shared_ptr<const Input> input, CollectionName name);
/// mongoexport output and other JSON documents.
std::unique_ptr<Source> make_json_source(std::shared_ptr<const Input> input, CollectionName name,
                                         JsonForm form);
/// CSV: a document for each record.
std::unique_ptr<Source> make_csv_source(std::shared_ptr<const Input> input, CollectionName name,
                                        CsvShape shape);
/// One collection of an archive, chosen by options.collection.
std::unique_ptr<Source> make_archive_source(std::shared_ptr<const Input> input,
                                            const Options& options);
std::vector<CollectionInfo> list_archive(const Input& input);

}  // namespace lugger

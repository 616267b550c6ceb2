// Finds the oplog of a dump, and reads its entries.
#pragma once
#include <optional>

#include "base/options.hpp"
#include "change/oplog_entry.hpp"
#include "files/input.hpp"

namespace lugger {

struct OplogPlace {
  std::string shown;     // "dump/oplog.bson", "the oplog in shop.archive"
  std::string identity;  // changes when the file does
  OpenOplog open;
  bool certain = true;  // false: only reading the archive tells whether it holds one
};

/// What options.oplog says: nothing (take the one there is), yes, no, or a file.
struct OplogChoice {
  enum class Kind : uint8_t { kDefault, kYes, kNo, kFile } kind = Kind::kDefault;
  std::string file;
};
OplogChoice oplog_choice(const Options& options);

/// Of a dump directory, or of the dump that the directory of one database belongs to.
std::optional<OplogPlace> oplog_of_directory(const std::string& directory, const Options& options);
/// Of a file that is no archive: only when options.oplog asks for it.
std::optional<OplogPlace> oplog_of_file(const AllowedPath& place, const Options& options);
/// Of an archive. Standard input is read once, so its oplog, which comes last, cannot be replayed:
/// Error{config} when that is asked for.
std::optional<OplogPlace> oplog_of_archive(std::shared_ptr<const Input> input,
                                           const Options& options);
/// The file itself: an oplog.bson, gzip or not. Error{config} when it does not hold BSON.
OplogPlace oplog_file(const AllowedPath& place);

/// Not the directory of one database.
bool is_whole_dump(const std::string& directory);
/// For a file that lies in a dump with an oplog, which is not replayed unless asked for; else "".
std::string advice_beside_oplog(const std::string& path, const Options& options);
/// What a dump without an oplog means, in a sentence.
std::string advice_without_oplog(const std::string& directory);

/// Error{config}: options.oplog asks for an oplog, and there is none.
[[noreturn]] void refuse_missing_oplog(std::string_view place);

}  // namespace lugger

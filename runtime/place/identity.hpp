// How a source is recognised when a run that has read it is resumed.
#pragma once
#include <string>
#include <string_view>

#include "base/gate.hpp"

namespace lugger {

/// One text for the ledger: first what the data is, then where and when it was seen. "4096 bytes,
/// digest 0f1e... @ /dump/users.bson, inode 1234, modified ..., changed ...".
struct SourceIdentity {
  std::string data;   // sizes and digests; sources with equal ones are taken for the same data
  std::string stamp;  // path, inode and times; equal ones prove that the source is the same

  std::string text() const { return stamp.empty() ? data : data + kBetween + stamp; }
  static SourceIdentity of(std::string_view text);
  static constexpr char kBetween[] = " @ ";
};

/// The identity of a file: its size, and a digest of its beginning, its end and blocks in between.
/// Error{read} when it cannot be read.
SourceIdentity identify_file(const AllowedPath& path);

/// True when the place can be read only once: "-" for standard input, a pipe such as <(zcat x), or
/// a device. Nothing is opened.
bool is_read_once(const std::string& place);

enum class Sameness {
  kSame,
  kTouched,  // size and digest are equal, but the file was copied, moved, touched or
             // written again: a change between the blocks of the digest would not show
  kOther,
};
Sameness compare_identities(std::string_view before, std::string_view now) noexcept;
/// Of a source that is read together with another: "A; word: B".
std::string join_identities(std::string_view source, std::string_view word, std::string_view other);

}  // namespace lugger

// Selects fields of documents: only those that are named, or all others.
#pragma once
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "value/path.hpp"

namespace lugger {

class Projection {
 public:
  /// Paths go through arrays, into the documents in them. Error{config}: one lies inside another.
  Projection(bool keep, const std::vector<std::string>& paths);
  /// The document as BSON, its fields in their order and of their types.
  std::string apply(Bytes document) const;

 private:
  void copy(size_t node, Bytes from, ByteBuffer& out) const;
  void copy_array(size_t node, Bytes from, ByteBuffer& out) const;

  bool keep_;
  PathTrie trie_;
};

}  // namespace lugger

// Records that Pinecone sent, as documents.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "pinecone/id_text.hpp"
#include "pinecone/index.hpp"

namespace lugger {

/// A record is the document {_id, namespace, values, sparse_values: {indices, values}, metadata}, one of
/// a document index {_id, _namespace, FIELDS...}: Pinecone lets no field of its own begin with `_`.
std::string_view namespace_field(const PineconeIndex& of) noexcept;

/// Belongs to one worker.
class RecordReader {
 public:
  RecordReader(PineconeIndex of, PineconeIds ids);

  void clear() noexcept;
  /// Adds the answer to a fetch. Error{read} for anything else.
  void read(std::string json, const std::string& name_space);
  /// By its id in Pinecone; nullopt: it was not in the answer.
  std::optional<Bytes> record(const std::string& id) const;
  size_t records() const noexcept { return places_.size(); }

 private:
  const PineconeIndex index_;
  const PineconeIds ids_;
  const std::string_view namespace_field_;
  std::string text_;
  ByteBuffer documents_;
  std::map<std::string, std::pair<size_t, size_t>, std::less<>> places_;
};

}  // namespace lugger

// Objects that Weaviate sent, as documents.
#pragma once
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "weaviate/schema.hpp"

namespace lugger {

/// A document is {_id, PROPERTIES..., vector, vectors: {NAME...}, tenant}, and with
/// WeaviateClass::times {..., created, updated}. A field of lugger's own whose name a property has got
/// goes by that name behind an underscore.
class ObjectFields {
 public:
  explicit ObjectFields(const WeaviateClass& of);
  std::string vector, vectors, tenant, created, updated;
};

/// Reads the objects of a page one by one. Belongs to one worker.
class ObjectReader {
 public:
  /// The objects are those of `tenant`: a list does not say whose they are.
  ObjectReader(WeaviateClass of, std::string tenant);
  ~ObjectReader();
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;

  const ObjectFields& fields() const noexcept { return fields_; }
  /// {"objects": [...]}. Error{read} for anything else.
  void read_page(std::string json);
  /// One object.
  void read_object(std::string json);
  /// Appends the next object's document; false: there are no more.
  bool next(ByteBuffer& out);
  /// Of the object that next() gave.
  const Uuid& id() const noexcept { return id_; }

 private:
  struct Page;
  void fail(std::string_view why) const;

  const WeaviateClass class_;
  const std::string tenant_;
  const ObjectFields fields_;
  std::unique_ptr<Page> page_;
  Uuid id_{};
};

}  // namespace lugger

// Which sets of top-level fields documents have, and which texts foretell them.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "value/value.hpp"

namespace lugger {

/// Sets of top-level fields that are there and not null, told apart by a hash of their names.
class ShapeTable {
 public:
  static constexpr size_t kMostShapes = 512, kMostFields = 256;
  static constexpr uint32_t kOther = 0;  // the shape of documents beyond the bounds

  struct Shape {
    uint64_t hash = 0, documents = 0;
    std::vector<uint64_t> fields;  // hashes of the names
  };

  ShapeTable() : shapes_(1) {}
  /// Between begin() and end(): the fields of one document.
  void begin() noexcept { hash_ = 0, fields_.clear(); }
  void field(uint64_t name_hash) {
    hash_ += name_hash * 0x9e3779b97f4a7c15;
    if (fields_.size() < kMostFields) fields_.push_back(name_hash);
  }
  /// The document's shape.
  uint32_t end();
  /// Adds another table's shapes; the places they have here, by their places there.
  std::vector<uint32_t> merge(const ShapeTable& other);
  const std::vector<Shape>& shapes() const noexcept { return shapes_; }

 private:
  uint32_t place_of(uint64_t hash, const std::vector<uint64_t>& fields);
  std::vector<Shape> shapes_;
  std::unordered_map<uint64_t, uint32_t> places_;
  uint64_t hash_ = 0;
  std::vector<uint64_t> fields_;
};

/// The values of one text field, and the shapes of the documents that have each.
class FieldDiscriminator {
 public:
  static constexpr size_t kMostValues = 16, kLongestValue = 64;

  struct Entry {
    uint64_t hash;
    std::string value;
    std::vector<uint64_t> by_shape;
  };

  /// Gives up when there are too many values, or one is too long to be a kind of document.
  void add(const Value& value, uint64_t hash, uint32_t shape);
  void merge(const FieldDiscriminator& other, const std::vector<uint32_t>& places);
  bool useful() const noexcept { return !given_up_ && entries_.size() >= 2; }
  bool given_up() const noexcept { return given_up_; }
  const std::vector<Entry>& entries() const noexcept { return entries_; }

 private:
  Entry* entry(uint64_t hash, std::string_view value);
  void give_up() noexcept { given_up_ = true, entries_ = {}; }
  std::vector<Entry> entries_;
  bool given_up_ = false;
};

}  // namespace lugger

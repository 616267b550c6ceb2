// The id of an object, from the key of its row.
#pragma once
#include <optional>
#include <span>
#include <string>

#include "base/digest.hpp"
#include "plan/plan.hpp"

namespace lugger {

/// A key of one uuid column is the id itself. Of any other it is the version 5 UUID, in the name
/// space of DNS, of the key's text, as Weaviate's clients make it (generate_uuid5); several columns
/// are a JSON array of their texts. nullopt: a part of the key is null.
class ObjectIds {
 public:
  explicit ObjectIds(const TablePlan& table);

  /// The only key column is the id: it needs no property of its own.
  bool is_key() const noexcept { return kept_; }
  std::optional<Uuid> of(const Value* row) const;
  /// Of a key as coerced_text() spells it.
  std::optional<Uuid> of(std::span<const std::optional<std::string>> key) const;

 private:
  const TablePlan& table_;
  bool kept_;
};

}  // namespace lugger

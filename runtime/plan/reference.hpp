// A column that points to another document's row: its computed id, or its _id as text.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "value/value.hpp"

namespace lugger {

struct Column;
struct Mapping;
struct TablePlan;

/// ref = 'users' of a column. The id of the other row follows from its _id alone, so neither has to
/// be loaded first.
struct Reference {
  std::string database, collection;  // of the documents pointed to; database empty: the job's own
  std::string table;                 // that holds them; empty: named as the collection
  std::string column;                // there; empty: "id" for uuid, "mongo_id" for text
  bool from_hex = false;             // strings of 24 hex digits stand for ObjectIds
  bool foreign_key = false;          // a constraint is made of it
  Uuid space{};  // name space of the collection's ids; bind_references() sets it
};

/// Fills in what the script left out. Error{config}: a type that cannot hold a reference.
void bind_references(Mapping& mapping);

/// A foreign key for each column with fk = true, among the mapping's constraints.
void add_reference_constraints(const std::vector<TablePlan>& tables, Mapping& mapping);

/// "the id of shop.users 64f1...": how a value of the column was made.
std::string describe_reference(const Column& column, const Value& raw);

}  // namespace lugger

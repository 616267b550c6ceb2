// Objects that were read back from a store, as the rows that they were made of.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "place/rows.hpp"
#include "place/source.hpp"
#include "plan/coercer.hpp"

namespace lugger {

/// Turns a store's values into those of the compared columns. Belongs to one worker.
class ReadBack {
 public:
  explicit ReadBack(const std::vector<ComparedColumn>& columns) : columns_(columns) {
    CoercePolicy policy;
    policy.non_finite = CoercePolicy::NonFinite::kKeep;
    for (const ComparedColumn& column : columns) coercers_.emplace_back(column.type, policy);
  }

  /// NULL for what is absent; what the column cannot hold as a text that no value of it is equal to.
  Value operator()(size_t column, const Value& in);
  /// Values live here until the next row.
  Arena& arena() noexcept { return arena_; }

 private:
  const std::vector<ComparedColumn>& columns_;
  std::vector<Coercer> coercers_;
  Arena arena_;
};

/// Calls `use` for each document of a cursor. False: it wanted no more.
bool each_document(Cursor& cursor, const std::function<bool(Bytes)>& use);

/// A store without snapshots: these are the objects while they are read.
class MovingSnapshot : public RowSnapshot {
 public:
  MovingSnapshot(int readers, const std::function<std::unique_ptr<RowReader>()>& make);
  const std::string& position() const noexcept final { return position_; }
  size_t readers() const noexcept final { return readers_.size(); }
  RowReader& reader(size_t i) noexcept final { return *readers_[i]; }

 private:
  std::string position_;
  std::vector<std::unique_ptr<RowReader>> readers_;
};

}  // namespace lugger

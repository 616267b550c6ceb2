// The changes of a live source, as they happen.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "place/source.hpp"

namespace lugger {

/// The source no longer has the changes from a position on: nothing goes on by itself.
Error position_lost(std::string message, std::string hint);
bool is_position_lost(const Error& error);

/// Made by a source whose documents others change. Cursors outlive no feed.
class Feed {
 public:
  virtual ~Feed() = default;
  /// Where changes begin that are made from now on. Ask for it before the first document is read.
  virtual Position now() = 0;
  /// Gives the key of each document that was changed, as {"_id": key}, without its contents; a key
  /// may come more than once. It never ends.
  virtual std::unique_ptr<Cursor> keys(const Position& from) = 0;
  /// Gives each document that was changed as it is now, and deleted ones as Operation::kDelete. The
  /// position behind a batch covers all changes up to there, also those that gave no document. It
  /// never ends.
  virtual std::unique_ptr<Cursor> follow(const Position& from) = 0;
  /// Appends the documents of these keys, {"_id": key} as BSON, as they are now; those that are gone
  /// as Operation::kDelete.
  virtual void look_up(std::span<const std::string_view> keys, Batch& batch) = 0;
  /// When the changes before a position were made: seconds << 32 | an ordinal; it only grows.
  virtual uint64_t time_of(const Position& position) const = 0;
};

}  // namespace lugger

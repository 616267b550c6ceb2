// The changes of a live source, as they happen.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
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
  /// Where the source keeps something for whoever follows it, it keeps it once for each `reader`:
  /// what it kept for an earlier now() of the same one goes.
  virtual Position now(const std::string& reader) = 0;
  /// The Error that now() would throw, if any; nothing is kept for it.
  virtual void check(const std::string& reader) { now(reader); }
  /// Gives the key of each document that was changed, in the form that look_up() takes, without its
  /// contents; a key may come more than once. It never ends. Where there is nothing, it says so
  /// after `wait`.
  virtual std::unique_ptr<Cursor> keys(const Position& from, std::chrono::milliseconds wait) = 0;
  /// Gives each document that was changed as it is now, and deleted ones as Operation::kDelete. The
  /// position behind a batch covers all changes up to there, also those that gave no document. It
  /// never ends. `all_deletes`: one that was deleted and is there again comes as deleted, too, first.
  virtual std::unique_ptr<Cursor> follow(const Position& from, bool all_deletes) = 0;
  /// Appends the documents of these keys, as they are now, in what is followed behind a position, and
  /// never older than the changes before it; first those that are gone, as Operation::kDelete. A
  /// key of MongoDB is {"_id": key} as BSON, one of PostgreSQL the text of its columns. False, with
  /// nothing appended: it was dropped, renamed or made anew, and
  /// whoever follows it has yet to hear of that.
  virtual bool look_up(std::span<const std::string_view> keys, const Position& behind,
                       Batch& batch) = 0;
  /// When the changes before a position were made: seconds << 32 | an ordinal; it only grows.
  virtual uint64_t time_of(const Position& position) const = 0;
  /// The source's own time now, in the same form: all that was changed until now has one that is
  /// not greater.
  virtual uint64_t time() = 0;
  /// A time as it is shown.
  virtual std::string time_text(uint64_t time) const = 0;
  /// The names of the collections beside the one that is followed, and its own.
  virtual std::vector<std::string> collections() { return {}; }
  /// What is followed behind this position where it is no longer what the source was opened as,
  /// because it was renamed; "": it is.
  virtual std::string renamed(const Position& position) const {
    static_cast<void>(position);
    return {};
  }
  /// True when a position of this source's identity as it was then is one of this source.
  virtual bool goes_on_from(std::string_view identity) const {
    static_cast<void>(identity);
    return false;
  }
  /// What is to be said of how it reads, once now() or check() was asked; "": nothing.
  virtual std::string advice() const { return {}; }
};

/// What the feeds of several sources have in common while one process follows them: a change stream
/// for each cluster, instead of one for each source.
class FeedHub {
 public:
  /// Of one place; what it is, its sources know.
  class Part {
   public:
    virtual ~Part() = default;
    /// What is to be said of it since the last call.
    virtual std::vector<std::string> told() = 0;
  };
  /// The part of a place, which is made for the first that asks.
  std::shared_ptr<Part> part(const std::string& place,
                             const std::function<std::shared_ptr<Part>()>& make);
  std::vector<std::string> told();

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Part>> parts_;
};

}  // namespace lugger

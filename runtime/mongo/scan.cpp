#include "mongo/scan.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "change/id_key.hpp"
#include "mongo/cursor.hpp"
#include "mongo/retry.hpp"
#include "mongo/scan_query.hpp"
#include "place/spec.hpp"
#include "place/step_cursor.hpp"

namespace lugger {
namespace {

// What a reply should hold: one is used and one is under way, each also in the driver's buffers.
constexpr size_t kReplyBytes = 512 << 10;
constexpr int32_t kFirstDocuments = 101;
constexpr size_t kMostDocuments = 100'000;
constexpr int kSlowly = 4;  // the wait between two replies of a server that lags, as of an attempt
constexpr double kReplySeconds = 2;  // a reply that took longer asks for fewer documents

KeyDocument key_of_hex(std::string_view hex, std::string_view place) {
  const std::optional<std::string> bytes = from_hex(hex);
  if (!bytes || bson_field(as_bytes(*bytes), "_id").type == ValueType::kMissing)
    raise(Code::kConfig, "{}: {} is no key of this source", place, quoted_excerpt(hex));
  return {bytes->begin(), bytes->end()};
}

KeyDocument key_of_field(std::string_view text, std::string_view name, std::string_view place) {
  const auto hex = spec_field(text, name);
  return hex ? key_of_hex(*hex, place) : KeyDocument();
}

/// The key of a document, as the server wrote it.
void keep_key(Bytes document, ByteBuffer& out) {
  const Value id = bson_field(document, "_id");
  if (id.type == ValueType::kMissing) {
    throw Error(Code::kRead, "a document has no _id, so the scan cannot go on behind it",
                "give it one, or read a mongodump of the collection");
  }
  write_key(id, out);
}

class ScanCursor final : public StepCursor {
 public:
  ScanCursor(const ScanPlace& place, ScanRange range, const Position& after)
      : place_(place), range_(std::move(range)), query_(place_, range_), before_(after) {
    client_.emplace(AllowedUrl(place_.url), place_.purpose);
    if (after.empty()) return;
    const KeyDocument key = key_of_field(after, "id", place_.shown);
    if (key.empty())
      raise(Code::kConfig, "{}: {} is no position of this source", place_.shown, after);
    last_.append(Bytes(key));
    go_on();
  }
  Position position() const override {
    return last_.empty() ? before_ : "id:" + to_hex(last_.view());
  }
  uint64_t bytes() const override { return bytes_; }

 private:
  bool step(Batch& batch) override {
    try {
      Bytes document;
      while (!ended_ && !next(document)) {
        ended_ = !query_.advance();
        cursor_.reset();
      }
      if (ended_) return false;
      give(batch, batch.arena().copy(document), static_cast<uint32_t>(document.size()));
      keep_key(document, last_);
      bytes_ += document.size();
      return true;
    } catch (Error& error) {
      error.note("source", place_.shown);
      error.note("collection", place_.name());
      throw;
    }
  }
  /// False: the query has no more.
  bool next(Bytes& document) {
    for (int attempt = 0;;) {
      try {
        if (!cursor_) open();
        while (!cursor_->next(document)) {
          if (!cursor_->more()) return false;
          leaves_ ? leave() : fetch();
        }
        if (skip_ && is_last(document)) {
          skip_ = false;
          continue;
        }
        skip_ = false;
        return true;
      } catch (const MongoFault& fault) {
        if (!fault.passes() || attempt == kMongoAttempts) throw;
        lose(attempt++);
      }
    }
  }
  void open() {
    server_ = place_.members->choose(*client_);
    cursor_.emplace(*client_, place_.collection.database, server_);
    cursor_->ask_for(kFirstDocuments);
    // Whoever follows the changes has stored their position before the first find.
    const uint64_t time = look_at_deployment(*client_).time;
    cursor_->open(query_.find(kFirstDocuments, time).done());
    slow_ = false;
  }
  /// The next reply is under way while the documents of this one are used.
  void fetch() {
    adapt();
    const Stopwatch watch;
    cursor_->fetch();
    slow_ = watch.seconds() > kReplySeconds;
    leaves_ = place_.members->should_leave(*client_, server_);
    if (place_.members->is_slow(server_)) wait_before(kSlowly);
    if (!leaves_) cursor_->send_ahead();
  }
  /// The server lags behind its primary: another one goes on.
  void leave() {
    leaves_ = false;
    cursor_.reset();
    if (!last_.empty()) go_on();
    open();
  }
  /// By the size of the documents that were given, asks for as many as a reply should hold.
  void adapt() {
    if (cursor_->given() == 0) return;
    const size_t each = std::max<size_t>(1, cursor_->body().size() / cursor_->given());
    const size_t wanted = kReplyBytes / each / (slow_ ? 2 : 1);
    cursor_->ask_for(static_cast<int32_t>(std::clamp<size_t>(wanted, 1, kMostDocuments)));
  }
  bool is_last(Bytes document) {
    return make_id_key(bson_field(document, "_id"), one_) &&
           make_id_key(bson_field(last_.view(), "_id"), other_) &&
           std::ranges::equal(one_.view(), other_.view());
  }
  void go_on() {
    query_.go_on_at(KeyDocument(last_.view().begin(), last_.view().end()));
    skip_ = true;
  }
  /// The cursor is gone: another one goes on behind the last document, in the same collection.
  void lose(int attempt) {
    cursor_.reset();
    wait_before(attempt);
    check_collection();
    if (!last_.empty()) go_on();
  }
  void check_collection() {
    if (!place_.collection.listed) return;
    const auto found =
        list_collections(*client_, place_.collection.database, place_.collection.name);
    if (!found.empty() && found.front().uuid == place_.collection.uuid) return;
    throw Error(Code::kRead,
                fmt::format("{} was {} while it was read", place_.name(),
                            found.empty() ? "dropped" : "dropped and made anew"),
                "what was read of the old one stands in the target: look at both, then run again "
                "with --restart");
  }

  const ScanPlace& place_;
  const ScanRange range_;
  ScanQuery query_;
  const Position before_;
  std::optional<MongoClient> client_;
  std::optional<MongoCursor> cursor_;
  ByteBuffer last_, one_, other_;  // {"_id": ...} of the last document; keys to compare
  uint64_t bytes_ = 0;
  bool skip_ = false;  // the query begins at last_
  MongoServer server_;
  bool leaves_ = false;  // the server is left behind this reply
  bool slow_ = false;    // the last reply
  bool ended_ = false;
};

}  // namespace

std::string spec_of(const ScanRange& range) {
  std::string out;
  if (!range.from.empty()) out = "min:" + to_hex(Bytes(range.from));
  if (!range.to.empty()) out += (out.empty() ? "max:" : " max:") + to_hex(Bytes(range.to));
  return out;
}

ScanRange range_of(std::string_view spec, std::string_view place) {
  return {key_of_field(spec, "min", place), key_of_field(spec, "max", place)};
}

std::unique_ptr<Cursor> open_scan(const ScanPlace& place, const ScanRange& range,
                                  const Position& after) {
  return std::make_unique<ScanCursor>(place, range, after);
}

}  // namespace lugger

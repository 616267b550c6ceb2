// A stretch of a change stream, folded: which documents changed, of all collections, and what is
// known of each behind its last event. State based: a document's events count, their deltas do not.
#pragma once
#include <span>
#include <vector>

#include "base/arena.hpp"
#include "change/stream_event.hpp"

namespace lugger {

/// What a key's last event says. kLookUp: that it changed, without the document. Who fetches it must
/// read behind the event's time; what is not found then was deleted.
enum class KeyState : uint8_t { kLookUp, kDocument, kDeleted };

/// Valid until the next add() or clear().
struct ChangedKey {
  std::string_view ns;  // "database.collection"
  Value id;             // as its first event wrote it
  KeyState state = KeyState::kLookUp;
  bool deleted = false;  // by one of its events: what is there since is another document
  Bytes document;     // kDocument: whole, BSON
  uint64_t time = 0;  // newest clusterTime of its events
  uint64_t events = 0;
};

struct ChangedKeysLimits {
  size_t bytes = 8 << 20;
  size_t keys = 20000;
};

/// One fold after another with the same memory: once it is warm, only ids that are documents
/// allocate anything.
class ChangedKeys {
 public:
  explicit ChangedKeys(ChangedKeysLimits limits = {});

  /// kTaken: its key is among keys(). kPassed: counted, it changes no document. kEnds: the event is
  /// of a whole collection or database (changes_namespace), and nothing was taken: apply what is
  /// here, clear(), then the event by itself. Copies what it keeps.
  enum class Taken : uint8_t { kTaken, kPassed, kEnds };
  /// Error{read} for a fragment of a split event that does not follow the one before.
  Taken add(const StreamEvent& event);

  /// In order of their first events.
  std::span<const ChangedKey> keys() const noexcept { return keys_; }
  uint64_t events() const noexcept { return events_; }  // taken and passed
  uint64_t time() const noexcept { return time_; }      // newest clusterTime of them; 0: none
  size_t bytes() const noexcept;
  /// Time to apply and clear(). One event more may be added all the same: a limit is exceeded by
  /// at most one document.
  bool full() const noexcept { return bytes() >= limits_.bytes || keys_.size() >= limits_.keys; }
  /// Forgets keys and counts. Keeps memory, but not what a huge document has taken beyond it.
  void clear();

 private:
  /// Of the key in the same place of keys_.
  struct Held {
    Bytes key;                // size of ns, ns, make_id_key
    uint8_t* body = nullptr;  // where a document was, and fits again
    size_t room = 0;
  };
  struct Slot {
    uint64_t hash = 0;
    size_t number = 0;  // from 1 into keys_; 0: free
  };

  void follow_fragments(const StreamEvent& event);
  void make_key(const StreamEvent& event);
  size_t place_of(const StreamEvent& event);
  size_t insert(const StreamEvent& event);
  void put_document(size_t place, Bytes document);
  void grow();

  ChangedKeysLimits limits_;
  Arena arena_;
  std::vector<ChangedKey> keys_;
  std::vector<Held> held_;
  std::vector<Slot> slots_;  // open addressing, at most half full
  ByteBuffer key_, id_key_;  // of the event under way
  uint64_t events_ = 0, time_ = 0;
  uint32_t fragment_ = 0, fragments_ = 0;  // of the last event
};

}  // namespace lugger

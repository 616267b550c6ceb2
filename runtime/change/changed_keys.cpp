#include "change/changed_keys.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "change/id_key.hpp"

namespace lugger {
namespace {

constexpr size_t kFirstSlots = 1024;

}  // namespace

ChangedKeys::ChangedKeys(ChangedKeysLimits limits) : limits_(limits), slots_(kFirstSlots) {}

ChangedKeys::Taken ChangedKeys::add(const StreamEvent& event) {
  if (changes_namespace(event.kind)) return Taken::kEnds;
  follow_fragments(event);
  ++events_;
  time_ = std::max(time_, event.time);
  if (!changes_document(event.kind)) return Taken::kPassed;
  const size_t place = place_of(event);
  ChangedKey& key = keys_[place];
  key.time = std::max(key.time, event.time);
  ++key.events;
  key.document = {};
  key.state = KeyState::kLookUp;
  if (event.kind == EventKind::kDelete) {
    key.state = KeyState::kDeleted;
    key.deleted = true;
  } else if (event.document.type == ValueType::kDocument) {
    key.state = KeyState::kDocument;
    put_document(place, event.document.bytes());
  }
  return Taken::kTaken;
}

/// Only the first fragment names the document: a rest without it would be a change that is lost.
void ChangedKeys::follow_fragments(const StreamEvent& event) {
  const bool follows =
      event.fragment <= 1 || (event.fragment == fragment_ + 1 && event.fragments == fragments_);
  if (!follows) {
    throw Error(Code::kRead,
                fmt::format("fragment {} of {} of a split event does not follow fragment {} of {}",
                            event.fragment, event.fragments, fragment_, fragments_),
                "a stream begins behind a whole event: open it again at the position stored last");
  }
  fragment_ = event.fragment;
  fragments_ = event.fragments;
}

void ChangedKeys::make_key(const StreamEvent& event) {
  const EventNamespace& ns = event.ns;
  key_.clear();
  key_.append_le(static_cast<uint32_t>(ns.database.size() + 1 + ns.collection.size()));
  key_.append(ns.database);
  key_.push('.');
  key_.append(ns.collection);
  if (!make_id_key(event.id, id_key_)) {
    // An _id that has no text, as a document with a string that is not UTF-8: equal to itself only.
    id_key_.clear();
    id_key_.push(static_cast<uint8_t>(event.id.type));
    id_key_.append(event.id.size != 0 ? event.id.bytes() : Bytes());
  }
  key_.append(id_key_.view());
}

size_t ChangedKeys::place_of(const StreamEvent& event) {
  make_key(event);
  const Bytes key = key_.view();
  const uint64_t hash = hash_of(key);
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  for (; slots_[at].number != 0; at = (at + 1) & mask) {
    const size_t place = slots_[at].number - 1;
    if (slots_[at].hash == hash && as_text(held_[place].key) == as_text(key)) return place;
  }
  const size_t place = insert(event);
  slots_[at] = {hash, place + 1};
  if (keys_.size() * 2 > slots_.size()) grow();
  return place;
}

size_t ChangedKeys::insert(const StreamEvent& event) {
  const Bytes key(arena_.copy(key_.view()), key_.size());
  ChangedKey added;
  added.ns = as_text(key.subspan(4, load_le<uint32_t>(key.data())));
  added.id = event.id;
  // Values without bytes have no size; of an empty text nothing is read.
  if (event.id.size != 0) added.id.data = arena_.copy(event.id.bytes());
  keys_.push_back(added);
  held_.push_back({key});
  return keys_.size() - 1;
}

void ChangedKeys::put_document(size_t place, Bytes document) {
  Held& held = held_[place];
  if (document.size() > held.room) {
    held.body = arena_.allocate(document.size());
    held.room = document.size();
  }
  std::memcpy(held.body, document.data(), document.size());
  keys_[place].document = {held.body, document.size()};
}

void ChangedKeys::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  std::swap(old, slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.number == 0) continue;
    size_t at = slot.hash & mask;
    while (slots_[at].number != 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

size_t ChangedKeys::bytes() const noexcept {
  return arena_.used() + keys_.size() * (sizeof(ChangedKey) + sizeof(Held) + 2 * sizeof(Slot));
}

void ChangedKeys::clear() {
  keys_.clear();
  held_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
  events_ = 0;
  time_ = 0;
  arena_.reset();
  if (arena_.capacity() > 2 * limits_.bytes) arena_ = Arena();
}

}  // namespace lugger

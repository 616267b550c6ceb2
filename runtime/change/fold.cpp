#include "change/fold.hpp"

#include <algorithm>
#include <bit>
#include <memory>

#include "base/error.hpp"
#include "change/apply.hpp"
#include "change/id_key.hpp"

namespace lugger {
namespace {

// Changes go to parts by the highest bits of their hash; a part is small enough to be sorted.
constexpr int kPartBits = 6;
constexpr size_t kParts = size_t{1} << kPartBits;

/// A change as it lies in its part.
struct Record {
  uint64_t hash, entry;
  uint32_t key_size, body_size;
  ChangeKind kind;
};
constexpr size_t kRecordBytes = 25;

Record record_at(const uint8_t* at) noexcept {
  return {load_le<uint64_t>(at), load_le<uint64_t>(at + 8), load_le<uint32_t>(at + 16),
          load_le<uint32_t>(at + 20), static_cast<ChangeKind>(at[24])};
}

/// Outcome, size of key, size of body; then both.
constexpr size_t kEntryBytes = 13;

struct Slot {
  uint64_t hash, place;
};
static_assert(sizeof(Slot) == 16);

Slot slot_at(Bytes slots, uint64_t i) noexcept {
  return {load_le<uint64_t>(slots.data() + i * sizeof(Slot)),
          load_le<uint64_t>(slots.data() + i * sizeof(Slot) + 8)};
}

[[noreturn]] void refuse_update(std::string_view place, uint64_t entry, ApplyFault fault) {
  throw Error(
      Code::kRead,
      fmt::format("{}: the update of entry {} cannot be applied: {}", place, entry,
                  fault_text(fault)),
      "the oplog is damaged, or of a server this version does not know; oplog = false reads "
      "the dump without it");
}

}  // namespace

std::optional<Folded> Fold::find(Bytes key, uint64_t hash) const noexcept {
  const Bytes slots = slots_.view(), data = data_.view();
  if (keys_ == 0) return std::nullopt;
  // An empty slot stands behind the last one, so the walk ends.
  for (uint64_t i = hash >> shift_;; ++i) {
    const Slot slot = slot_at(slots, i);
    if (slot.place == 0 || slot.hash > hash) return std::nullopt;
    if (slot.hash != hash) continue;
    const uint8_t* at = data.data() + slot.place - 1;
    const auto key_size = load_le<uint32_t>(at + 1);
    const Bytes found(at + kEntryBytes, key_size);
    if (!std::equal(found.begin(), found.end(), key.begin(), key.end())) continue;
    if (static_cast<Outcome>(at[0]) == Outcome::kUpdates)
      met_[i / 64].fetch_or(uint64_t{1} << (i % 64), std::memory_order_relaxed);
    return Folded{static_cast<Outcome>(at[0]),
                  {at + kEntryBytes + key_size, load_le<uint64_t>(at + 5)}};
  }
}

Fold::Unmet Fold::unmet() const noexcept {
  Unmet out;
  const Bytes slots = slots_.view(), data = data_.view();
  for (uint64_t i = 0; i < slots.size() / sizeof(Slot); ++i) {
    const Slot slot = slot_at(slots, i);
    if (slot.place == 0) continue;
    const uint8_t* at = data.data() + slot.place - 1;
    const bool met = (met_[i / 64].load(std::memory_order_relaxed) >> (i % 64) & 1) != 0;
    if (met || static_cast<Outcome>(at[0]) != Outcome::kUpdates) continue;
    const auto entry = load_le<uint64_t>(at + kEntryBytes + load_le<uint32_t>(at + 1));
    out.entry = out.documents++ == 0 ? entry : std::min(out.entry, entry);
  }
  return out;
}

Bytes Fold::update(Bytes document, Bytes updates, ByteBuffer& one, ByteBuffer& other,
                   std::string_view place) {
  ByteBuffer *to = &one, *from = &other;
  while (!updates.empty()) {
    const auto entry = load_le<uint64_t>(updates.data());
    const auto size = load_le<uint32_t>(updates.data() + 8);
    to->clear();
    const ApplyFault fault = apply_update(document, updates.subspan(12, size), *to);
    if (fault != ApplyFault::kNone) refuse_update(place, entry, fault);
    document = to->view();
    updates = updates.subspan(12 + size);
    std::swap(to, from);
  }
  return document;
}

Bytes Fold::next_document(uint64_t& after) const noexcept {
  const Bytes data = data_.view();
  const auto body_at = [&](uint64_t place) {
    const uint8_t* at = data.data() + place;
    return Bytes(at + kEntryBytes + load_le<uint32_t>(at + 1), load_le<uint64_t>(at + 5));
  };
  if (ordered_) return after < order_.size() ? body_at(order_[after++].second) : Bytes();
  while (after < data.size()) {
    const Bytes body = body_at(after);
    const auto outcome = static_cast<Outcome>(data[after]);
    after = static_cast<uint64_t>(body.data() + body.size() - data.data());
    if (outcome == Outcome::kDocument) return body;
  }
  return {};
}

struct FoldBuilder::Parts {
  Parts(FoldSettings given, std::string shown)
      : settings(std::move(given)),
        place(std::move(shown)),
        fold(settings),
        index(settings.directory, settings.memory) {
    for (size_t i = 0; i < kParts; ++i)
      parts.push_back(std::make_unique<SpillBytes>(settings.directory, settings.memory / kParts));
    fold.ordered_ = settings.ordered;
  }

  void fold_part(SpillBytes& part);
  uint64_t fold_key(Bytes bytes, size_t begin, size_t end);
  void keep(Bytes id, Outcome outcome, uint64_t size);
  void keep_updates(Bytes bytes, size_t begin, size_t end, Bytes id);
  void build_slots();

  FoldSettings settings;
  std::string place;
  Fold fold;
  std::vector<std::unique_ptr<SpillBytes>> parts;
  std::vector<Slot> sorted;  // of one part: hash, place
  SpillBytes index;          // of all parts, sorted: hash, 1 + place in the fold
  ByteBuffer key, state, scratch;
};

FoldBuilder::FoldBuilder(FoldSettings settings, std::string place)
    : parts_(std::make_unique<Parts>(std::move(settings), std::move(place))) {}
FoldBuilder::~FoldBuilder() = default;

void FoldBuilder::add(const Change& change) {
  Parts& self = *parts_;
  if (!make_id_key(change.id, self.key)) {
    throw Error(Code::kRead,
                fmt::format("{}: entry {} changes a document of {} without an _id", self.place,
                            change.entry, change.ns),
                "oplog = false reads the dump without its oplog");
  }
  const uint64_t hash = hash_of(self.key.view());
  self.scratch.clear();
  self.scratch.append_le(hash);
  self.scratch.append_le(change.entry);
  self.scratch.append_le(static_cast<uint32_t>(self.key.size()));
  self.scratch.append_le(static_cast<uint32_t>(change.body.size()));
  const bool in_place = self.settings.ordered && change.kind == ChangeKind::kReplace;
  self.scratch.push(static_cast<uint8_t>(in_place ? ChangeKind::kUpdate : change.kind));
  self.scratch.append(self.key.view());
  self.scratch.append(change.body);
  self.parts[hash >> (64 - kPartBits)]->append(self.scratch.view());
}

void FoldBuilder::Parts::keep(Bytes id, Outcome outcome, uint64_t size) {
  fold.data_.append_le(static_cast<uint8_t>(outcome));
  fold.data_.append_le(static_cast<uint32_t>(id.size()));
  fold.data_.append_le(size);
  fold.data_.append(id);
  ++fold.keys_;
}

void FoldBuilder::Parts::keep_updates(Bytes bytes, size_t begin, size_t end, Bytes id) {
  uint64_t size = 0;
  for (size_t i = begin; i < end; ++i)
    size += 12 + record_at(bytes.data() + sorted[i].place).body_size;
  keep(id, Outcome::kUpdates, size);
  for (size_t i = begin; i < end; ++i) {
    const uint8_t* at = bytes.data() + sorted[i].place;
    const Record record = record_at(at);
    fold.data_.append_le(record.entry);
    fold.data_.append_le(record.body_size);
    fold.data_.append({at + kRecordBytes + record.key_size, record.body_size});
  }
}

/// The changes of sorted[begin, end), all of one key, in their order.
uint64_t FoldBuilder::Parts::fold_key(Bytes bytes, size_t begin, size_t end) {
  Outcome outcome = Outcome::kUpdates;
  uint64_t inserted = 0;
  Bytes id;
  for (size_t i = begin; i < end; ++i) {
    const uint8_t* at = bytes.data() + sorted[i].place;
    const Record record = record_at(at);
    id = {at + kRecordBytes, record.key_size};
    const Bytes body(at + kRecordBytes + record.key_size, record.body_size);
    if (record.kind == ChangeKind::kDelete) {
      outcome = Outcome::kGone;
    } else if (record.kind != ChangeKind::kUpdate) {
      if (outcome != Outcome::kDocument) inserted = record.entry;
      outcome = Outcome::kDocument;
      state.clear();
      state.append(body);
    } else if (outcome == Outcome::kDocument) {
      scratch.clear();
      const ApplyFault fault = apply_update(state.view(), body, scratch);
      if (fault != ApplyFault::kNone) refuse_update(place, record.entry, fault);
      std::swap(state, scratch);
    }
  }
  const uint64_t entry_at = fold.data_.size();
  if (outcome == Outcome::kUpdates) {
    keep_updates(bytes, begin, end, id);
  } else if (outcome == Outcome::kGone) {
    keep(id, outcome, 0);
  } else {
    keep(id, outcome, state.size());
    fold.data_.append(state.view());
    if (settings.ordered) fold.order_.emplace_back(inserted, entry_at);
  }
  return entry_at;
}

void FoldBuilder::Parts::fold_part(SpillBytes& part) {
  part.finish();
  const Bytes bytes = part.view();
  sorted.clear();
  for (size_t at = 0; at < bytes.size();) {
    const Record record = record_at(bytes.data() + at);
    sorted.push_back({record.hash, at});
    at += kRecordBytes + record.key_size + record.body_size;
  }
  // Two keys may share a hash: then the key decides, before the order.
  const auto key_of = [&](const Slot& slot) {
    const uint8_t* at = bytes.data() + slot.place;
    return std::string_view(reinterpret_cast<const char*>(at + kRecordBytes),
                            load_le<uint32_t>(at + 16));
  };
  std::sort(sorted.begin(), sorted.end(), [&](const Slot& a, const Slot& b) {
    if (a.hash != b.hash) return a.hash < b.hash;
    const int keys = key_of(a).compare(key_of(b));
    return keys != 0 ? keys < 0 : a.place < b.place;
  });
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = begin + 1;
    while (end < sorted.size() && sorted[end].hash == sorted[begin].hash &&
           key_of(sorted[end]) == key_of(sorted[begin])) {
      ++end;
    }
    const uint64_t place_in_fold = fold_key(bytes, begin, end);
    index.append_le(sorted[begin].hash);
    index.append_le(place_in_fold + 1);
    begin = end;
  }
}

/// Every slot at the place its hash names, or at the next that is free: in one pass, since they
/// come sorted.
void FoldBuilder::Parts::build_slots() {
  index.finish();
  const Bytes sorted_slots = index.view();
  const int bits = std::bit_width(fold.keys_ * 2);
  fold.shift_ = 64 - std::max(bits, 1);
  uint64_t next = 0;
  const auto put = [&](const Slot& slot) {
    fold.slots_.append_le(slot.hash);
    fold.slots_.append_le(slot.place);
    ++next;
  };
  for (uint64_t i = 0; i < fold.keys_; ++i) {
    const Slot slot = slot_at(sorted_slots, i);
    while (next < slot.hash >> fold.shift_) put({0, 0});
    put(slot);
  }
  const uint64_t homes = uint64_t{1} << (64 - fold.shift_);
  while (next <= homes) put({0, 0});
  put({0, 0});
  fold.slots_.finish();
  fold.met_ = std::make_unique<std::atomic<uint64_t>[]>(next / 64 + 1);
}

Fold FoldBuilder::finish() {
  Parts& self = *parts_;
  for (std::unique_ptr<SpillBytes>& part : self.parts) {
    self.fold_part(*part);
    part.reset();
  }
  self.fold.data_.finish();
  std::sort(self.fold.order_.begin(), self.fold.order_.end());
  self.build_slots();
  return std::move(self.fold);
}

}  // namespace lugger

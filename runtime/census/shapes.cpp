#include "census/shapes.hpp"

namespace lugger {

uint32_t ShapeTable::place_of(uint64_t hash, const std::vector<uint64_t>& fields) {
  const auto known = places_.find(hash);
  if (known != places_.end()) return known->second;
  if (shapes_.size() > kMostShapes || fields.size() >= kMostFields) return kOther;
  const auto place = static_cast<uint32_t>(shapes_.size());
  shapes_.push_back({hash, 0, fields});
  places_.emplace(hash, place);
  return place;
}

uint32_t ShapeTable::end() {
  const uint32_t place = place_of(hash_, fields_);
  ++shapes_[place].documents;
  return place;
}

std::vector<uint32_t> ShapeTable::merge(const ShapeTable& other) {
  std::vector<uint32_t> places{kOther};
  shapes_[kOther].documents += other.shapes_[kOther].documents;
  for (size_t i = 1; i < other.shapes_.size(); ++i) {
    const Shape& shape = other.shapes_[i];
    places.push_back(place_of(shape.hash, shape.fields));
    shapes_[places.back()].documents += shape.documents;
  }
  return places;
}

FieldDiscriminator::Entry* FieldDiscriminator::entry(uint64_t hash, std::string_view value) {
  for (Entry& known : entries_) {
    if (known.hash == hash) return &known;
  }
  if (entries_.size() == kMostValues || value.size() > kLongestValue) {
    give_up();
    return nullptr;
  }
  entries_.push_back({hash, std::string(value), {}});
  return &entries_.back();
}

void FieldDiscriminator::add(const Value& value, uint64_t hash, uint32_t shape) {
  if (given_up_) return;
  Entry* known = entry(hash, value.text());
  if (known == nullptr) return;
  if (known->by_shape.size() <= shape) known->by_shape.resize(shape + 1);
  ++known->by_shape[shape];
}

void FieldDiscriminator::merge(const FieldDiscriminator& other,
                               const std::vector<uint32_t>& places) {
  if (other.given_up_) give_up();
  for (const Entry& theirs : other.entries_) {
    if (given_up_) return;
    Entry* ours = entry(theirs.hash, theirs.value);
    for (size_t i = 0; ours != nullptr && i < theirs.by_shape.size(); ++i) {
      if (theirs.by_shape[i] == 0) continue;
      const uint32_t place = places[i];
      if (ours->by_shape.size() <= place) ours->by_shape.resize(place + 1);
      ours->by_shape[place] += theirs.by_shape[i];
    }
  }
}

}  // namespace lugger

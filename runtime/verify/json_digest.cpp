#include "verify/json_digest.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/ascii.hpp"

namespace lugger {

namespace {

using simdjson::ondemand::json_type;

enum Tag : uint8_t { kText = 1, kNumber, kTrue, kFalse, kNull, kArrayOf, kObjectOf, kBroken };

struct Member {
  Digest key, value;
};

/// A stable sort. Small objects are sorted in place, because std::stable_sort allocates each time.
void sort_by_key(std::vector<Member>& members, size_t first) {
  constexpr size_t kSmall = 32;
  if (members.size() - first > kSmall) {
    std::stable_sort(members.begin() + static_cast<std::ptrdiff_t>(first), members.end(),
                     [](const Member& a, const Member& b) { return a.key < b.key; });
    return;
  }
  for (size_t i = first + 1; i < members.size(); ++i) {
    const Member member = members[i];
    size_t at = i;
    for (; at != first && member.key < members[at - 1].key; --at) members[at] = members[at - 1];
    members[at] = member;
  }
}

}  // namespace

struct JsonDigester::State {
  uint64_t seed = 0;
  simdjson::ondemand::parser parser;
  ByteBuffer padded, scratch;
  std::vector<Member> members;  // of the objects being read, the innermost last
  std::vector<Digest> items;

  Digest tagged(Tag tag, std::string_view bytes) {
    return digest_bytes(as_bytes(bytes), seed + tag);
  }
  Digest number(std::string_view text) {
    scratch.clear();
    append_number_value(text, scratch);
    return digest_bytes(scratch.view(), seed + kNumber);
  }
  /// Of members with equal keys the last one counts. The digests of members are added, so that
  /// their order does not matter.
  Digest object(size_t first) {
    sort_by_key(members, first);
    Digest sum;
    uint64_t count = 0;
    for (size_t i = first; i < members.size(); ++i) {
      if (i + 1 < members.size() && members[i + 1].key == members[i].key) continue;
      sum += digest_bytes({reinterpret_cast<const uint8_t*>(&members[i]), sizeof(Member)}, seed);
      ++count;
    }
    members.resize(first);
    const uint64_t parts[3] = {count, sum.lo, sum.hi};
    return digest_bytes({reinterpret_cast<const uint8_t*>(parts), sizeof parts}, seed + kObjectOf);
  }
  Digest array(size_t first) {
    const Digest out = digest_bytes({reinterpret_cast<const uint8_t*>(items.data() + first),
                                     (items.size() - first) * sizeof(Digest)},
                                    seed + kArrayOf);
    items.resize(first);
    return out;
  }
  template <typename Value>
  Digest read(Value&& value);
};

template <typename Value>
Digest JsonDigester::State::read(Value&& value) {
  switch (json_type(value.type())) {
    case json_type::object: {
      const size_t first = members.size();
      for (auto field : value.get_object()) {
        const Digest key = tagged(kText, std::string_view(field.unescaped_key()));
        const Digest found = read(field.value());
        members.push_back({key, found});
      }
      return object(first);
    }
    case json_type::array: {
      const size_t first = items.size();
      for (auto item : value.get_array()) {
        const Digest found = read(item.value());
        items.push_back(found);
      }
      return array(first);
    }
    case json_type::string: return tagged(kText, std::string_view(value.get_string()));
    case json_type::number: return number(std::string_view(value.raw_json_token()));
    case json_type::boolean: return tagged(bool(value.get_bool()) ? kTrue : kFalse, {});
    default: break;
  }
  return tagged(kNull, {});
}

JsonDigester::JsonDigester(uint64_t seed) : state_(std::make_unique<State>()) {
  state_->seed = seed;
}
JsonDigester::~JsonDigester() = default;
JsonDigester::JsonDigester(JsonDigester&&) noexcept = default;

Digest JsonDigester::digest(std::string_view json) {
  State& state = *state_;
  state.padded.clear();
  state.padded.append(json);
  std::memset(state.padded.room(simdjson::SIMDJSON_PADDING), ' ', simdjson::SIMDJSON_PADDING);
  state.members.clear();
  state.items.clear();
  try {
    auto document = state.parser
                        .iterate(state.padded.text().data(), json.size(),
                                 json.size() + simdjson::SIMDJSON_PADDING)
                        .value();
    // simdjson gives no value object for a document that is a scalar; it is read from the document.
    if (document.is_scalar()) return state.read(document);
    return state.read(document.get_value().value());
  } catch (const simdjson::simdjson_error&) {
    return state.tagged(kBroken, json);
  }
}

void append_number_value(std::string_view number, ByteBuffer& out) {
  while (!number.empty() && !is_digit(number.back())) number.remove_suffix(1);
  size_t at = 0;
  const bool negative = !number.empty() && number[0] == '-';
  if (negative || (!number.empty() && number[0] == '+')) ++at;
  const size_t start = out.size();
  out.push(negative ? '-' : '+');
  int64_t exponent = 0;
  bool fraction = false;
  for (; at < number.size() && (is_digit(number[at]) || number[at] == '.'); ++at) {
    if (number[at] == '.') {
      fraction = true;
      continue;
    }
    if (fraction) --exponent;
    if (number[at] != '0' || out.size() > start + 1) out.push(static_cast<uint8_t>(number[at]));
  }
  if (at < number.size()) {
    ++at;  // "e"
    if (at < number.size() && number[at] == '+') ++at;
    int64_t written = 0;
    std::from_chars(number.data() + at, number.data() + number.size(), written);
    exponent += written;
  }
  while (out.size() > start + 1 && out.data()[out.size() - 1] == '0') {
    out.truncate(out.size() - 1);
    ++exponent;
  }
  if (out.size() == start + 1) {  // zero has no sign and no exponent
    out.truncate(start);
    out.push('0');
    return;
  }
  out.append_le(exponent);
}

}  // namespace lugger

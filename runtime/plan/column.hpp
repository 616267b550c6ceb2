// A column of the mapping: where its value comes from, what it becomes, what happens when it
// cannot.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/column_type.hpp"
#include "plan/constant.hpp"
#include "plan/reference.hpp"
#include "value/decimal.hpp"
#include "value/id_text.hpp"
#include "value/json_writer.hpp"

namespace lugger {

struct EmbedSettings;

enum class OnError : uint8_t { kReject, kNull, kDefault, kError };

/// Everything a coercer may be told. One word each in scripts, the same as the member.
struct CoercePolicy {
  /// No conversion between families: text takes strings only, numbers take numbers only.
  bool strict = false;
  enum class Fraction : uint8_t {
    kReject,
    kRound,
    kTruncate
  } fraction = Fraction::kReject;  // 1.5 into int4, digits beyond the scale
  enum class NonFinite : uint8_t {
    kReject,
    kNull,
    kKeep
  } non_finite = NonFinite::kReject;  // keep: where the type has NaN and infinities
  enum class Range : uint8_t {
    kReject,
    kNull,
    kInfinity
  } out_of_range = Range::kReject;  // dates outside PostgreSQL's years
  JsonPolicy::Text nul = JsonPolicy::Text::kReject;
  JsonPolicy::Text utf8 = JsonPolicy::Text::kReject;
  JsonStyle json = JsonStyle::kPlain;  // form of BSON types inside json and jsonb
  /// A null field becomes JSON null instead of SQL NULL; missing stays SQL NULL.
  bool json_null = false;
  bool json_text = false;   // a text in json and jsonb is JSON, not a string
  bool empty_null = false;  // "" reads as null
  bool trim = false;        // white space around text is dropped
  bool truncate = false;    // text longer than varchar(n) is cut
  NumberFormat number;      // decimal = ',', thousands = '.'
  enum class Epoch : uint8_t {
    kNone,
    kSeconds,
    kMilliseconds,
    kMicroseconds
  } epoch = Epoch::kNone;  // numbers as times
  enum class OldUuid : uint8_t {
    kReject,
    kJava,
    kCSharp,
    kPython
  } old_uuid = OldUuid::kReject;  // binary subtype 3
  IdStyle id_text = IdStyle::kSafe;
  enum class Zero : uint8_t { kKeep, kReject } zero = Zero::kKeep;  // vectors of zeros
  bool normalised = false;                                          // vectors are of length 1
  std::vector<std::string> labels;       // an enum's labels; empty: not checked here
  std::shared_ptr<const Reference> ref;  // the value is an _id of another collection
};

struct Column {
  std::string name;
  ColumnType type;
  /// Dotted path; "*": what no other column took; "." in a child: the element itself.
  std::string from;
  bool required = false;
  OnError on_error = OnError::kReject;
  std::optional<Constant> default_value;  // coerced once, when the plan is made
  enum class Generate : uint8_t {
    kNone,
    kV5,
    kV7,
    kServer,
    kParentKey,
    kOrdinal,
    kConstant,
    kEntry
  } generate = Generate::kNone;
  bool computed = false;        // no field of the document: the hook gives the value
  bool id_text_column = false;  // _id as canonical text (mongo_id)
  CoercePolicy policy;
  /// The value is a text, of which this model makes the vector (TextVectors).
  std::shared_ptr<const EmbedSettings> embed = {};
};

}  // namespace lugger

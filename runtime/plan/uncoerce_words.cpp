// What comes back of each kind of column, in types and in words. Beside each coercer's rules: what
// it takes besides the type it gives back is what cannot come back as it was.
#include "plan/coerce.hpp"
#include "plan/uncoerce.hpp"

namespace lugger {

namespace {

using Type = ValueType;
using Text = JsonPolicy::Text;

constexpr TypeSet kNumbers{Type::kInt32, Type::kInt64, Type::kDouble, Type::kDecimal};
constexpr TypeSet kNested{Type::kDocument, Type::kArray, Type::kCodeWithScope};
constexpr TypeSet kTexts{Type::kString,        Type::kSymbol,    Type::kCode,  Type::kRegex,
                         Type::kCodeWithScope, Type::kDbPointer, Type::kArray, Type::kDocument};
/// What any type could be read as when nothing is known; undefined is told once for all.
constexpr TypeSet kAny = TypeSet::all().without({Type::kUndefined, Type::kMissing, Type::kNull});

Uncoerced of(TypeSet strict, TypeSet exact, std::string as, const CoercePolicy& policy) {
  return {policy.strict ? strict : kAny, exact, std::move(as), {}, {}};
}

bool changes(Text how) noexcept { return how == Text::kStrip || how == Text::kReplace; }

/// Policies that change text on its way.
void apply_text(const CoercePolicy& policy, bool json, Uncoerced& out) {
  const auto note = [&](std::string words, TypeSet types) {
    out.exact = out.exact.without(types);
    out.notes.push_back(std::move(words));
  };
  if (policy.trim) note("without white space around text", {Type::kString, Type::kSymbol});
  if (policy.empty_null) note("empty text as null", {Type::kString, Type::kSymbol});
  const TypeSet texts = json ? kTexts : TypeSet{Type::kString};
  if (changes(policy.nul)) note("text without its NUL characters", texts);
  if (changes(policy.utf8)) note("text with other bytes where it was not UTF-8", texts);
}

Uncoerced number(const ColumnType& type, const CoercePolicy& policy) {
  switch (type.kind) {
    case Kind::kInt2:
    case Kind::kInt4: return of(kNumbers, {Type::kInt32}, "an int32", policy);
    case Kind::kInt8: return of(kNumbers, {Type::kInt64}, "an int64", policy);
    case Kind::kFloat4: return of(kNumbers, {}, "a double of float4's precision", policy);
    case Kind::kFloat8: {
      Uncoerced out = of(kNumbers, {Type::kDouble}, "a double", policy);
      if (policy.non_finite == CoercePolicy::NonFinite::kNull) {
        out.exact = {};
        out.notes.emplace_back("NaN and the infinities as null");
      }
      return out;
    }
    default:
      return of(kNumbers, {}, "a decimal of the same value, beyond 34 digits as a string", policy);
  }
}

Uncoerced text(const Column& column, const CoercePolicy& policy) {
  const ColumnType& type = column.type;
  if (policy.ref) {
    if (policy.id_text == IdStyle::kSafe) return of(kAny, {}, "the _id it points to", policy);
    return of(kAny, {}, "the text of the _id it points to", policy);
  }
  if (column.id_text_column && policy.id_text == IdStyle::kSafe) {
    const TypeSet exact = TypeSet::all().without(kNumbers).without(kNested).without(
        {Type::kMissing, Type::kUndefined});
    return {kAny, exact, "it was, a number as one that MongoDB holds equal", {}, {}};
  }
  Uncoerced out = of({Type::kString, Type::kSymbol}, {Type::kString}, "a string", policy);
  if (column.id_text_column) {
    out.taken = kAny;
    return out;
  }
  apply_text(policy, false, out);
  if (type.kind == Kind::kChar) {
    out.exact = {};
    out.notes.emplace_back("with the blanks of char(n)");
  } else if (type.length > 0) {
    out.exact = {};
    out.notes.push_back(policy.truncate ? "cut to " + type.sql
                                        : "blanks beyond " + type.sql + " are cut");
  }
  return out;
}

Uncoerced time(const ColumnType& type, const CoercePolicy& policy) {
  Uncoerced out = of({Type::kDate, Type::kTimestamp}, {Type::kDate}, "a date", policy);
  if (policy.out_of_range != CoercePolicy::Range::kReject) {
    out.exact = {};
    out.notes.emplace_back(policy.out_of_range == CoercePolicy::Range::kNull
                               ? "dates outside PostgreSQL's years as null"
                               : "dates outside PostgreSQL's years as the text infinity");
  }
  if (type.kind == Kind::kDate && policy.fraction != CoercePolicy::Fraction::kReject) {
    out.exact = {};
    out.notes.emplace_back("without its time of day");
  }
  if (type.sql.find('(') != std::string::npos) {
    out.exact = {};
    out.notes.push_back("rounded to " + type.sql);
  }
  return out;
}

Uncoerced json(const CoercePolicy& policy) {
  Uncoerced out{kAny, {}, {}, {}, {}};
  if (policy.json_text) {
    out.as = "text of JSON";
    return out;
  }
  switch (policy.json) {
    case JsonStyle::kTyped:
      out.exact = TypeSet::all();
      out.as = "it was";
      break;
    case JsonStyle::kCanonical:
      out.exact = TypeSet::all().without(kNested);
      out.as = "it was, but for documents that look like Extended JSON";
      break;
    case JsonStyle::kRelaxed:
      out.exact = {Type::kBool, Type::kString, Type::kInt32, Type::kObjectId};
      out.as = "relaxed Extended JSON says it: a small int64 as an int32";
      break;
    case JsonStyle::kPlain:
      out.exact = {Type::kBool, Type::kString, Type::kInt32};
      out.as = "JSON says it: dates, ObjectIds, binary as strings, numbers of the nearest type";
      break;
  }
  out.exact = out.exact.without({Type::kMissing, Type::kNull, Type::kUndefined});
  apply_text(policy, true, out);
  return out;
}

Uncoerced array(const Column& column) {
  Column element = column;
  element.type = column.type.element_type();
  Uncoerced inner = describe_uncoerced(element);
  Uncoerced out{kAny, {}, {}, {}, inner.lost};
  if (inner.exact.covers(inner.taken)) out.exact = {Type::kArray};
  out.as = "an array, each element as " + inner.as;
  out.notes = std::move(inner.notes);
  return out;
}

Uncoerced other(const Column& column) {
  if (column.type.sql.ends_with("[]")) return {kAny, {}, "a string, as {a,b}", {}, {}};
  Uncoerced out = text(column, column.policy);
  if (column.policy.labels.empty() && !column.policy.ref) {
    out.exact = {};
    out.notes.emplace_back("in the form that the server gives " + column.type.sql);
  }
  return out;
}

}  // namespace

Uncoerced describe_uncoerced(const Column& column) {
  const CoercePolicy& policy = column.policy;
  switch (column.type.kind) {
    case Kind::kBool: return of({Type::kBool}, {Type::kBool}, "a bool", policy);
    case Kind::kInt2:
    case Kind::kInt4:
    case Kind::kInt8:
    case Kind::kFloat4:
    case Kind::kFloat8:
    case Kind::kNumeric: return number(column.type, policy);
    case Kind::kText:
    case Kind::kVarchar:
    case Kind::kChar: return text(column, policy);
    case Kind::kBytea: return of({Type::kBinary}, {}, "binary of subtype 0", policy);
    case Kind::kUuid: {
      if (policy.ref) return {kAny, {}, {}, {}, "it is computed from the _id it points to"};
      const bool old = policy.old_uuid != CoercePolicy::OldUuid::kReject;
      return of({Type::kBinary}, old ? TypeSet{} : TypeSet{Type::kBinary},
                "a uuid (binary of subtype 4)", policy);
    }
    case Kind::kDate:
    case Kind::kTimestamp:
    case Kind::kTimestamptz: return time(column.type, policy);
    case Kind::kTime:
    case Kind::kInterval: return of(kAny, {}, "a string in PostgreSQL's form", policy);
    case Kind::kJson:
    case Kind::kJsonb: return json(policy);
    case Kind::kVector:
    case Kind::kHalfvec: return of(kAny, {}, "an array of doubles, rounded to the column", policy);
    case Kind::kSparsevec: return of(kAny, {}, "a string such as {1:0.5}/3", policy);
    case Kind::kBit:
    case Kind::kVarbit: return of(kAny, {}, "a string of 0 and 1", policy);
    case Kind::kArray: return array(column);
    case Kind::kOther: return other(column);
  }
  return {};
}

}  // namespace lugger

// Why a value was refused: an enum in the row path, a sentence only when it is reported.
#pragma once
#include <string>
#include <string_view>

#include "value/value.hpp"

namespace lugger {

// X(name, reason code in lugger.rejects, sentence). {value} and {type} are filled in by
// describe_failure().
#define LUGGER_FAILURES(X)                                                               \
  X(None, "none", "")                                                                    \
  X(WrongType, "wrong_type", "cannot read {value} as {type}")                            \
  X(NoFields, "wrong_type",                                                              \
    "an element is {value}, not a document whose fields the columns could read")         \
  X(Syntax, "bad_value", "cannot read {value} as {type}")                                \
  X(OutOfRange, "out_of_range", "{value} is out of range for {type}")                    \
  X(Inexact, "inexact", "{value} would lose digits as {type}")                           \
  X(NonFinite, "non_finite", "{type} cannot hold {value}")                               \
  X(TooLong, "too_long", "{value} is too long for {type}")                               \
  X(Nul, "nul_in_text", "text with a NUL byte cannot be stored in {type}")               \
  X(Utf8, "bad_utf8", "text that is not UTF-8 cannot be stored in {type}")               \
  X(TooDeep, "too_deep",                                                                 \
    "nested too deep for {type}: 200 levels are read, which is all that MongoDB stores") \
  X(Dimensions, "wrong_dimensions", "{value} does not have the dimensions of {type}")    \
  X(Zero, "zero_vector", "{value} is all zeros, which have no direction")                \
  X(NotNormalised, "not_normalised",                                                     \
    "{value} is not of length 1, and its vectors are to be normalised")                  \
  X(BadElement, "bad_element", "an element of {value} cannot be read as {type}")         \
  X(NotInEnum, "not_in_enum", "{value} is not one of {type}'s labels")                   \
  X(OtherCollection, "other_collection",                                                 \
    "{value} points to another collection than the ref of the column")                   \
  X(Required, "required_missing", "is required, but the field is missing or null")       \
  X(NoText, "no_text", "{value} is no text of which a vector could be made")             \
  X(NotEmbedded, "not_embedded", "")                                                     \
  X(Malformed, "malformed", "the document's bytes are not valid")                        \
  X(TooBig, "too_big", "{value} is larger than PostgreSQL takes in one field")           \
  X(NoRoute, "no_route", "no table is named for {value}")                                \
  X(Unmapped, "unmapped", "the document has fields that no column takes")                \
  X(Hook, "hook", "")                                                                    \
  X(Server, "server", "")

enum class Failure : uint8_t {
#define LUGGER_X(name, code, text) k##name,
  LUGGER_FAILURES(LUGGER_X)
#undef LUGGER_X
};

std::string_view failure_code(Failure failure) noexcept;
/// `cannot read "n/a" as int4`.
std::string describe_failure(Failure failure, const Value& value, std::string_view type);

}  // namespace lugger

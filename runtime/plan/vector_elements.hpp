// Inside plan/: numbers of a vector, with what a coercer adds to vector/elements.hpp.
#pragma once
#include "plan/coerce.hpp"
#include "vector/elements.hpp"

namespace lugger {

inline Failure failure_of(VectorFault fault) noexcept {
  switch (fault) {
    case VectorFault::kWrongType: return Failure::kWrongType;
    case VectorFault::kMalformed: return Failure::kMalformed;
    case VectorFault::kSyntax: return Failure::kSyntax;
    case VectorFault::kDimensions: return Failure::kDimensions;
    case VectorFault::kBadElement: return Failure::kBadElement;
    default: return Failure::kNone;
  }
}

/// The elements of a value that holds float32 as they are; nothing of any other.
Bytes stored_floats(const Value& in) noexcept;

/// Makes a vector of all elements at once, where that is all there is to it. False: those of other
/// values, and those that are refused, are to be looked at one by one.
bool all_floats(const Value& in, Value& out, Arena& arena);

/// Calls sink(double) -> Failure for each number of a value that can be read as a vector.
template <typename Sink>
Failure each_number(Coercer& c, const Value& in, Arena& arena, Sink&& sink) {
  Failure refused = Failure::kNone;
  const VectorFault fault =
      each_number(in, !c.policy().strict, c.digits(), arena, [&](double number) {
        refused = sink(number);
        return refused == Failure::kNone;
      });
  return fault == VectorFault::kStopped ? refused : failure_of(fault);
}

}  // namespace lugger

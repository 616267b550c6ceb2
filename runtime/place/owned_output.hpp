// A target that a run writes from its start, so that what stands there would be lost.
#pragma once
#include <string>

namespace lugger {

class OwnedOutput {
 public:
  virtual ~OwnedOutput() = default;
  /// Whose work stands there, if it is not the job's own, and what to do about it. Empty: the job may
  /// write.
  virtual std::string taken(const std::string& job) = 0;
  /// Whether what stands there may be lost when the next run opens it.
  virtual void write_over(bool may) = 0;
};

}  // namespace lugger

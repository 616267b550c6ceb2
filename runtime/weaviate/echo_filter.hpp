// The answer to a batch repeats every object with its vectors. This keeps what became of each, and
// drops the rest while it arrives.
#pragma once
#include <string>
#include <string_view>

#include "http/client.hpp"

namespace lugger {

/// Reads [{"class": ..., "vector": [...], "result": {...}}, ...] in pieces, cut anywhere, and gives
/// the array of the results alone.
class EchoFilter final : public HttpBody {
 public:
  void begin() override { *this = {}; }
  void take(std::string_view piece) override;
  /// The results as a JSON array. What was no such array gives what is none.
  std::string results() const { return "[" + kept_ + "]"; }
  bool whole() const noexcept { return opened_ && depth_ == 0; }

 private:
  /// How deep a member of an object lies: in the array, in the object.
  static constexpr int kMember = 2;
  void byte(char c);
  void structure(char c);

  std::string kept_, key_;
  int depth_ = 0;
  bool in_text_ = false, escaped_ = false;
  bool is_key_ = false;  // the text under way, or the next, is a member's name
  bool keeps_ = false;   // inside the value of "result"
  bool opened_ = false;
};

}  // namespace lugger

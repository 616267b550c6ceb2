// A shared library that is loaded when it is first needed, so that those who do not need it need not
// install it. Never unloaded.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

class LoadedLibrary {
 public:
  /// `name`: "libcurl.so.4"; `use` says what for: "HTTP is spoken". Error{config} with `hint` when it
  /// cannot be loaded.
  LoadedLibrary(const char* name, std::string_view use, std::string hint);
  /// Error{config}: it has no such function.
  template <typename Function>
  void find(const char* function, Function& out) const {
    out = reinterpret_cast<Function>(address(function));
  }

 private:
  void* address(const char* function) const;
  const char* name_;
  void* library_;
};

}  // namespace lugger

#include "base/loaded_library.hpp"

#include <dlfcn.h>

#include "base/error.hpp"

namespace lugger {

LoadedLibrary::LoadedLibrary(const char* name, std::string_view use, std::string hint)
    : name_(name), library_(dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
  if (library_ != nullptr) return;
  throw Error(Code::kConfig,
              fmt::format("{} through {}, which cannot be loaded: {}", use, name, dlerror()),
              std::move(hint));
}

void* LoadedLibrary::address(const char* function) const {
  void* out = dlsym(library_, function);
  if (out == nullptr)
    raise(Code::kConfig, "{} has no function {}: it is of another version", name_, function);
  return out;
}

}  // namespace lugger

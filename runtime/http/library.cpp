#include "http/library.hpp"

#include <dlfcn.h>

#include "base/error.hpp"

namespace lugger::curl {
namespace {

constexpr const char* kLibrary = "libcurl.so.4";
constexpr long kEverything = 3;

template <typename Function>
void find(void* library, const char* name, Function& out) {
  out = reinterpret_cast<Function>(dlsym(library, name));
  if (out == nullptr) raise(Code::kConfig, "{} has no function {}", kLibrary, name);
}

Library load() {
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error(
        Code::kConfig,
        fmt::format("HTTP is spoken through {}, which cannot be loaded: {}", kLibrary, dlerror()),
        "install it: apt-get install libcurl4 (Debian 12), libcurl4t64 (Debian 13)");
  }
  Library out;
  find(library, "curl_global_init", out.global_init);
  find(library, "curl_easy_init", out.easy_init);
  find(library, "curl_easy_cleanup", out.easy_cleanup);
  find(library, "curl_easy_setopt", out.easy_setopt);
  find(library, "curl_easy_perform", out.easy_perform);
  find(library, "curl_easy_getinfo", out.easy_getinfo);
  find(library, "curl_easy_strerror", out.easy_strerror);
  find(library, "curl_slist_append", out.slist_append);
  find(library, "curl_slist_free_all", out.slist_free_all);
  out.global_init(kEverything);
  return out;
}

}  // namespace

const Library& library() {
  static const Library one = load();
  return one;
}

}  // namespace lugger::curl

#include "http/library.hpp"

#include "base/loaded_library.hpp"

namespace lugger::curl {
namespace {

constexpr long kEverything = 3;

Library load() {
  const LoadedLibrary library(
      "libcurl.so.4", "HTTP is spoken",
      "install it: apt-get install libcurl4 (Debian 12), libcurl4t64 (Debian 13)");
  Library out;
  library.find("curl_global_init", out.global_init);
  library.find("curl_easy_init", out.easy_init);
  library.find("curl_easy_cleanup", out.easy_cleanup);
  library.find("curl_easy_setopt", out.easy_setopt);
  library.find("curl_easy_perform", out.easy_perform);
  library.find("curl_easy_getinfo", out.easy_getinfo);
  library.find("curl_easy_strerror", out.easy_strerror);
  library.find("curl_slist_append", out.slist_append);
  library.find("curl_slist_free_all", out.slist_free_all);
  out.global_init(kEverything);
  return out;
}

}  // namespace

const Library& library() {
  static const Library one = load();
  return one;
}

}  // namespace lugger::curl

#include "mongo/driver.hpp"

#include <dlfcn.h>

#include "base/error.hpp"

namespace lugger {
namespace {

constexpr const char* kLibrary = "libmongoc-1.0.so.0";

/// What the driver would write to standard error says nothing that its errors do not say.
void drop_log(mongoc_log_level_t, const char*, const char*, void*) {}

MongoDriver load() {
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw Error(Code::kConfig,
                fmt::format("a live MongoDB is read through {}, which cannot be loaded: {}",
                            kLibrary, dlerror()),
                "install it (Debian: apt-get install libmongoc-1.0-0), or dump the data with "
                "mongodump and read the dump");
  }
  MongoDriver out;
#define LUGGER_MONGO_FIND(name)                                          \
  out.name = reinterpret_cast<decltype(&::name)>(dlsym(library, #name)); \
  if (out.name == nullptr)                                               \
    raise(Code::kConfig, "{} has no function {}: it is older than 1.20", kLibrary, #name);
  LUGGER_MONGO_FUNCTIONS(LUGGER_MONGO_FIND)
#undef LUGGER_MONGO_FIND
  out.mongoc_log_set_handler(drop_log, nullptr);
  out.mongoc_init();
  return out;
}

}  // namespace

const MongoDriver& mongo_driver() {
  // Never destroyed: a call that was abandoned may still be under way when the process ends.
  static const MongoDriver& one = *new MongoDriver(load());
  return one;
}

}  // namespace lugger

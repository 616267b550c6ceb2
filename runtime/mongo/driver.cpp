#include "mongo/driver.hpp"

#include "base/loaded_library.hpp"

namespace lugger {
namespace {

/// What the driver would write to standard error says nothing that its errors do not say.
void drop_log(mongoc_log_level_t, const char*, const char*, void*) {}

MongoDriver load() {
  const LoadedLibrary library(
      "libmongoc-1.0.so.0", "a live MongoDB is read",
      "install it (Debian: apt-get install libmongoc-1.0-0), or dump the data with mongodump and "
      "read the dump");
  MongoDriver out;
#define LUGGER_MONGO_FIND(name) library.find(#name, out.name);
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

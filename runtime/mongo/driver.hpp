// MongoDB's C driver, loaded when the first live MongoDB is opened: lugger runs without it where only
// files and PostgreSQL are read. Nothing but client.cpp calls it.
#pragma once
#include <mongoc/mongoc.h>

namespace lugger {

/// The functions of libmongoc and libbson that are called, as their headers declare them.
struct MongoDriver {
#define LUGGER_MONGO_FUNCTIONS(X)           \
  X(bson_init_static)                       \
  X(bson_get_data)                          \
  X(bson_destroy)                           \
  X(bson_append_int64)                      \
  X(mongoc_init)                            \
  X(mongoc_log_set_handler)                 \
  X(mongoc_get_version)                     \
  X(mongoc_error_has_label)                 \
  X(mongoc_uri_new_with_error)              \
  X(mongoc_uri_destroy)                     \
  X(mongoc_uri_get_tls)                     \
  X(mongoc_uri_get_hosts)                   \
  X(mongoc_uri_get_database)                \
  X(mongoc_uri_get_read_prefs_t)            \
  X(mongoc_uri_set_read_prefs_t)            \
  X(mongoc_uri_get_option_as_int32)         \
  X(mongoc_uri_get_option_as_utf8)          \
  X(mongoc_uri_set_option_as_int32)         \
  X(mongoc_uri_set_option_as_bool)          \
  X(mongoc_uri_set_option_as_utf8)          \
  X(mongoc_uri_has_option)                  \
  X(mongoc_read_prefs_new)                  \
  X(mongoc_read_prefs_destroy)              \
  X(mongoc_read_prefs_get_mode)             \
  X(mongoc_read_prefs_get_tags)             \
  X(mongoc_client_new_from_uri_with_error)  \
  X(mongoc_client_destroy)                  \
  X(mongoc_client_set_error_api)            \
  X(mongoc_client_select_server)            \
  X(mongoc_client_get_server_descriptions)  \
  X(mongoc_server_descriptions_destroy_all) \
  X(mongoc_client_command_with_opts)        \
  X(mongoc_client_start_session)            \
  X(mongoc_client_session_append)           \
  X(mongoc_client_session_destroy)          \
  X(mongoc_server_description_id)           \
  X(mongoc_server_description_type)         \
  X(mongoc_server_description_host)         \
  X(mongoc_server_description_destroy)
#define LUGGER_MONGO_MEMBER(name) decltype(&::name) name = nullptr;
  LUGGER_MONGO_FUNCTIONS(LUGGER_MONGO_MEMBER)
#undef LUGGER_MONGO_MEMBER
};

/// Loads the library at the first call. Error{config}, naming the package, when it is not installed
/// or lacks a function.
const MongoDriver& mongo_driver();

}  // namespace lugger

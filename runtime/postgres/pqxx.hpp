// Hides the differences between libpqxx 6 and later versions.
#pragma once
#include <libpq-fe.h>

#include <memory>
#include <pqxx/connection>
#include <pqxx/except>
#include <pqxx/nontransaction>
#include <pqxx/result>
#include <pqxx/version>
#include <string>
#include <utility>
#include <vector>
#if PQXX_VERSION_MAJOR < 7
#include <pqxx/connectionpolicy>
#include <pqxx/prepared_statement>
#endif

#include "postgres/session.hpp"

namespace lugger {

#if PQXX_VERSION_MAJOR < 7
/// Gives libpqxx 6 our own connection, once: when it is lost, libpqxx cannot silently reconnect.
class LentConnection : public pqxx::connectionpolicy {
 public:
  explicit LentConnection(PGconn* connection) : connectionpolicy(""), connection_(connection) {}
  handle do_startconnect(handle made) override {
    if (made != nullptr) return made;
    if (connection_ == nullptr) throw pqxx::broken_connection("the connection is gone");
    return std::exchange(connection_, nullptr);
  }
  handle do_completeconnect(handle made) override { return made; }

 private:
  PGconn* connection_;
};

class PqxxConnection : public pqxx::connection_base {
 public:
  explicit PqxxConnection(PGconn* connection) : connection_base(policy_), policy_(connection) {
    init();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    inhibit_reactivation(true);
#pragma GCC diagnostic pop
  }
  ~PqxxConnection() noexcept { close(); }
  PqxxConnection(const PqxxConnection&) = delete;
  PqxxConnection& operator=(const PqxxConnection&) = delete;

 private:
  LentConnection policy_;
};

inline std::unique_ptr<PqxxConnection> take_over(PGconn* connection) {
  return std::make_unique<PqxxConnection>(connection);
}

inline std::vector<const char*> values_of(const PgParams& params) {
  std::vector<const char*> values;
  values.reserve(params.size());
  for (const auto& param : params) values.push_back(param ? param->c_str() : nullptr);
  return values;
}

inline pqxx::result run_with(pqxx::nontransaction& statement, const std::string& sql,
                             const PgParams& params) {
  return statement.exec_params(sql, pqxx::prepare::make_dynamic_params(values_of(params)));
}

inline pqxx::result run_prepared(pqxx::nontransaction& statement, const std::string& name,
                                 const PgParams& params) {
  return statement.exec_prepared(name, pqxx::prepare::make_dynamic_params(values_of(params)));
}
#else
using PqxxConnection = pqxx::connection;

inline std::unique_ptr<PqxxConnection> take_over(PGconn* connection) {
  return std::make_unique<PqxxConnection>(pqxx::connection::seize_raw_connection(connection));
}

inline pqxx::params values_of(const PgParams& params) {
  pqxx::params values;
  values.reserve(params.size());
  for (const auto& param : params) {
    if (param) {
      values.append(*param);
    } else {
      values.append();
    }
  }
  return values;
}

inline pqxx::result run_with(pqxx::nontransaction& statement, const std::string& sql,
                             const PgParams& params) {
  return statement.exec(pqxx::zview(sql), values_of(params));
}

inline pqxx::result run_prepared(pqxx::nontransaction& statement, const std::string& name,
                                 const PgParams& params) {
  return statement.exec(pqxx::prepped(name), values_of(params));
}
#endif

}  // namespace lugger

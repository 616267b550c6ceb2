#include "postgres/session.hpp"

#include <libpq-events.h>
#include <libpq-fe.h>

#include <map>
#include <pqxx/nontransaction>
#include <pqxx/result>

#include "postgres/copy_stream.hpp"
#include "postgres/error.hpp"
#include "postgres/lost.hpp"
#include "postgres/place.hpp"
#include "postgres/pqxx.hpp"
#include "postgres/settings.hpp"
#include "postgres/strangers.hpp"
#include "postgres/wait.hpp"

namespace lugger {
namespace {

/// libpqxx keeps only the text of an error. libpq passes every result to an event procedure, where
/// the fields can be saved.
int keep_diagnostics(PGEventId event, void* info, void* kept) {
  if (event != PGEVT_RESULTCREATE) return 1;
  const PGresult* result = static_cast<PGEventResultCreate*>(info)->result;
  if (PQresultStatus(result) == PGRES_FATAL_ERROR)
    *static_cast<PgDiagnostics*>(kept) = diagnostics_of(result);
  return 1;
}

constexpr size_t kNoticesKept = 1000;

void keep_notice(void* kept, const char* text) noexcept try {
  auto& notices = *static_cast<std::vector<std::string>*>(kept);
  if (notices.size() < kNoticesKept) notices.emplace_back(text);
} catch (const std::exception&) {
  // Out of memory: the warning is lost.
}

void refuse_nul(const std::string& sql, const PgParams& params) {
  // libpqxx 6 and libpq take C strings, and would silently cut the text at a NUL.
  if (sql.find('\0') != std::string::npos)
    raise(Code::kConfig, "a statement must not hold a NUL byte");
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i] && params[i]->find('\0') != std::string::npos) {
      raise(Code::kCoerce, "parameter ${} holds a NUL byte, which PostgreSQL text cannot hold",
            i + 1);
    }
  }
}

/// Our hints for these classes are written for loads: for another statement the server's own is
/// better, or none.
bool hint_is_for_loads(std::string_view sqlstate) {
  return sqlstate.starts_with("22") || sqlstate.starts_with("23") ||
         (sqlstate.starts_with("42") && sqlstate != "42501");
}

}  // namespace

struct PgSession::Impl {
  explicit Impl(PGconn* made)
      : raw(made), pqxx(take_over(made)), wakeup(made), copy_in(made), copy_out(made) {
    PQsetNoticeProcessor(raw, keep_notice, &notices);
    PQregisterEventProc(raw, keep_diagnostics, "lugger", &diagnostics);
  }
  bool alive() const noexcept { return pqxx->is_open() && PQstatus(raw) == CONNECTION_OK; }

  [[noreturn]] void fail(const std::exception& error) {
    if (diagnostics.message.empty()) diagnostics.message = error.what();
    while (diagnostics.message.ends_with('\n')) diagnostics.message.pop_back();
    Error failure = pg_error(diagnostics, alive());
    if (bare) {
      if (!diagnostics.position.empty()) failure.note("position", diagnostics.position);
      if (alive() && hint_is_for_loads(diagnostics.sqlstate)) failure.with_hint(diagnostics.hint);
    }
    throw failure;
  }

  PGconn* raw;
  std::vector<std::string> notices;
  PgDiagnostics diagnostics;  // before pqxx: libpq writes into it until the connection is closed
  std::unique_ptr<PqxxConnection> pqxx;
  PgWakeup wakeup;
  /// The name of a prepared statement; prepares it on first use.
  const std::string& prepared(const std::string& sql) {
    const auto [known, added] = statements.try_emplace(sql);
    if (added) {
      known->second = fmt::format("lugger_{}", statements.size());
      pqxx->prepare(known->second, sql);
    }
    return known->second;
  }

  CopyIn copy_in;
  CopyOut copy_out;
  std::map<std::string, std::string> statements;  // names by SQL text
  std::string url;
  PgBackend backend;  // empty through a pooler
  bool pooled = false;
  bool bare = false;  // statements run without a transaction
  PgPath path = PgPath::kTables;
  std::string search_path;        // to be set; "": unchanged
  std::string purpose, set_path;  // as currently set on the server
  bool only_looks = false;
  std::optional<std::string> own_path;  // the role's own, where tables are looked up; once read
};

PgSession::PgSession(const std::string& url, const std::string& purpose, bool pooled, PgPath path)
    : impl_(std::make_unique<Impl>(connect_to(url, purpose))) {
  impl_->url = url;
  impl_->pooled = pooled;
  look_up(path);
  if (!pooled) settle_in();
}

/// Sets up what belongs only to this session.
void PgSession::settle_in() {
  PgBackend backend =
      backend_after(*this, session_settings(server_version(), false, impl_->search_path));
  impl_->set_path = impl_->search_path;
  // If the pids differ, there is an undeclared pooler in between, and the process serves others
  // too.
  if (backend.pid == std::to_string(PQbackendPID(impl_->raw))) {
    impl_->wakeup.watch({impl_->url, backend.pid});
    impl_->backend = std::move(backend);
  }
  end_lost(*this, impl_->url);
}

void PgSession::look_up(PgPath path) {
  impl_->path = path;
  impl_->search_path = path == PgPath::kCatalog ? "pg_catalog, pg_temp" : "";
  if (path != PgPath::kTables) return;
  if (!impl_->own_path) impl_->own_path = path_without_strangers(*this);
  impl_->search_path = *impl_->own_path;
}

void PgSession::renew() {
  // DISCARD ALL without DEALLOCATE.
  execute(
      "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT "
      "pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; " +
      session_settings(server_version(), false, impl_->search_path));
  impl_->set_path = impl_->search_path;
  impl_->purpose.clear();
  impl_->only_looks = false;
}

void PgSession::serve(const std::string& purpose, PgPath path) {
  if (path == PgPath::kTables && !impl_->own_path && !impl_->set_path.empty()) {
    execute("RESET search_path");  // to read the role's own
    impl_->set_path.clear();
  }
  look_up(path);
  std::string changes;
  if (impl_->set_path != impl_->search_path) {
    changes = impl_->search_path.empty() ? "RESET search_path; "
                                         : "SET search_path = " + impl_->search_path + "; ";
  }
  if (impl_->purpose != purpose)
    changes += "SET application_name = " + quote_literal("lugger " + purpose);
  if (!changes.empty()) execute(changes);
  impl_->set_path = impl_->search_path;
  impl_->purpose = purpose;
  impl_->only_looks = false;
}

bool PgSession::only_looked() const noexcept { return impl_->only_looks; }
void PgSession::only_looks(bool only) noexcept { impl_->only_looks = only; }

std::unique_ptr<PgSession> PgSession::find_out(const std::string& url, const std::string& purpose,
                                               PgPath path) {
  auto out = std::make_unique<PgSession>(url, purpose, true, path);
  if (out->behind_pooler()) return out;
  out->impl_->pooled = false;
  out->settle_in();
  return out;
}

PgSession::~PgSession() {
  if (!alive() && !impl_->backend.pid.empty()) remember_lost(impl_->url, impl_->backend);
}

/// Through a pooler settings apply only within a transaction, so a single statement needs one.
PgRows PgSession::query(const std::string& sql, const PgParams& params) {
  if (!impl_->pooled || impl_->bare || in_transaction()) return run(sql, params);
  begin();
  try {
    PgRows out = run(sql, params);
    commit();
    return out;
  } catch (...) {
    rollback();
    throw;
  }
}

PgRows PgSession::run(const std::string& sql, const PgParams& params) {
  return ask(sql, params, [&](pqxx::nontransaction& statement) {
    return params.empty() ? statement.exec(sql) : run_with(statement, sql, params);
  });
}

PgRows PgSession::query_again(const std::string& sql, const PgParams& params) {
  if (impl_->pooled) return query(sql, params);
  return ask(sql, params, [&](pqxx::nontransaction& statement) {
    return run_prepared(statement, impl_->prepared(sql), params);
  });
}

template <typename Ask>
PgRows PgSession::ask(const std::string& sql, const PgParams& params, const Ask& statement_of) {
  refuse_nul(sql, params);
  return waiting(impl_->wakeup, [&] { return answer_of(statement_of); });
}

template <typename Ask>
PgRows PgSession::answer_of(const Ask& statement_of) {
  impl_->diagnostics = {};
  if (!alive()) {
    impl_->diagnostics.message = "the connection was closed";
    throw pg_error(impl_->diagnostics, false);
  }
  PgRows out;
  try {
    // Not a transaction of libpqxx: begin() and commit() are ours, so that COPY and its checkpoint
    // share one.
    pqxx::nontransaction statement(*impl_->pqxx);
    const pqxx::result result = statement_of(statement);
    statement.commit();
    out.affected_ = static_cast<uint64_t>(result.affected_rows());
    for (decltype(result.columns()) column = 0; column < result.columns(); ++column) {
      out.names_.emplace_back(result.column_name(column));
      out.types_.push_back(result.column_type(column));
    }
    out.rows_.reserve(static_cast<size_t>(result.size()));
    for (const auto& row : result) {
      auto& values = out.rows_.emplace_back();
      values.reserve(out.names_.size());
      for (const auto& field : row) {
        values.push_back(field.is_null()
                             ? std::nullopt
                             : std::make_optional(std::string(field.c_str(), field.size())));
      }
    }
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    impl_->fail(error);
  }
  return out;
}

void PgSession::begin() {
  run(impl_->pooled ? "BEGIN;" + session_settings(server_version(), true, impl_->search_path)
                    : "BEGIN",
      {});
}

void PgSession::commit() {
  // In a failed transaction the server answers COMMIT with ROLLBACK, without an error.
  if (PQtransactionStatus(impl_->raw) == PQTRANS_INERROR) {
    rollback();
    raise(Code::kBug, "commit of a transaction that has failed: it was rolled back");
  }
  run("COMMIT", {});
}

void PgSession::rollback() noexcept {
  if (!alive() || !in_transaction()) return;
  const Tidying tidying;
  const PgWait wait(impl_->wakeup);
  PQclear(PQexec(impl_->raw, "ROLLBACK"));
}

bool PgSession::in_transaction() const noexcept {
  const PGTransactionStatusType status = PQtransactionStatus(impl_->raw);
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

bool PgSession::idle_in_transaction() const noexcept {
  const PGTransactionStatusType status = PQtransactionStatus(impl_->raw);
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

void PgSession::copy_in_start(const std::string& sql) {
  refuse_nul(sql, {});
  waiting(impl_->wakeup, [&] { impl_->copy_in.start(sql); });
}
void PgSession::copy_in_put(Bytes bytes) {
  waiting(impl_->wakeup, [&] { impl_->copy_in.put(bytes); });
}
uint64_t PgSession::copy_in_end() {
  return waiting(impl_->wakeup, [&] { return impl_->copy_in.end(); });
}
void PgSession::copy_in_abort(const std::string& reason) noexcept {
  const Tidying tidying;
  const PgWait wait(impl_->wakeup);
  impl_->copy_in.abort(reason);
}
void PgSession::copy_out_start(const std::string& sql) {
  refuse_nul(sql, {});
  waiting(impl_->wakeup, [&] { impl_->copy_out.start(sql); });
}
bool PgSession::copy_out_get(Bytes& message) {
  if (impl_->copy_out.get_at_hand(message)) return true;
  return waiting(impl_->wakeup, [&] { return impl_->copy_out.get(message); });
}

int PgSession::server_version() const noexcept { return PQserverVersion(impl_->raw); }
bool PgSession::stores_utf8() const noexcept {
  const char* encoding = PQparameterStatus(impl_->raw, "server_encoding");
  return encoding == nullptr || std::string_view(encoding) == "UTF8";
}
bool PgSession::pooled() const noexcept { return impl_->pooled; }
void PgSession::keep_bare() noexcept { impl_->bare = true; }
bool PgSession::behind_pooler() {
  return run("SELECT pg_catalog.pg_backend_pid()").text(0, 0) !=
         std::to_string(PQbackendPID(impl_->raw));
}
std::vector<std::string> PgSession::take_notices() { return std::exchange(impl_->notices, {}); }
pg_conn* PgSession::raw() noexcept { return impl_->raw; }
bool PgSession::alive() const noexcept { return impl_->alive(); }

bool PgSession::was_ended() noexcept {
  // The first read may get the server's last messages, the second the end of the connection.
  for (int read = 0; read < 2 && alive() && !in_transaction(); ++read) PQconsumeInput(impl_->raw);
  return !alive();
}

void PgSession::cancel() noexcept {
  impl_->wakeup.ask();
  impl_->wakeup.settle();
}
PgWakeup& PgSession::wakeup() noexcept { return impl_->wakeup; }

}  // namespace lugger

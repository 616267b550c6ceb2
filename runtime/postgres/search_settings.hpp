// Settings of pgvector for searches, in a session of ours.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "postgres/search.hpp"
#include "postgres/session.hpp"

namespace lugger {

using PgSetting = std::pair<std::string, std::string>;

/// `local`: as long as the transaction.
void apply_settings(PgSession& session, const std::vector<PgSetting>& settings, bool local);

/// Behind a pooler settings last as long as a transaction.
class SettingsScope {
 public:
  SettingsScope(PgSession& session, const std::vector<PgSetting>& settings)
      : session_(session), opened_(session.pooled() && !settings.empty()) {
    if (!opened_) return;
    session_.begin();
    apply_settings(session_, settings, true);
  }
  ~SettingsScope() {
    if (opened_) session_.rollback();
  }
  SettingsScope(const SettingsScope&) = delete;
  SettingsScope& operator=(const SettingsScope&) = delete;

 private:
  PgSession& session_;
  const bool opened_;
};

/// Error{config} for what this version of pgvector does not have: it would pass over it.
/// `of_vectors`: what is searched is of PGVecto.rs, whose settings have names of their own.
std::vector<PgSetting> settings_for(PgSession& session, const PgSearchSettings& given,
                                    bool of_vectors);

}  // namespace lugger

// The role of sandboxed scripts on a private server. A superuser's SQL may run programs and read
// files, so scripts get an ordinary role.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

inline constexpr std::string_view kScriptRole = "lugger_script";

/// Creates the role and makes it the owner of everything. From then on the server has no other
/// user, because a superuser must not run what a script has left in the database. `url`: of the
/// superuser.
void give_to_scripts(const std::string& url);

}  // namespace lugger

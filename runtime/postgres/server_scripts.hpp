// Who scripts of a sandbox are on a private server. Whoever runs SQL as a superuser may run programs
// and read files, so they are an ordinary role.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

inline constexpr std::string_view kScriptRole = "lugger_script";

/// Makes the role and hands over what is there: from then on the server has no other user, since
/// what a script left in it must not be run by a superuser either. `url`: as the superuser.
void give_to_scripts(const std::string& url);

}  // namespace lugger

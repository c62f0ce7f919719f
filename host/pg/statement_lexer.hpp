#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace projector::pg {

/// Why a plugin's statement is refused and what to write instead, as a message; nothing if it may run. It works on
/// tokens: a list has the allowed first keywords. Texts with several statements are refused, and statements that begin
/// or end a transaction or whose effects outlive it in the session. The session has standard_conforming_strings on. The
/// contents of strings are not checked, and so neither is the body of a function or of DO: the check finds mistakes,
/// and the reset of a session between two projections undoes the rest. Reads the text once; allocates only for a
/// refusal.
std::optional<std::string> refuse_statement(std::string_view sql);

} // namespace projector::pg

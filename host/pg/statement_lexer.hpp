#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace projector::pg {

/// Why a plugin's statement is refused, as a sentence that says what to do instead, or nothing where it may run. Looks
/// at tokens only (blanks, nested comments, quoted text of every kind, semicolons), by a list of the first keywords
/// that are allowed; refuses more than one statement, and what begins or ends a transaction or outlives it in the
/// session.
///
/// The session has standard_conforming_strings on. What a string holds, so the body of a function or of DO, is not
/// looked at: this is for mistakes, and the reset of a session between two projections is for the rest. Reads the text
/// once; allocates only for a refusal.
std::optional<std::string> refuse_statement(std::string_view sql);

} // namespace projector::pg

#pragma once

#include <filesystem>
#include <string>

namespace projector::test {

/// A page of the documentation, for tests that do what it says. The path is relative to the checkout.
class Page {
public:
  explicit Page(const std::string& path);

  /// The first block of code that contains `part`, without its indentation. Throws std::runtime_error if there is none.
  [[nodiscard]] std::string code_with(const std::string& part) const;

private:
  std::string path_;
  std::string text_;
};

/// Builds a plugin's source file with the SDK, installed below `directory`, by the command that the README gives.
/// Throws std::runtime_error with the compiler's output if that fails.
std::filesystem::path build_plugin(const std::string& source, const std::string& name,
                                   const std::filesystem::path& directory);

} // namespace projector::test

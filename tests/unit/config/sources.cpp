#include "sources.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace projector::config::test {

Sources& Sources::file(const std::string& name, const std::string& text) {
  std::filesystem::create_directories(path(name).parent_path());
  std::ofstream(path(name), std::ios::binary) << text;
  return *this;
}

Configuration Sources::configuration() const {
  Loaded loaded = load();
  for (const std::string& message : messages(loaded.main_problems)) {
    ADD_FAILURE() << message;
  }
  for (const RefusedFile& file : loaded.refused) {
    for (const std::string& message : messages(file.problems)) {
      ADD_FAILURE() << message;
    }
  }
  return loaded.configuration.value_or(Configuration());
}

std::vector<std::string> Sources::messages(const std::vector<Problem>& problems) const {
  std::vector<std::string> result;
  const std::string prefix = directory_.path().string() + "/";
  for (const Problem& problem : problems) {
    std::string text = to_string(problem);
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
      text.erase(at, prefix.size());
    }
    result.push_back(std::move(text));
  }
  return result;
}

} // namespace projector::config::test

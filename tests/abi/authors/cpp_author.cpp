// A plugin as its author has it: built against an installed SDK. It holds what GCC would export as unique symbols.
#include <projector/plugin.hpp>

#include <memory>
#include <regex>
#include <string>

#ifndef AUTHOR_NAME
#define AUTHOR_NAME "cpp_author"
#endif

inline int inline_variable = 1;

class Author : public projector::Projection {
public:
  static constexpr projector::Descriptor kDescriptor{AUTHOR_NAME, "1", "In C++"};

  void handle(projector::Transaction& tx, const projector::Event& event) override {
    const auto shared = std::make_shared<std::string>(event.aggregate_id());
    if (std::regex_match(*shared, std::regex("[a-z]+"))) {
      tx.exec("INSERT INTO author VALUES ($1, $2)", *shared, inline_variable);
    }
  }
};

PROJECTOR_EXPORT_PROJECTION(Author);

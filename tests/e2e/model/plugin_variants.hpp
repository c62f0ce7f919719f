#pragma once

#include "disk.hpp"

#include <map>
#include <string>
#include <utility>

namespace projector::test::model {

/// The bytes of plugin files, made of the built `recorder`, `broken/recorder`, `fatal_on` and `create_fails` by writing
/// other texts over their names, versions and statements. They all record into <projection>_seen. A bad version whose
/// rows get as far as a COMMIT writes them with a negative partition, for a deferred trigger to refuse.
class PluginVariants {
public:
  /// `name` is the file's, at most as long as "recorder".
  const std::string& bytes(const std::string& name, const PluginFile& file);

private:
  std::map<std::string, std::string> made_;
};

} // namespace projector::test::model

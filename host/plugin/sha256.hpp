#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace projector::plugin {

/// SHA-256 of bytes that come piece by piece. One owner, one thread. Throws std::runtime_error if the library that
/// computes it fails.
class Sha256 {
public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(const void* bytes, std::size_t size);
  /// 64 lower-case hexadecimal digits. Once only.
  std::string finish();

private:
  struct Context;
  std::unique_ptr<Context> context_;
};

} // namespace projector::plugin

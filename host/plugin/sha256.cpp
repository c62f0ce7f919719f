#include "plugin/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace projector::plugin {

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> value{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

namespace {

void check(int result) {
  if (result != 1) {
    throw std::runtime_error("OpenSSL cannot compute SHA-256");
  }
}

} // namespace

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  check(context_->value ? 1 : 0);
  check(EVP_DigestInit_ex(context_->value.get(), EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::add(const void* bytes, std::size_t size) {
  check(EVP_DigestUpdate(context_->value.get(), bytes, size));
}

std::string Sha256::finish() {
  std::array<unsigned char, 32> digest{};
  check(EVP_DigestFinal_ex(context_->value.get(), digest.data(), nullptr));
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

} // namespace projector::plugin

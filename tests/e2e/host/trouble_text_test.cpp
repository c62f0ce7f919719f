#include "host_test.hpp"

#include "support/host_process.hpp"
#include "support/wait.hpp"

#include <gtest/gtest.h>

#include <string>

namespace projector::test {
namespace {

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

TEST(TroubleText, ACacheDirectoryThatCannotBeMadeNamesTheKeyAndTheWayOut) {
  HostProcess host(store_with_events(0));
  EXPECT_EQ(host.run({"--set", "plugins.cache=\"/proc/absent/cache\""}), 1);
  EXPECT_TRUE(host.logs("error plugins.cache: ")) << host.log();
  EXPECT_TRUE(host.logs("let /proc/absent/cache be a directory that uid ")) << host.log();
}

TEST(TroubleText, AStateDirectoryThatCannotBeMadeNamesTheKeyAndTheWayOut) {
  HostProcess host(store_with_events(0));
  host.start({"--set", "plugins.state=\"/proc/absent/state\""});
  EXPECT_TRUE(host.logs("plugins.state: /proc/absent/state cannot be used: ")) << host.log();
  EXPECT_EQ(host.stop(), 0);
}

TEST(TroubleText, AFailureThatRepeatsIsLoggedOnce) {
  HostProcess host(store_with_events(20));
  host.install_plugin("handle_throws");
  host.write_projection_file("throws", "[projection.handle_throws]\nrestart_interval = \"1s\"\n");
  host.start();
  ASSERT_TRUE(eventually([&] { return count(host.log(), "handle_throws: runs ") >= 5; })) << host.log();
  EXPECT_EQ(count(host.log(), "handle_throws: failed: handle threw an exception through the ABI: thrown by handle"), 1)
      << host.log();
  EXPECT_EQ(host.stop(), 0);
}

} // namespace
} // namespace projector::test

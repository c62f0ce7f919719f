#include "supervisor/discovery.hpp"

#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace projector::supervisor {
namespace {

namespace fs = std::filesystem;

class DiscoveryTest : public ::testing::Test {
protected:
  fs::path directory(const std::string& name) {
    const auto path = temporary_.path() / name;
    fs::create_directory(path);
    return path;
  }
  static fs::path put(const fs::path& directory, const std::string& name, const std::string& content = "x") {
    std::ofstream(directory / name) << content;
    return directory / name;
  }
  static std::vector<std::string> names(const Discovery& discovery) {
    std::vector<std::string> names;
    for (const auto& [name, plugin] : discovery.plugins) {
      EXPECT_EQ(plugin.name, name);
      names.push_back(name);
    }
    return names;
  }

  test::TemporaryDirectory temporary_;
  config::Plugins plugins_;
};

using Names = std::vector<std::string>;
using Paths = std::vector<fs::path>;

TEST_F(DiscoveryTest, TheFirstDirectoryWinsAndTheOthersAreShadowed) {
  const auto first = directory("first");
  const auto second = directory("second");
  const auto third = directory("third");
  plugins_.directories = {first, second, third};
  const auto third_a = put(third, "a.so");
  const auto first_a = put(first, "a.so", "longer");
  const auto second_a = put(second, "a.so");
  const auto second_b = put(second, "b.so");
  const auto discovery = discover(plugins_);
  EXPECT_EQ(names(discovery), (Names{"a", "b"}));
  EXPECT_EQ(discovery.plugins.at("a").file, first_a);
  EXPECT_EQ(discovery.plugins.at("a").signature.size, 6u);
  EXPECT_EQ(discovery.plugins.at("a").shadowed, (Paths{second_a, third_a}));
  EXPECT_EQ(discovery.plugins.at("b").file, second_b);
  EXPECT_EQ(discovery.plugins.at("b").shadowed, Paths{});
  EXPECT_EQ(discovery.unreadable, Names{});
}

TEST_F(DiscoveryTest, ADirectoryGivenTwiceDoesNotShadowItself) {
  const auto only = directory("only");
  put(only, "a.so");
  plugins_.directories = {only, only};
  EXPECT_EQ(discover(plugins_).plugins.at("a").shadowed, Paths{});
}

TEST_F(DiscoveryTest, OnlyNamesOfPluginsCount) {
  const auto only = directory("only");
  plugins_.directories = {only};
  for (const char* name :
       {"good.so", "g2_x.so", "Bad.so", "2bad.so", "_bad.so", "ba-d.so", "bad.so.dpkg-new", ".bad.so.Xy12", "bad.so~",
        "bad.SO", "bad", ".so", "libbad.so.1", "bad so.so", "\xc3\xa4.so"}) {
    put(only, name);
  }
  put(only, std::string(48, 'l') + ".so");
  put(only, std::string(49, 'm') + ".so");
  EXPECT_EQ(names(discover(plugins_)), (Names{"g2_x", "good", std::string(48, 'l')}));
}

TEST_F(DiscoveryTest, AnAbsentDirectoryIsAnEmptyOne) {
  const auto here = directory("here");
  put(here, "a.so");
  plugins_.directories = {temporary_.path() / "absent", here};
  const auto discovery = discover(plugins_);
  EXPECT_EQ(names(discovery), Names{"a"});
  EXPECT_EQ(discovery.unreadable, Names{});
}

TEST_F(DiscoveryTest, WhatCannotBeReadIsSaid) {
  const auto here = directory("here");
  put(here, "a.so");
  const auto file = put(temporary_.path(), "file");
  plugins_.directories = {file, here};
  const auto discovery = discover(plugins_);
  EXPECT_EQ(names(discovery), Names{"a"});
  EXPECT_EQ(discovery.unreadable, Names{file.string() + ": Not a directory"});
}

TEST_F(DiscoveryTest, AutostartIsAQualityOfTheDirectory) {
  const auto starts = directory("starts");
  const auto packaged = directory("packaged");
  plugins_.directories = {starts, packaged};
  plugins_.autostart = {starts};
  put(starts, "a.so");
  put(packaged, "b.so");
  const auto discovery = discover(plugins_);
  EXPECT_TRUE(discovery.plugins.at("a").autostart);
  EXPECT_FALSE(discovery.plugins.at("b").autostart);
}

TEST_F(DiscoveryTest, TheSignatureTellsVersionsApart) {
  const auto only = directory("only");
  plugins_.directories = {only};
  const auto file = put(only, "a.so", "one");
  const auto before = discover(plugins_).plugins.at("a").signature;
  EXPECT_EQ(discover(plugins_).plugins.at("a").signature, before);
  put(only, "a.tmp", "two");
  fs::rename(only / "a.tmp", file);
  const auto replaced = discover(plugins_).plugins.at("a").signature;
  EXPECT_FALSE(replaced == before) << "a rename of the same size";
  const timespec times[2] = {{1, 0}, {1, 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  const auto touched = discover(plugins_).plugins.at("a").signature;
  EXPECT_EQ(touched.modified_ns, 1000000005);
  EXPECT_FALSE(touched == replaced);
}

TEST_F(DiscoveryTest, AFileBehindALinkChangesWithWhatTheLinkLeadsTo) {
  const auto only = directory("only");
  plugins_.directories = {only};
  put(directory("only/..one"), "a.so", "one");
  put(directory("only/..two"), "a.so", "two");
  fs::create_directory_symlink("..one", only / "..data");
  fs::create_symlink("..data/a.so", only / "a.so");
  const auto before = discover(plugins_).plugins.at("a").signature;
  fs::create_directory_symlink("..two", only / "..next");
  fs::rename(only / "..next", only / "..data");
  EXPECT_FALSE(discover(plugins_).plugins.at("a").signature == before);
}

TEST_F(DiscoveryTest, ALinkIsFoundAsWhatItIs) {
  const auto only = directory("only");
  plugins_.directories = {only};
  fs::create_symlink("/nowhere", only / "a.so");
  EXPECT_EQ(names(discover(plugins_)), Names{"a"}) << "to be refused with its reason, not passed over";
}

} // namespace
} // namespace projector::supervisor

#include "mace/model/mapped_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mace {
namespace {

using ::testing::HasSubstr;

class MappedFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "mace_mapped_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Path(const char* name) const { return (folder_ / name).string(); }
  std::filesystem::path folder_;
};

TEST_F(MappedFileTest, HoldsTheBytes) {
  const std::string text(10000, 'm');
  std::ofstream(Path("a"), std::ios::binary) << text;
  auto file = MappedFile::Open(Path("a").c_str());
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(std::ranges::equal(file->bytes(), text));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file->bytes().data()) % 64, 0u);
  MappedFile moved = std::move(*file);
  EXPECT_EQ(moved.bytes().size(), text.size());
}

TEST_F(MappedFileTest, EmptyFileGivesEmptyBytes) {
  std::ofstream(Path("a"), std::ios::binary).flush();
  auto file = MappedFile::Open(Path("a").c_str());
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->bytes().empty());
}

TEST_F(MappedFileTest, WhatIsNoFileIsRefusedWithoutWaiting) {
  Status status = MappedFile::Open(Path("missing").c_str()).TakeStatus();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("missing"));
  EXPECT_THAT(status.message(), HasSubstr("No such file"));
  EXPECT_THAT(MappedFile::Open(folder_.c_str()).status().message(), HasSubstr("is a directory"));
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(MappedFile::Open(Path("fifo").c_str()).status().message(), HasSubstr("not a regular file"));
  EXPECT_FALSE(MappedFile::Open("/dev/null").ok());
  EXPECT_FALSE(MappedFile::Open("").ok());
}

}  // namespace
}  // namespace mace

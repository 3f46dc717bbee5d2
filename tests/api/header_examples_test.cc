// The examples at the head of mace_c.h and mace.h, taken from there by extract_example.py, compiled and run.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <vector>

#include "mace/mace.h"
#include "tests/api/header_example_c.h"
#include "tests/api/test_models.h"

namespace {

// Both examples load "net.mace" from the current folder and feed it one row of four numbers; here it
// is y = max(2 x + 1, 0).
class HeaderExamplesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) / "mace_header_examples";
    std::filesystem::create_directories(folder_);
    std::filesystem::current_path(folder_);
    const std::vector<uint8_t> bytes = mace_test::AffineModel();
    std::FILE* file = std::fopen("net.mace", "wb");
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
    ASSERT_EQ(std::fclose(file), 0);
  }
  void TearDown() override {
    std::filesystem::current_path(folder_.parent_path());
    std::filesystem::remove_all(folder_);
  }
  std::filesystem::path folder_;
};

std::vector<float> g_printed;
void Print(float score) { g_printed.push_back(score); }
int Fail(const char* message) {
  ADD_FAILURE() << message;
  return 1;
}

int RunHeaderExample() {
#include "mace_example.inc"
  return 0;
}

TEST_F(HeaderExamplesTest, MaceH) {
  EXPECT_EQ(RunHeaderExample(), 0);
  EXPECT_EQ(g_printed, (std::vector<float>{1, 1, 1, 1}));
}

TEST_F(HeaderExamplesTest, MaceCH) {
  float pixels[4] = {0, 1, 2, -3}, scores[4] = {};
  EXPECT_EQ(RunHeaderExampleInC(pixels, scores), 0);
  EXPECT_EQ(std::vector<float>(scores, scores + 4), (std::vector<float>{1, 3, 5, 0}));
}

}  // namespace

#include "batch.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace mace_run {
namespace {

using Names = std::vector<std::string>;

std::string ErrorOf(const Names& files, const Names& names) {
  try {
    FindSamples(files, names, "folder");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Batch, NamesOfFiles) {
  EXPECT_EQ(FileName("serving_default/input:0"), "serving_default_input_0");
  EXPECT_EQ(FileName("x\xC3\xA9"), "x__");  // each byte: the original's names of files
  EXPECT_EQ(FileName(""), "");
}

TEST(Batch, OneSampleForEverySuffix) {
  EXPECT_EQ(FindSamples({"x_10", "x_9", "x", "notes.txt", "y_9"}, {"x"}, "folder"), (Names{"", "_9", "_10"}));
  EXPECT_EQ(FindSamples({"x_a.npy", "y_a.npy", "x_b.npy", "y_b.npy"}, {"x", "y"}, "folder"),
            (Names{"_a.npy", "_b.npy"}));
  EXPECT_EQ(FindSamples({"notes.txt"}, {"x"}, "folder"), Names{});
}

TEST(Batch, ANameThatBeginsAnother) {
  EXPECT_EQ(FindSamples({"x", "x_1"}, {"x", "x_1"}, "folder"), Names{""});
  EXPECT_EQ(FindSamples({"x_7", "x_1_7", "x_8", "x_1_8"}, {"x", "x_1"}, "folder"), (Names{"_7", "_8"}));
}

TEST(Batch, AFileWithoutItsCompanionIsAnError) {
  EXPECT_EQ(ErrorOf({"x_1", "y_1", "x_2"}, {"x", "y"}),
            "folder/y_2: no such file, but x_2 is there, of the same sample");
}

}  // namespace
}  // namespace mace_run

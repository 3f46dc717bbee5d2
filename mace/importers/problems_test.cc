#include "mace/importers/problems.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "mace/importers/clean_text.h"

namespace mace::importers {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ImportError Thrown(const Problems& problems) {
  try {
    problems.ThrowIfAny();
  } catch (const ImportError& error) {
    return error;
  }
  return ImportError(StatusCode::kOk, "nothing");
}

TEST(ProblemsTest, NothingIsThrownWithoutProblems) {
  ImportReport report;
  const Problems problems(&report);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(Thrown(problems).code(), StatusCode::kOk);
}

TEST(ProblemsTest, OneErrorNamesAllAndTheReportSaysWhatToDo) {
  ImportReport report;
  Problems problems(&report);
  problems.Add("a", "Foo", "no such mode", "use another");
  problems.Add("b", "Bar", ImportError(StatusCode::kDataLoss, "cut off", ImportStage::kShape));
  const ImportError error = Thrown(problems);
  EXPECT_EQ(error.code(), StatusCode::kUnsupported);  // of the first
  EXPECT_EQ(error.action(), "use another");
  EXPECT_STREQ(error.what(), "node 'a' (Foo): no such mode; node 'b' (Bar): cut off");
  ASSERT_EQ(report.problems.size(), 2u);
  EXPECT_EQ(report.problems[0].node, "a");
  EXPECT_EQ(report.problems[0].reason, "Foo: no such mode");
  EXPECT_EQ(report.problems[0].action, "use another");
  EXPECT_EQ(report.problems[1].action, ActionFor(StatusCode::kDataLoss));
}

TEST(ProblemsTest, TextAndReportAreBounded) {
  ImportReport report;
  Problems problems(&report);
  for (int i = 0; i < 5000; ++i) problems.Add("n" + std::to_string(i), "", std::string(100000, 'x'));
  EXPECT_LE(report.problems.size(), 1024u);
  EXPECT_LE(report.problems[0].reason.size(), 2000u);
  EXPECT_THAT(Thrown(problems).what(), HasSubstr("; and 4980 more nodes"));
  for (int i = 0; i < 5000; ++i) AddRepair("n", "r", "a", &report);
  EXPECT_LE(report.repairs.size(), 1025u);
}

TEST(ProblemsTest, StrictImportsRefuseRepairs) {
  ImportReport report;
  ImportOptions options;
  options.strict = true;
  RefuseRepairs(options, &report);
  AddRepair("n", "an old form", "a new one", &report);
  RefuseRepairs(ImportOptions{}, &report);
  EXPECT_TRUE(report.problems.empty());
  try {
    RefuseRepairs(options, &report);
    ADD_FAILURE();
  } catch (const ImportError& error) {
    EXPECT_EQ(error.code(), StatusCode::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr("node 'n': an old form"));
  }
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_THAT(report.problems[0].action, HasSubstr("--strict"));
  EXPECT_THAT(report.problems[0].action, Not(HasSubstr("--output_tensor")));
}

// What fails without a list of problems is one, too.
TEST(ProblemsTest, EveryFailureIsInTheReport) {
  ImportReport report;
  const Status status = RunImporter("test", &report, [] { throw ImportError(DataLoss("cut off")); });
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_EQ(report.problems[0].node, "");
  EXPECT_EQ(report.problems[0].reason, "cut off");
}

TEST(ProblemsTest, NamesCannotForgeLinesOrDriveATerminal) {
  EXPECT_EQ(Printable("layers[0]/relu \xC3\xA9 \xF0\x9F\x99\x82 %s"),
            "layers[0]/relu \xC3\xA9 \xF0\x9F\x99\x82 %s");
  EXPECT_EQ(Printable("a\nb\r\t\x1B[31m\x7F"), "a\\nb\\r\\t\\x1b[31m\\x7f");
  EXPECT_EQ(Printable("\xC2\x9B \xE2\x80\xA8"), "\\xc2\\x9b \\xe2\\x80\\xa8");
  EXPECT_EQ(Printable("\xFF\xC3"), "\\xff\\xc3");  // no UTF-8; cut off
  EXPECT_EQ(Printable(std::string_view("a\0b", 3)), "a\\x00b");
  ImportReport report;
  report.warnings = {"constant 'a\n'"};
  AddRepair("n\x1B", "old\n", "new", &report);
  const Status status = RunImporter("test", &report, [&] {
    Problems problems(&report);
    problems.Add("b\nmace: all is well", "Foo", "refused");
    problems.ThrowIfAny();
  });
  EXPECT_STREQ(status.message(), "node 'b\\nmace: all is well' (Foo): refused");
  EXPECT_EQ(report.problems.at(0).node, "b\\nmace: all is well");
  EXPECT_EQ(report.warnings.at(0), "constant 'a\\n'");
  EXPECT_EQ(report.repairs.at(0).node, "n\\x1b");
  EXPECT_EQ(report.repairs.at(0).reason, "old\\n");
}

}  // namespace
}  // namespace mace::importers

#include "original_flags.h"

#include <gtest/gtest.h>

namespace mace_run {
namespace {

using Words = std::vector<std::string>;

Words Normal(const Words& arguments) {
  const Words names = {"round", "input_node"};
  const std::vector<Switch> switches = {{"benchmark", "benchmark"}, {"benchmark_model", "benchmark"}};
  return Normalized(arguments, names, switches);
}

TEST(OriginalFlags, SpellingsOfGflags) {
  EXPECT_EQ(Normal({"--round=3", "-round", "-1", "--input_node", "--benchmark"}),
            (Words{"--round=3", "--round", "-1", "--input_node", "--benchmark"}));
  for (const char* on :
       {"--benchmark", "-benchmark", "--benchmark=true", "--benchmark_model=1", "-benchmark=yes"}) {
    EXPECT_EQ(Normal({"--round", "3", on}), (Words{"--benchmark", "--round", "3"})) << on;
  }
  for (const char* off : {"--benchmark=false", "--nobenchmark", "-nobenchmark_model", "--benchmark=0"}) {
    EXPECT_EQ(Normal({"--benchmark", off}), Words{}) << off;
    EXPECT_EQ(Normal({off, "--benchmark"}), Words{"--benchmark"}) << off;
  }
  EXPECT_THROW(Normal({"--benchmark=maybe"}), UsageError);
  EXPECT_EQ(Normal({"-h", "-unknown", "word", "-", "--json"}),
            (Words{"-h", "-unknown", "word", "-", "--json"}));
  EXPECT_EQ(Normal({"--benchmark", "--round"}), (Words{"--benchmark", "--round"}));
  EXPECT_EQ(Normal({"-round=", "3"}), (Words{"--round", "", "3"}));
}

TEST(OriginalFlags, Lists) {
  std::vector<std::vector<int64_t>> shapes;
  EXPECT_EQ(ParseShapes("1,224,224,3: 1,10 :", false, &shapes), "");
  EXPECT_EQ(shapes, (std::vector<std::vector<int64_t>>{{1, 224, 224, 3}, {1, 10}, {}}));
  EXPECT_EQ(ParseShapes("-1,10", true, &shapes), "");
  for (const char* bad :
       {"-1,10", "1,,2", "1,x", "1;2", "1.5", "99999999999999999999", "1,2,3,4,5,6,7,8,9"}) {
    EXPECT_NE(ParseShapes(bad, false, &shapes), "") << bad;
  }
  std::vector<mace_dtype> types;
  EXPECT_EQ(ParseTypes("float32,bfloat16,uint8", &types), "");
  EXPECT_EQ(types, (std::vector<mace_dtype>{MACE_FLOAT32, MACE_BFLOAT16, MACE_UINT8}));
  EXPECT_NE(ParseTypes("float", &types).find("float32, float16"), std::string::npos);
  std::vector<mace::DataFormat> formats;
  EXPECT_EQ(ParseFormats("NONE,NCHW", &formats), "");
  EXPECT_EQ(formats, (std::vector<mace::DataFormat>{mace::DataFormat::NONE, mace::DataFormat::NCHW}));
  EXPECT_NE(ParseFormats("nchw", &formats), "");
  Words nodes;
  EXPECT_EQ(ParseNodes("a, b:0", &nodes), "");
  EXPECT_EQ(nodes, (Words{"a", "b:0"}));
  EXPECT_NE(ParseNodes("a,,b", &nodes), "");
}

TEST(OriginalFlags, TensorsOfTheModel) {
  std::vector<mace::TensorInfo> infos(2);
  infos[0].name = "image";
  infos[1].name = "scale";
  TensorFlags flags;
  flags.nodes = {"scale", "image"};
  flags.shapes = {{1}, {1, 2, 3, 4}};
  flags.formats = {mace::DataFormat::NCHW};
  const auto both = Resolve(flags, infos, "input");
  EXPECT_EQ(both[0].shape, (std::vector<int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(both[1].shape, std::vector<int64_t>{1});
  EXPECT_EQ(both[0].format, mace::DataFormat::NCHW);
  EXPECT_FALSE(both[0].type.has_value());
  flags.nodes = {"scale"};
  flags.shapes = {{1}};
  const auto one = Resolve(flags, infos, "input");
  EXPECT_FALSE(one[0].is_named);
  EXPECT_TRUE(one[1].is_named);
  const auto error = [&] {
    try {
      Resolve(flags, infos, "input");
    } catch (const UsageError& usage) {
      return std::string(usage.what());
    }
    return std::string();
  };
  flags.nodes = {"imag"};
  EXPECT_EQ(error(),
            "--input_node: the model has no input 'imag'; did you mean 'image'? It has: image, scale");
  flags.nodes = {"image", "image"};
  EXPECT_NE(error().find("twice"), std::string::npos);
  flags.nodes = {};
  EXPECT_EQ(error(), "--input_shape names 1 tensor(s), there are 2");
}

TEST(OriginalFlags, NearestWord) {
  const Words words = {"--model_file", "--round"};
  EXPECT_EQ(NearestWord("--model_fil", words), "--model_file");
  EXPECT_EQ(NearestWord("--something_else", words), "");
}

}  // namespace
}  // namespace mace_run

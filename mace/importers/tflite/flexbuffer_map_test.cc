#include "mace/importers/tflite/flexbuffer_map.h"

#include <flatbuffers/flexbuffers.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "mace/importers/import_error.h"

namespace mace::importers::tflite {
namespace {

// FlatBuffers' own writer. `wide` adds a number that makes all offsets and values eight bytes wide.
std::vector<uint8_t> Options(bool wide) {
  flexbuffers::Builder builder;
  builder.Map([&] {
    builder.Int("small", -3);
    builder.Int("large", 1 << 20);
    builder.UInt("unsigned", 200);
    builder.Bool("yes", true);
    builder.Float("half", 0.5f);
    builder.Double("pi", 3.14159265358979);
    builder.IndirectInt("far", 77);
    builder.IndirectDouble("far_real", 2.7);  // no float: FlatBuffers writes half of a double that is
    builder.Null("nothing");
    builder.String("text", "abc");
    if (wide) builder.Int("wide", INT64_MIN);
  });
  builder.Finish();
  return builder.GetBuffer();
}

TEST(FlexbufferMap, ReadsNumbers) {
  for (bool wide : {false, true}) {
    const std::vector<uint8_t> bytes = Options(wide);
    const FlexbufferMap map(bytes);
    EXPECT_EQ(map.Integer("small", 0), -3);
    EXPECT_EQ(map.Integer("large", 0), 1 << 20);
    EXPECT_EQ(map.Integer("unsigned", 0), 200);
    EXPECT_EQ(map.Integer("yes", 0), 1);
    EXPECT_EQ(map.Real("half", 0), 0.5);
    EXPECT_NEAR(map.Real("pi", 0), 3.14159265358979, 1e-12);
    EXPECT_EQ(map.Integer("pi", 0), 3);
    EXPECT_EQ(map.Integer("far", 0), 77);
    EXPECT_EQ(map.Real("far_real", 0), 2.7);
    EXPECT_EQ(map.Real("small", 0), -3);
    EXPECT_EQ(map.Integer("nothing", 5), 5);
    EXPECT_EQ(map.Integer("absent", 6), 6);
    EXPECT_EQ(map.Integer("", 7), 7);
    EXPECT_EQ(map.Integer("smal", 8), 8);
    EXPECT_THROW(map.Integer("text", 0), ImportError);
    EXPECT_EQ(map.Integer("wide", 0), wide ? INT64_MIN : 0);
  }
}

TEST(FlexbufferMap, RefusesWhatIsNoMap) {
  for (const std::vector<uint8_t>& bytes :
       {std::vector<uint8_t>{}, {1}, {1, 4}, {5, 4, 1}, {0, 36, 0}, {0, 36, 3}, {0, 36, 8}, {200, 36, 1}}) {
    EXPECT_THROW(FlexbufferMap{bytes}, ImportError);
  }
  flexbuffers::Builder builder;
  builder.Int(7);
  builder.Finish();
  EXPECT_THROW(FlexbufferMap{builder.GetBuffer()}, ImportError);
}

// Everything that a damaged file may hold gives numbers or an ImportError; the sanitizers watch the reads.
TEST(FlexbufferMap, DamagedBytes) {
  std::mt19937 random(7);
  int read = 0;
  for (bool wide : {false, true}) {
    const std::vector<uint8_t> sound = Options(wide);
    for (int i = 0; i < 20000; ++i) {
      std::vector<uint8_t> bytes = sound;
      if (i % 4 == 0) bytes.resize(random() % (sound.size() + 1));
      if (i % 4 == 1)
        bytes.erase(bytes.begin(), bytes.begin() + static_cast<int64_t>(random() % bytes.size()));
      for (size_t flips = random() % 4; flips > 0 && !bytes.empty(); --flips) {
        bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
      }
      bytes.shrink_to_fit();
      try {
        const FlexbufferMap map(bytes);
        for (const char* name : {"small", "pi", "far", "far_real", "text", "wide"}) map.Integer(name, 0);
        ++read;
      } catch (const ImportError& error) {
        EXPECT_EQ(error.code(), StatusCode::kDataLoss);
      }
    }
  }
  EXPECT_GT(read, 300);
}

}  // namespace
}  // namespace mace::importers::tflite

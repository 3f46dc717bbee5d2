#include "npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>

namespace mace_run {
namespace {

std::vector<uint8_t> File(std::string header, size_t data_bytes, uint8_t major = 1) {
  header += '\n';
  std::vector<uint8_t> file = {0x93, 'N', 'U', 'M', 'P', 'Y', major, 0};
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
    file.push_back(static_cast<uint8_t>(header.size() >> (8 * i)));
  file.insert(file.end(), header.begin(), header.end());
  for (size_t i = 0; i < data_bytes; ++i) file.push_back(static_cast<uint8_t>(i));
  return file;
}

std::string ErrorOf(std::span<const uint8_t> file) {
  try {
    ParseNpy(file);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Npy, ReadsWhatNumpyWrites) {
  for (uint8_t major : {1, 2, 3}) {
    const Array array =
        ParseNpy(File("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          ", 24, major));
    EXPECT_EQ(array.dtype, MACE_FLOAT32);
    EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(array.bytes.size(), 24u);
    EXPECT_EQ(array.bytes[23], 23);
  }
  EXPECT_EQ(ParseNpy(File("{'descr': '|b1', 'fortran_order': False, 'shape': (), }", 1)).shape.size(), 0u);
  EXPECT_EQ(ParseNpy(File("{'descr': '<i8', 'fortran_order': True, 'shape': (3,), }", 24)).dtype, MACE_INT64);
  EXPECT_EQ(ParseNpy(File("{'descr': '<i8', 'fortran_order': False, 'shape': (0, 4), }", 0)).bytes.size(),
            0u);
}

TEST(Npy, FortranOrderBecomesRowMajor) {
  const Array array = ParseNpy(File("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }", 12));
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3, 2}));
  EXPECT_EQ(array.bytes, (std::vector<uint8_t>{0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11}));
  const Array wide = ParseNpy(File("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 2), }", 8));
  EXPECT_EQ(wide.bytes, (std::vector<uint8_t>{0, 1, 4, 5, 2, 3, 6, 7}));
  EXPECT_EQ(ParseNpy(File("{'descr': '<i2', 'fortran_order': True, 'shape': (0, 2), }", 0)).bytes.size(), 0u);
}

TEST(Npy, SaysWhatIsWrong) {
  const std::string archive = "PK\x03\x04 garbage";
  EXPECT_EQ(ErrorOf({reinterpret_cast<const uint8_t*>(archive.data()), archive.size()}),
            "a .npz archive, not a .npy file");
  EXPECT_EQ(
      ErrorOf(File("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 8), }", 0)),
      "the array's size does not fit in 64 bits");
}

TEST(Npy, RefusesDamage) {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  EXPECT_NE(ErrorOf(File(good, 23)), "");
  EXPECT_NE(ErrorOf(File(good, 25)), "");
  const std::vector<uint8_t> file = File(good, 24);
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_NE(ErrorOf({file.data(), size}), "") << size;
  }
  for (const char* header : {
           "{'descr': 'f4', 'fortran_order': False, 'shape': (2, 3), }",
           "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }",
           "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3), }",
           "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }",
           "{'descr': '<f4', 'fortran_order': False}",
           "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2, 3), }",
           "{'descr': '<f4, 'fortran_order': False, 'shape': (2, 3), }",
           "{'other': 1}",
           "",
       }) {
    EXPECT_NE(ErrorOf(File(header, 24)), "") << header;
  }
}

TEST(Npy, WritesWhatItReads) {
  for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{{}, {3}, {2, 3}, {1, 2, 3, 4}}) {
    Array array;
    array.dtype = MACE_INT16;
    array.shape = shape;
    size_t count = 1;
    for (int64_t dim : shape) count *= static_cast<size_t>(dim);
    array.bytes.assign(count * 2, 7);
    std::vector<uint8_t> file = FormatNpyHeader(array);
    EXPECT_EQ(file.size() % 64, 0u);
    file.insert(file.end(), array.bytes.begin(), array.bytes.end());
    const Array again = ParseNpy(file);
    EXPECT_EQ(again.shape, shape);
    EXPECT_EQ(again.dtype, MACE_INT16);
    EXPECT_EQ(again.bytes, array.bytes);
  }
}

}  // namespace
}  // namespace mace_run

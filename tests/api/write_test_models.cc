// write_test_models DIR: the models of test_models.h as files, with inputs, for tests of programs:
//   DIR/affine.mace  DIR/affine/in_0.npy      float32 [2, 4], the numbers 0 .. 7
//   DIR/accumulator.mace  DIR/accumulator/in_0.npy   float32 [3, 2] for three steps
//   DIR/deep.mace  DIR/deep/in_0.npy          float32 [2, 64]
//   DIR/control.mace  DIR/control/in_0.npy    float32 [4]
//   DIR/network.mace  DIR/network/in_0.npy    float32 [1, 9, 9, 3]
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/api/test_models.h"

namespace {

template <typename T>
bool Write(const std::string& path, const std::vector<T>& bytes, const std::string& header = "") {
  std::ofstream file(path, std::ios::binary);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size() * sizeof(T)));
  return file.good();
}

std::string NpyHeader(const std::string& shape) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
  text.append(117 - text.size(), ' ');
  text += '\n';
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string dir = argv[1];
  std::filesystem::create_directories(dir + "/affine");
  std::filesystem::create_directories(dir + "/accumulator");
  std::filesystem::create_directories(dir + "/deep");
  std::filesystem::create_directories(dir + "/network");
  std::filesystem::create_directories(dir + "/control");
  std::filesystem::create_directories(dir + "/empty");
  const bool good =
      Write(dir + "/affine.mace", mace_test::AffineModel()) &&
      Write(dir + "/accumulator.mace", mace_test::AccumulatorModel()) &&
      Write(dir + "/deep.mace", mace_test::DeepModel(8)) &&
      Write(dir + "/deep/in_0.npy", std::vector<float>(128, 1.5f), NpyHeader("(2, 64)")) &&
      Write(dir + "/network.mace", mace_test::NetworkModel()) &&
      Write(dir + "/network/in_0.npy", std::vector<float>(243, 0.5f), NpyHeader("(1, 9, 9, 3)")) &&
      Write(dir + "/control.mace", mace_test::ControlModel()) &&
      Write<float>(dir + "/control/in_0.npy", {1, 0, -2, 3}, NpyHeader("(4,)")) &&
      Write<float>(dir + "/affine/in_0.npy", {0, 1, 2, 3, 4, 5, 6, 7}, NpyHeader("(2, 4)")) &&
      Write<float>(dir + "/accumulator/in_0.npy", {1, 2, 3, 4, 5, 6}, NpyHeader("(3, 2)"));
  return good ? 0 : 1;
}

// hello MODEL.mace: says what the model's inputs and outputs are, runs it once on zeros (unknown dimensions
// are taken as 1), and prints the first numbers of each float output.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "mace/mace.h"

namespace {

size_t BytesOf(mace::DType dtype) {
  switch (dtype) {
    case MACE_INT64:
    case MACE_UINT64:
    case MACE_FLOAT64:
      return 8;
    case MACE_FLOAT32:
    case MACE_INT32:
    case MACE_UINT32:
      return 4;
    default:
      return 2;  // enough for the smaller ones
  }
}

int Run(const char* path) {
  mace::Runtime runtime = mace::Runtime::Create({.num_threads = 1}).value();
  mace::Model model = mace::Model::LoadFile(runtime, path).value();
  mace::Session session = model.NewSession().value();

  std::vector<std::vector<char>> buffers;
  std::vector<mace::Tensor> inputs;
  for (mace::TensorInfo& info : model.inputs()) {
    size_t bytes = BytesOf(info.dtype);
    for (int64_t& dim : info.shape) bytes *= static_cast<size_t>(dim = dim < 0 ? 1 : dim);
    buffers.emplace_back(bytes);
    inputs.emplace_back(info.dtype, info.shape, buffers.back().data(), bytes);
    std::printf("input '%s': %zu dimensions\n", info.name.c_str(), info.shape.size());
  }

  const std::vector<mace::Tensor> outputs = session.Run(inputs).value();
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::printf("output '%s':", model.outputs()[i].name.c_str());
    if (outputs[i].dtype == MACE_FLOAT32) {
      const auto values = outputs[i].elements<float>();
      for (float value : values.first(std::min<size_t>(values.size(), 8))) std::printf(" %g", value);
    }
    std::printf("\n");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: hello MODEL.mace\n");
    return 2;
  }
  try {
    return Run(argv[1]);
  } catch (const mace::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

// original_api MODEL.mace [INPUT_FILE_PREFIX]: a program as the original MACE's documentation shows them,
// with its names: configuration, engine, maps of tensors, a run with the operators' times. Inputs are float32
// files PREFIX_<input name>, or ones where there is no prefix.
#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "mace/public/mace.h"

namespace {

int64_t Product(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<int64_t>());
}

std::shared_ptr<float> NewBuffer(int64_t count) {
  return std::shared_ptr<float>(new float[static_cast<size_t>(count)], std::default_delete<float[]>());
}

// Names and shapes come with the deployment file; here mace/mace.h tells them. Open dimensions are taken
// as 1.
std::map<std::string, std::vector<int64_t>> ShapesOf(const std::vector<mace::TensorInfo>& infos) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const mace::TensorInfo& info : infos) {
    std::vector<int64_t>& shape = shapes[info.name];
    for (int64_t dim : info.shape) shape.push_back(dim < 0 ? 1 : dim);
  }
  return shapes;
}

int Fail(const std::string& what) {
  std::cerr << "original_api: " << what << std::endl;
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return Fail("usage: original_api MODEL.mace [INPUT_FILE_PREFIX]");
  auto runtime = mace::Runtime::Create();
  if (!runtime.ok()) return Fail(runtime.status().message());
  auto model = mace::Model::LoadFile(*runtime, argv[1]);
  if (!model.ok()) return Fail(model.status().message());
  const auto input_shapes = ShapesOf(model->inputs()), output_shapes = ShapesOf(model->outputs());
  std::vector<std::string> input_names, output_names;
  for (const auto& [name, shape] : input_shapes) input_names.push_back(name);
  for (const auto& [name, shape] : output_shapes) output_names.push_back(name);

  // 1. Declare the device type and what it may use.
  mace::MaceEngineConfig config;
  mace::MaceStatus status = config.SetCPUThreadPolicy(2, mace::CPUAffinityPolicy::AFFINITY_BIG_ONLY);
  if (status != mace::MaceStatus::MACE_SUCCESS) return Fail(status.information());

  // 2. Create the engine.
  std::shared_ptr<mace::MaceEngine> engine;
  status = mace::CreateMaceEngineFromFile(argv[1], input_names, output_names, config, &engine);
  if (status != mace::MaceStatus::MACE_SUCCESS) return Fail(status.information());

  // 3. Create input and output tensors.
  std::map<std::string, mace::MaceTensor> inputs, outputs;
  for (const auto& [name, shape] : input_shapes) {
    const int64_t count = Product(shape);
    const std::shared_ptr<float> buffer = NewBuffer(count);
    std::fill_n(buffer.get(), count, 1.0f);
    if (argc > 2) {
      std::ifstream file(std::string(argv[2]) + "_" + name, std::ios::binary);
      file.read(reinterpret_cast<char*>(buffer.get()), count * static_cast<int64_t>(sizeof(float)));
      if (!file) return Fail("the file of input " + name + " cannot be read");
    }
    inputs[name] = mace::MaceTensor(shape, buffer);
  }
  for (const auto& [name, shape] : output_shapes) {
    outputs[name] = mace::MaceTensor(shape, NewBuffer(Product(shape)));
  }

  // 4. Run.
  mace::RunMetadata run_metadata;
  status = engine->Run(inputs, &outputs, &run_metadata);
  if (status != mace::MaceStatus::MACE_SUCCESS) return Fail(status.information());

  for (const auto& [name, tensor] : outputs) {
    std::cout << name << ":";
    for (int64_t i = 0; i < std::min<int64_t>(Product(tensor.shape()), 8); ++i) {
      std::cout << " " << tensor.data().get()[i];
    }
    std::cout << std::endl;
  }
  for (const mace::OperatorStats& op : run_metadata.op_stats) {
    std::cout << op.type << " " << op.operator_name << ": " << op.stats.end_micros - op.stats.start_micros
              << " us" << std::endl;
  }
  std::cout << "MACE " << mace::MaceVersion() << std::endl;
  return 0;
}

// Reading protobuf fields of an ONNX file: shared by onnx_proto.cc and onnx_proto_tensor.cc, for nobody else.
#ifndef MACE_IMPORTERS_ONNX_ONNX_READER_H_
#define MACE_IMPORTERS_ONNX_ONNX_READER_H_

#include <vector>

#include "mace/importers/onnx/onnx_proto.h"
#include "mace/importers/protobuf_reader.h"

namespace mace::importers::onnx {

// What all readers of one file share.
struct Parsing : ReadBudget {
  std::vector<ExternalRange> external = {};
  int graphs = 0;
};

using Reader = ProtobufReader<Parsing>;

// onnx_proto_tensor.cc
Tensor ReadTensor(Reader reader);
SparseTensor ReadSparseTensor(Reader reader);

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_READER_H_

// A network as its prototxt says: the layers that run in the phase TEST, the old spellings brought to the new
// one.
#ifndef MACE_IMPORTERS_CAFFE_CAFFE_NET_H_
#define MACE_IMPORTERS_CAFFE_CAFFE_NET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mace/importers/caffe/text_format.h"

namespace mace::importers::caffe {

struct Layer {
  std::string name, type;  // of `layers` too the type is a name: "Convolution" for CONVOLUTION
  std::vector<std::string> bottoms, tops;
  const TextMessage* message = nullptr;
};
struct NetInput {
  std::string name;
  std::vector<int64_t> shape;
};
struct Net {
  std::string name;
  std::vector<NetInput> inputs;  // `input` fields and layers of type Input
  std::vector<Layer> layers;     // all others
};

// Refers to `text`. Throws ImportError.
Net ReadNet(const TextMessage& text);

}  // namespace mace::importers::caffe

#endif  // MACE_IMPORTERS_CAFFE_CAFFE_NET_H_

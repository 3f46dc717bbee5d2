// What single steps of a pipeline become: for pipeline.cc alone. All throw passes::PassError.
#ifndef MACE_CONVERT_PIPELINE_STEPS_H_
#define MACE_CONVERT_PIPELINE_STEPS_H_

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "mace/convert/pipeline.h"
#include "mace/ops/common.h"
#include "mace/passes/graph_editor.h"

namespace mace::convert {

const char* NameOf(const Step& step);  // as in Python: "Resize"

// The shape in front of `step` where `shape` stands behind it; new symbols are called after the input `name`.
Shape ShapeBefore(const Step& step, const std::string& name, const Shape& shape, Graph* graph);
// What a SourceStep says of the type that stands in front of the other steps.
void ApplySource(const SourceStep& source, TensorType* type);

struct StepResult {
  ValueId value = kNone;
  std::vector<std::pair<std::string, ValueId>> further;  // outputs behind it, by what is added to its name
};

// Emits nodes that stand where `anchor` stands.
class StepBuilder {
 public:
  StepBuilder(passes::GraphEditor* editor, NodeId anchor) : editor_(*editor), anchor_(anchor) {}

  passes::GraphEditor& editor() { return editor_; }

  template <typename A>
  ValueId Emit(OpId op, std::initializer_list<ValueId> inputs, const A& attributes,
               int32_t quantization = kNone) {
    return editor_.Emit(anchor_, op, inputs, attributes, quantization);
  }
  // Cast where the type is another one; of quantized values their real numbers, cast.
  ValueId As(ValueId value, DType dtype);
  // f32 numbers of pixels, rounded to bytes.
  ValueId AsBytes(ValueId value);

  // Colours that are to change places do so as late as they can, where the picture is smallest and a
  // convolution may take it over: what an input's steps have made is settled at their end.
  ValueId Settle(ValueId value);

  ValueId AddToInput(const Step& step, ValueId value);
  StepResult AddToOutput(const Step& step, ValueId value);
  StepResult AddSuppression(const NonMaxSuppressionStep& step, ValueId boxes, ValueId scores);

 private:
  const Shape& ShapeOf(ValueId value) const { return editor_.ShapeOf(value); }
  ValueId Floats(const std::vector<double>& elements, const Shape& shape);
  ValueId Ints(std::initializer_list<int64_t> elements);
  ValueId AddColor(const ColorStep& step, ValueId value);
  ValueId AddResize(const ResizeStep& step, ValueId value);
  ValueId AddFittingResize(const ResizeStep& step, ValueId value);
  ValueId ResizeTo(const ResizeStep& step, ValueId value, ValueId sizes);
  ValueId AddNormalize(const NormalizeStep& step, ValueId value);
  ValueId AddLayout(const LayoutStep& step, ValueId value);

  passes::GraphEditor& editor_;
  NodeId anchor_;
  bool channels_reversed_ = false;  // of what there is so far: red stands for blue
  bool channels_second_ = false;    // pictures are NCHW from here on
};

}  // namespace mace::convert

#endif  // MACE_CONVERT_PIPELINE_STEPS_H_

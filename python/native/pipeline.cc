// Steps of a pipeline as Python gives them (mace/pipeline.py): pairs of a step's name and a dict of its
// fields.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "mace/convert/pipeline.h"
#include "native/module.h"

namespace nb = nanobind;

namespace mace::python {
namespace {

// Each field that a step has is read once; what is left is a defect of mace/pipeline.py.
class Fields {
 public:
  explicit Fields(nb::dict fields) : fields_(fields) {}

  template <typename T>
  Fields& Read(const char* name, T* field) {
    *field = nb::cast<T>(fields_[name]);
    ++read_;
    return *this;
  }
  void ExpectAllRead() const {
    if (read_ != nb::len(fields_)) throw nb::key_error("a field of a step is not known");
  }

 private:
  nb::dict fields_;
  size_t read_ = 0;
};

convert::Step StepOf(const std::string& kind, Fields& fields) {
  if (kind == "Source") {
    convert::SourceStep step;
    fields.Read("dtype", &step.dtype).Read("shape", &step.shape);
    return step;
  }
  if (kind == "Color") {
    convert::ColorStep step;
    fields.Read("source", &step.source).Read("target", &step.target).Read("full_range", &step.full_range);
    return step;
  }
  if (kind == "Resize") {
    convert::ResizeStep step;
    fields.Read("height", &step.height).Read("width", &step.width).Read("nearest", &step.nearest);
    fields.Read("keep_aspect", &step.keep_aspect).Read("centre", &step.centre);
    fields.Read("pad_value", &step.pad_value);
    return step;
  }
  if (kind == "Normalize") {
    convert::NormalizeStep step;
    fields.Read("mean", &step.mean).Read("deviation", &step.deviation).Read("scale", &step.scale);
    return step;
  }
  if (kind == "Layout") {
    convert::LayoutStep step;
    fields.Read("source", &step.source).Read("target", &step.target);
    return step;
  }
  if (kind == "Softmax") {
    convert::SoftmaxStep step;
    fields.Read("axis", &step.axis);
    return step;
  }
  if (kind == "TopK") {
    convert::TopKStep step;
    fields.Read("k", &step.k).Read("axis", &step.axis);
    return step;
  }
  if (kind == "CtcDecode") {
    convert::CtcDecodeStep step;
    fields.Read("blank", &step.blank).Read("merge_repeats", &step.merge_repeats);
    return step;
  }
  if (kind == "NonMaxSuppression") {
    convert::NonMaxSuppressionStep step;
    fields.Read("scores", &step.scores).Read("max_detections", &step.max_detections);
    fields.Read("iou_threshold", &step.iou_threshold).Read("score_threshold", &step.score_threshold);
    fields.Read("class_agnostic", &step.class_agnostic).Read("box_format", &step.box_format);
    fields.Read("class_last", &step.class_last);
    return step;
  }
  throw nb::key_error(kind.c_str());
}

}  // namespace

std::vector<convert::Pipeline> PipelinesOf(nb::handle given) {
  std::vector<convert::Pipeline> pipelines;
  for (nb::handle pair : given) {
    std::vector<convert::Step> steps;
    for (nb::handle step : pair[1]) {
      Fields fields(nb::cast<nb::dict>(step[1]));
      steps.push_back(StepOf(nb::cast<std::string>(step[0]), fields));
      fields.ExpectAllRead();
    }
    pipelines.emplace_back(nb::cast<std::string>(pair[0]), std::move(steps));
  }
  return pipelines;
}

}  // namespace mace::python

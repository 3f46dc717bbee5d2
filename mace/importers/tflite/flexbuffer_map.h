// Reads the options of custom operators: a FlexBuffer (https://flatbuffers.dev/flexbuffers.html) whose root
// is a map from names to numbers. Every offset is checked; what is not a number is not followed.
#ifndef MACE_IMPORTERS_TFLITE_FLEXBUFFER_MAP_H_
#define MACE_IMPORTERS_TFLITE_FLEXBUFFER_MAP_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mace::importers::tflite {

class FlexbufferMap {
 public:
  // Throws ImportError (kDataLoss) where the bytes hold no map. They must outlive the object.
  explicit FlexbufferMap(std::span<const uint8_t> bytes);

  // The number called `name`, converted to an integer (saturating) or a float. `otherwise` where the map has
  // no such name; throws where it has, but no number under it.
  int64_t Integer(std::string_view name, int64_t otherwise) const;
  double Real(std::string_view name, double otherwise) const;

 private:
  struct Number {
    bool is_real = false;
    int64_t integer = 0;
    double real = 0;
  };

  std::span<const uint8_t> Slice(size_t position, size_t count) const;
  uint64_t Unsigned(size_t position, size_t width) const;
  int64_t Signed(size_t position, size_t width) const;
  double Float(size_t position, size_t width) const;
  // The place that the offset at `position` points back to.
  size_t Target(size_t position, size_t width) const;
  bool HasName(size_t entry, std::string_view name) const;
  std::optional<Number> Find(std::string_view name) const;
  Number NumberAt(size_t position, uint8_t type, size_t width) const;

  std::span<const uint8_t> bytes_;
  size_t values_ = 0, value_width_ = 0, keys_ = 0, key_width_ = 0, count_ = 0;
};

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_FLEXBUFFER_MAP_H_

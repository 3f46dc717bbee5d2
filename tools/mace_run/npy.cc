#include "npy.h"

#include <charconv>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string_view>

#include "files.h"

namespace mace_run {
namespace {

constexpr size_t kMaxHeaderBytes = 64 * 1024;

struct DTypeRow {
  mace_dtype dtype;
  const char* code;  // what .npy calls it, without the byte order
  size_t bytes;
  const char* name;
};
// NumPy has no bfloat16; files that hold it call it a void of two bytes.
constexpr DTypeRow kDTypes[] = {
    {MACE_FLOAT32, "f4", 4, "float32"},   {MACE_FLOAT16, "f2", 2, "float16"},
    {MACE_BFLOAT16, "V2", 2, "bfloat16"}, {MACE_FLOAT64, "f8", 8, "float64"},
    {MACE_INT8, "i1", 1, "int8"},         {MACE_UINT8, "u1", 1, "uint8"},
    {MACE_INT16, "i2", 2, "int16"},       {MACE_UINT16, "u2", 2, "uint16"},
    {MACE_INT32, "i4", 4, "int32"},       {MACE_UINT32, "u4", 4, "uint32"},
    {MACE_INT64, "i8", 8, "int64"},       {MACE_UINT64, "u8", 8, "uint64"},
    {MACE_BOOL, "b1", 1, "bool"},
};

const DTypeRow* FindDType(mace_dtype dtype) {
  for (const DTypeRow& row : kDTypes) {
    if (row.dtype == dtype) return &row;
  }
  return nullptr;
}

[[noreturn]] void Fail(const std::string& what) { throw std::runtime_error(what); }

// Reads the header's Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  void Parse(Array* array, bool* fortran_order) {
    bool has_descr = false, has_order = false, has_shape = false;
    Expect('{');
    while (!Accept('}')) {
      const std::string_view key = Quoted();
      Expect(':');
      if (key == "descr") {
        ParseDescr(array);
        has_descr = true;
      } else if (key == "fortran_order") {
        *fortran_order = Boolean();
        has_order = true;
      } else if (key == "shape") {
        ParseShape(array);
        has_shape = true;
      } else {
        Fail("the header has an unknown key");
      }
      if (!Accept(',')) {
        Expect('}');
        break;
      }
    }
    if (!has_descr || !has_order || !has_shape) Fail("the header lacks descr, fortran_order or shape");
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool Accept(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void Expect(char c) {
    if (!Accept(c)) Fail(std::string("the header is damaged: expected '") + c + "'");
  }
  std::string_view Quoted() {
    SkipSpace();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') Fail("the header is damaged: expected a quoted string");
    const size_t begin = ++at_;
    const size_t end = text_.find(quote, begin);
    if (end == std::string_view::npos) Fail("the header is damaged: a string has no end");
    at_ = end + 1;
    return text_.substr(begin, end - begin);
  }
  bool Boolean() {
    SkipSpace();
    for (bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    Fail("the header is damaged: expected True or False");
  }
  void ParseDescr(Array* array) {
    SkipSpace();
    if (at_ < text_.size() && text_[at_] == '[') Fail("arrays of structures are not supported");
    const std::string_view descr = Quoted();
    const std::string_view code = descr.empty() ? descr : descr.substr(1);
    for (const DTypeRow& row : kDTypes) {
      if (code != row.code) continue;
      if (descr[0] == '>' && row.bytes > 1) Fail("big-endian arrays are not supported");
      if (descr[0] != '<' && descr[0] != '|' && descr[0] != '=' && descr[0] != '>') break;
      array->dtype = row.dtype;
      return;
    }
    Fail("dtype '" + std::string(descr.substr(0, 40)) + "' is not supported");
  }
  void ParseShape(Array* array) {
    array->shape.clear();  // a key that comes twice counts once, as in Python
    Expect('(');
    while (!Accept(')')) {
      SkipSpace();
      int64_t dim = 0;
      const char* begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), dim);
      if (error != std::errc() || dim < 0) Fail("the header is damaged: a dimension is no number");
      at_ += static_cast<size_t>(end - begin);
      array->shape.push_back(dim);
      if (array->shape.size() > MACE_MAX_RANK) Fail("the array has more than 8 dimensions");
      if (!Accept(',')) {
        Expect(')');
        break;
      }
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

// Bytes of the elements; fails where the product does not fit.
uint64_t DataBytes(const Array& array) {
  int64_t bytes = static_cast<int64_t>(ElementBytes(array.dtype));
  bool is_empty = false;
  for (int64_t dim : array.shape) {
    is_empty = is_empty || dim == 0;
    if (dim != 0 && __builtin_mul_overflow(bytes, dim, &bytes)) {
      Fail("the array's size does not fit in 64 bits");
    }
  }
  return is_empty ? 0 : static_cast<uint64_t>(bytes);
}

// The elements of an array in Fortran order (the first axis varies fastest) in row-major order.
std::vector<uint8_t> RowMajor(std::span<const uint8_t> data, const std::vector<int64_t>& shape,
                              size_t element_bytes) {
  const size_t rank = shape.size();
  std::vector<size_t> strides(rank), index(rank, 0);
  size_t stride = element_bytes;
  for (size_t axis = 0; axis < rank; ++axis) {
    strides[axis] = stride;
    stride *= static_cast<size_t>(shape[axis]);
  }
  std::vector<uint8_t> result(data.size());
  size_t from = 0;
  for (size_t to = 0; to < result.size(); to += element_bytes) {
    std::memcpy(result.data() + to, data.data() + from, element_bytes);
    for (size_t axis = rank; axis-- > 0;) {
      from += strides[axis];
      if (++index[axis] < static_cast<size_t>(shape[axis])) break;
      from -= strides[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return result;
}

}  // namespace

size_t ElementBytes(mace_dtype dtype) {
  const DTypeRow* row = FindDType(dtype);
  return row == nullptr ? 0 : row->bytes;
}

const char* DTypeName(mace_dtype dtype) {
  const DTypeRow* row = FindDType(dtype);
  return row == nullptr ? "unknown" : row->name;
}

Array ParseNpy(std::span<const uint8_t> file) {
  constexpr char kMagic[] = "\x93NUMPY";
  if (file.size() >= 4 && std::memcmp(file.data(), "PK\x03\x04", 4) == 0) {
    Fail("a .npz archive, not a .npy file");
  }
  if (file.size() < 10 || std::memcmp(file.data(), kMagic, 6) != 0) Fail("not a .npy file");
  const int major = file[6];
  if (major < 1 || major > 3) Fail("version " + std::to_string(major) + " of the .npy format is not known");
  size_t header_bytes = file[8] | static_cast<size_t>(file[9]) << 8;
  size_t begin = 10;
  if (major >= 2) {
    if (file.size() < 12) Fail("the file is truncated");
    header_bytes |= static_cast<size_t>(file[10]) << 16 | static_cast<size_t>(file[11]) << 24;
    begin = 12;
  }
  if (header_bytes > kMaxHeaderBytes || header_bytes > file.size() - begin) Fail("the header is truncated");
  Array array;
  bool fortran_order = false;
  HeaderParser({reinterpret_cast<const char*>(file.data()) + begin, header_bytes})
      .Parse(&array, &fortran_order);
  const uint64_t bytes = DataBytes(array);
  const auto data = file.subspan(begin + header_bytes);
  if (data.size() != bytes) {
    Fail("the header promises " + std::to_string(bytes) + " bytes of data, the file has " +
         std::to_string(data.size()));
  }
  if (fortran_order && array.shape.size() > 1) {
    array.bytes = RowMajor(data, array.shape, ElementBytes(array.dtype));
  } else {
    array.bytes.assign(data.begin(), data.end());
  }
  return array;
}

Array ReadNpy(const std::string& path) {
  try {
    return ParseNpy(ReadFile(path));
  } catch (const std::bad_alloc&) {
    Fail(path + ": out of memory");
  } catch (const std::exception& error) {
    Fail(path + ": " + error.what());
  }
}

std::vector<uint8_t> FormatNpyHeader(const Array& array) {
  const DTypeRow* row = FindDType(array.dtype);
  if (row == nullptr) Fail("dtype " + std::to_string(array.dtype) + " cannot be stored in a .npy file");
  std::string text = "{'descr': '";
  text += row->bytes == 1 || row->code[0] == 'V' ? '|' : '<';
  text += row->code;
  text += "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : array.shape) text += std::to_string(dim) + ", ";
  if (array.shape.size() > 1) text.resize(text.size() - 2);
  if (array.shape.size() == 1) text.pop_back();
  text += "), }";
  text.append(63 - (10 + text.size()) % 64, ' ');  // with the newline a multiple of 64
  text += '\n';
  std::vector<uint8_t> header = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  header.push_back(static_cast<uint8_t>(text.size() & 0xFF));
  header.push_back(static_cast<uint8_t>(text.size() >> 8));
  header.insert(header.end(), text.begin(), text.end());
  return header;
}

void WriteNpy(const std::string& path, const Array& array) {
  WriteFile(path, {FormatNpyHeader(array), array.bytes});
}

}  // namespace mace_run
